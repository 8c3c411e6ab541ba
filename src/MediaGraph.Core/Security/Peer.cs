using System.Net;

namespace MediaGraph.Security;

/// <summary>Who is at the other end of a session.</summary>
/// <param name="Protocol">Lower-case name of the protocol, such as <c>rtmp</c>; <c>code</c> for the application itself.</param>
public sealed record Peer(string Protocol)
{
    /// <summary>The application itself.</summary>
    public static Peer Code { get; } = new("code");

    /// <summary>Where the peer connects from; null for the application itself.</summary>
    public EndPoint? RemoteEndPoint { get; init; }

    /// <summary>What the peer gave to prove who it is.</summary>
    public Credentials Credentials { get; init; } = Credentials.None;

    /// <summary>Whom the authorizer took the peer for; null while anonymous.</summary>
    public string? User { get; init; }

    internal IPAddress? Address => (RemoteEndPoint as IPEndPoint)?.Address;

    /// <inheritdoc/>
    public override string ToString() => RemoteEndPoint is null ? Protocol : $"{Protocol} {RemoteEndPoint}";
}
