using System.Collections.Frozen;

namespace MediaGraph.Security;

/// <summary>What a peer gave to prove who it is, before anyone checked it.</summary>
public sealed record Credentials
{
    /// <summary>No credentials.</summary>
    public static Credentials None { get; } = new();

    /// <summary>User name; null where none was given.</summary>
    public string? User { get; init; }

    /// <summary>Password; empty where none was given.</summary>
    public Secret Password { get; init; }

    /// <summary>Query parameters of the address that was asked for, such as <c>token</c>; the first of each name counts.</summary>
    public IReadOnlyDictionary<string, Secret> Parameters { get; init; } = FrozenDictionary<string, Secret>.Empty;
}
