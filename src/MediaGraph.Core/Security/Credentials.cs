using System.Collections.Frozen;

namespace MediaGraph.Security;

/// <summary>What a peer gave to prove who it is, before anyone checked it.</summary>
/// <remarks>
/// A peer either gives its password, or proves that it knows it without giving it (RTSP's Digest, RFC 7616). An authorizer that knows
/// users' passwords serves both with one line: <c>credentials.Verify(passwordOf(credentials.User))</c>. One that has only hashes of
/// passwords cannot check such a proof, and needs a server that asks for the password itself.
/// </remarks>
public sealed record Credentials
{
    /// <summary>No credentials.</summary>
    public static Credentials None { get; } = new();

    /// <summary>User name; null where none was given.</summary>
    public string? User { get; init; }

    /// <summary>Password; empty where none was given, and where <see cref="Proof"/> stands for it.</summary>
    public Secret Password { get; init; }

    /// <summary>
    /// Tells whether the peer knows a password, where it proved that without giving it; null otherwise. May be called at any time, on
    /// any thread, any number of times, and takes the same time whatever the answer.
    /// </summary>
    public Func<Secret, bool>? Proof { get; init; }

    /// <summary>Query parameters of the address that was asked for, such as <c>token</c>; the first of each name counts.</summary>
    public IReadOnlyDictionary<string, Secret> Parameters { get; init; } = FrozenDictionary<string, Secret>.Empty;

    /// <summary>Whether the peer gave this password, or proved that it knows it; false for a peer that named no user.</summary>
    /// <param name="password">What the user's password is. An empty one, as of a user who does not exist, is never right.</param>
    public bool Verify(Secret password) =>
        User is not null && !password.IsEmpty && (Proof?.Invoke(password) ?? (Password == password));
}
