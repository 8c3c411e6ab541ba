using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Transport;
using MediaGraph.Validation;

namespace MediaGraph.Rtsp.Client;

/// <summary>Settings of an <see cref="RtspClient"/>. Times are 1 s to 1 day, unless said otherwise.</summary>
public sealed record RtspClientOptions : IValidatedOptions
{
    /// <summary>
    /// For finding the server's address and connecting to it, and once more for what comes before the first request: TLS and the HTTP
    /// tunnel. Default 5 s: a server that needs longer is not there.
    /// </summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For the answer to a request, keep-alives included. Default 10 s: cameras wake up slowly.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a video or audio track that has sent may be silent, and how long all tracks together may send nothing from the start.
    /// Default 10 s. A track that never sends does not end the others.
    /// </summary>
    public TimeSpan MediaTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a server may take nothing although something waits for it. Default 10 s.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often in a row a server may send the client elsewhere, 0 to 16. Default 3; 0 follows none.</summary>
    public int MaxRedirects { get; init; } = 3;

    /// <summary>
    /// Whether it may send the client to another host than the one in the address. Default false: a server that is not trusted
    /// could have it connect to anything that is near. User and password never go to another host.
    /// </summary>
    public bool AllowOtherHosts { get; init; }

    /// <summary>
    /// Whether the password itself may be sent over a connection that anybody on the way can read. Default false: Digest is answered on
    /// every connection, Basic on <c>rtsps</c> alone.
    /// </summary>
    public bool AllowBasicWithoutTls { get; init; }

    /// <summary>
    /// How media are carried. Null, the default, for what the address says behind its <c>#</c>, and TCP where it says nothing.
    /// </summary>
    public RtspUrlTransport? Transport { get; init; }

    /// <summary>
    /// How long nothing may come over UDP before the stream is asked for again over TCP. Default 3 s: live streams send at once, and
    /// where they do not, something on the way lets no datagram through.
    /// </summary>
    public TimeSpan UdpTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// From which ports those for UDP are taken, in pairs, inclusive, 1,024 to 65,535. Null, the default, for any that the system gives.
    /// </summary>
    public (int First, int Last)? UdpPorts { get; init; }

    /// <summary>
    /// The tracks that are set up, each matched by kind and codec. Null, the default, for all. A track that is wanted later is added with
    /// <see cref="RtspTransfer.SetUpAsync"/>.
    /// </summary>
    public IReadOnlyList<Track>? Tracks { get; init; }

    /// <summary>
    /// Whether pulled streams offer their camera's loudspeaker to those who want to talk. Default true: the camera is asked for it with its
    /// description (<c>Require: www.onvif.org/ver20/backchannel</c>), and asked again without where it refuses that. Nothing is set up
    /// there before somebody talks, and then by a session of its own. False for cameras that the question alone disturbs.
    /// </summary>
    public bool Talk { get; init; } = true;

    /// <summary>What the client calls itself.</summary>
    public string UserAgent { get; init; } = "MediaGraph";

    /// <summary>Whose certificate is trusted at an <c>rtsps</c> address.</summary>
    public TlsClientOptions Tls { get; init; } = new();

    /// <summary>What a server's messages may take.</summary>
    public RtspLimits Limits { get; init; } = new();

    /// <summary>Bounds of what waits for a server that is pushed to.</summary>
    public PacketQueueOptions Queue { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(DialTimeout)
        .Check(RequestTimeout)
        .Check(MediaTimeout)
        .Check(WriteTimeout)
        .Check(MaxRedirects, 0, 16)
        .Check(Transport)
        .Check(UdpTimeout)
        .CheckPorts(UdpPorts)
        .Require(Tracks is not { Count: 0 }, $"{nameof(Tracks)} is empty; it must have a track, or be null for all.")
        .Require(
            UserAgent.Length > 0 && RtspText.IsValue(UserAgent),
            $"{nameof(UserAgent)} is empty, or has a character that no header can have.")
        .Check(Limits)
        .Check(Queue);
}
