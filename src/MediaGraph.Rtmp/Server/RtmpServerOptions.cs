using System.Net;
using MediaGraph.Transport;
using MediaGraph.Validation;

namespace MediaGraph.Rtmp.Server;

/// <summary>Settings of an <see cref="RtmpServer"/>.</summary>
public sealed record RtmpServerOptions : RtmpOptions
{
    /// <summary>The port that RTMP has by default.</summary>
    public const int DefaultPort = RtmpUrl.DefaultPort;

    /// <summary>The port of RTMP over TLS, unless another is set.</summary>
    public const int DefaultTlsPort = 1936;

    /// <summary>
    /// Where to listen; port 0 lets the system choose. Default the loopback address, port 1935: who is not authorized by anything
    /// should not be reachable by anyone.
    /// </summary>
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, DefaultPort);

    /// <summary>
    /// Where to listen for RTMP over TLS (<c>rtmps://</c>); port 0 lets the system choose. Default the loopback address, port 1936:
    /// RTMPS has no port of its own, and 443, which clients take when their address names none, is that of web servers.
    /// </summary>
    public IPEndPoint TlsEndPoint { get; init; } = new(IPAddress.Loopback, DefaultTlsPort);

    /// <summary>The certificate for RTMP over TLS; null, the default, for no such listener.</summary>
    public TlsServerOptions? Tls { get; init; }

    /// <summary>How many connections there may be. Beyond: the new one is closed and counted.</summary>
    public ConnectionLimits Connections { get; init; } = new();

    /// <summary>
    /// Message streams per connection, 1 to 1,024. Default 16: most clients use one. Beyond: the command is refused, and the connection
    /// closed.
    /// </summary>
    public int MaxMessageStreams { get; init; } = 16;

    /// <summary>After how much silence a player is pinged, and how often then. Default 30 s: three times per read timeout.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public override IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Add(base.Validate(prefix))
        .Check(PingInterval)
        .Check(MaxMessageStreams, 1, 1_024)
        .Check(Connections)
        .Check(Tls);
}
