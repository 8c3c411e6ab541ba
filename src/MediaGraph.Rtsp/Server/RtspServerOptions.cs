using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Rtsp.Security;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Transport;
using MediaGraph.Validation;

namespace MediaGraph.Rtsp.Server;

/// <summary>Settings of an <see cref="RtspServer"/>. Times are 1 s to 1 day, unless said otherwise.</summary>
public sealed record RtspServerOptions : IValidatedOptions
{
    /// <summary>The port, unless another is set: 554 needs rights that no server should have.</summary>
    public const int DefaultPort = 8554;

    /// <summary>The port of RTSP over TLS, unless another is set: 322 needs such rights too.</summary>
    public const int DefaultTlsPort = 8322;

    /// <summary>
    /// Where to listen; port 0 lets the system choose. Default the loopback address, port 8554: who is not authorized by anything
    /// should not be reachable by anyone.
    /// </summary>
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, DefaultPort);

    /// <summary>
    /// Where to listen for RTSP over TLS (<c>rtsps://</c>); port 0 lets the system choose. Default the loopback address, port 8322.
    /// </summary>
    public IPEndPoint TlsEndPoint { get; init; } = new(IPAddress.Loopback, DefaultTlsPort);

    /// <summary>The certificate for RTSP over TLS; null, the default, for no such listener.</summary>
    public TlsServerOptions? Tls { get; init; }

    /// <summary>Whether media may go over UDP. Default true; over RTSPS they never do, because datagrams are not encrypted.</summary>
    public bool EnableUdp { get; init; } = true;

    /// <summary>
    /// The UDP ports that are used, inclusive, 1,024 to 65,535: two for each track. Default null: any that the system gives.
    /// </summary>
    public (int First, int Last)? UdpPorts { get; init; }

    /// <summary>Whether RTSP may be tunnelled through HTTP, as QuickTime and VLC do it. Default true: it needs no port.</summary>
    public bool EnableHttpTunnel { get; init; } = true;

    /// <summary>
    /// From the connection to the end of its first request's header, the TLS handshake and a tunnel's second connection included. Default
    /// 10 s: some flights over the slowest network, and an end for silent connections.
    /// </summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a request may take to come, from its first byte to the last of its body, and how long to be obeyed, the authorizer's time
    /// included. Default 10 s.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a session lives without a sign of life from its client. Default 60 s, what RFC 2326 §12.37 has. Signs are requests, RTCP,
    /// and, over TCP, that it takes what it is sent.
    /// </summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long a peer may take nothing although something waits for it. Default 10 s: twice the age that media in its queue can have.
    /// </summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long no RTP packet of any track may come from a publisher. Default 10 s: some keyframe intervals.</summary>
    public TimeSpan PublisherTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often sender and receiver reports are sent. Default 5 s, what RFC 3550 §6.2 has for few members.</summary>
    public TimeSpan ReportInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many connections there may be. Beyond: the new one is closed and counted.</summary>
    public ConnectionLimits Connections { get; init; } = new();

    /// <summary>
    /// Requests per second of a connection, 10 to 100,000. Default 100: a session needs some ten in all. Beyond: the connection is closed.
    /// </summary>
    public int MaxRequestsPerSecond { get; init; } = 100;

    /// <summary>Tracks that one session sets up, 1 to 128. Default 16: as many as a description may have. Beyond: 453.</summary>
    public int MaxSetups { get; init; } = 16;

    /// <summary>How clients are asked who they are, where the hub has an authorizer.</summary>
    public RtspAuthenticationOptions Authentication { get; init; } = new();

    /// <summary>What a client's messages may take.</summary>
    public RtspLimits Limits { get; init; } = new();

    /// <summary>Bounds of a viewer's queue.</summary>
    public PacketQueueOptions Queue { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .CheckPorts(UdpPorts)
        .Check(HandshakeTimeout)
        .Check(RequestTimeout)
        .Check(SessionTimeout)
        .Check(WriteTimeout)
        .Check(PublisherTimeout)
        .Check(ReportInterval)
        .Check(Connections)
        .Check(MaxRequestsPerSecond, 10, 100_000)
        .Check(MaxSetups, 1, 128)
        .Check(Authentication)
        .Check(Limits)
        .Check(Queue)
        .Check(Tls);
}
