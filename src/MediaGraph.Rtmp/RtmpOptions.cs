using System.Collections.Immutable;
using MediaGraph.Delivery;

namespace MediaGraph.Rtmp;

/// <summary>What an <see cref="Server.RtmpServer"/> and a <see cref="Client.RtmpClient"/> have in common.</summary>
public abstract record RtmpOptions
{
    private protected RtmpOptions()
    {
    }

    /// <summary>
    /// For the whole handshake, from the connection to C2. Default 5 s: three flights over the slowest network, and an end for
    /// silent connections.
    /// </summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a connection may neither publish nor play, from its handshake on and after each stream, the authorizer's time
    /// included. Default 10 s.
    /// </summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long nothing may come in. A player that is silent is pinged, and lives as long as it answers; a publisher must send.
    /// Default 90 s.
    /// </summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>How long a peer may take nothing although something waits for it. Default 30 s.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Payload bytes of a chunk that is sent. Default 65,536, the most that common clients take: most frames are one
    /// chunk.
    /// </summary>
    public int ChunkSize { get; init; } = 64 << 10;

    /// <summary>
    /// After how many bytes a peer acknowledges, as it is asked to. Default 2,500,000, what other servers ask for.
    /// </summary>
    public int WindowAcknowledgementSize { get; init; } = 2_500_000;

    /// <summary>
    /// Four-character codes (<c>hvc1</c>, <c>av01</c>, <c>Opus</c> …; <c>*</c> for all) of the codecs that a peer which is fed is taken to know although
    /// it names none in its <c>connect</c>, or in its answer to ours. Default none: such a peer knows what FLV 10.1 has.
    /// </summary>
    public ImmutableArray<string> AssumedFourCcs { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>What a connection, and the whole server, may take.</summary>
    public RtmpLimits Limits { get; init; } = new();

    /// <summary>Bounds of the queue of whoever is fed.</summary>
    public PacketQueueOptions Queue { get; init; } = new();

    /// <summary>Reports every value that is out of its range.</summary>
    /// <param name="prefix">What precedes the names, such as <c>MediaGraph:Rtmp:</c>.</param>
    public virtual IEnumerable<string> Validate(string prefix = "")
    {
        (string Name, TimeSpan Value)[] times =
        [
            (nameof(HandshakeTimeout), HandshakeTimeout),
            (nameof(CommandTimeout), CommandTimeout),
            (nameof(ReadTimeout), ReadTimeout),
            (nameof(WriteTimeout), WriteTimeout),
        ];
        foreach (var (name, value) in times)
        {
            if (TimeError(prefix, name, value) is { } error)
                yield return error;
        }

        if (ChunkSize is < 128 or > 0xFFFFFF)
            yield return $"{prefix}{nameof(ChunkSize)} is {ChunkSize}; it must be 128 to 16777215.";
        if (WindowAcknowledgementSize < 1024)
            yield return $"{prefix}{nameof(WindowAcknowledgementSize)} is {WindowAcknowledgementSize}; it must be 1024 or more.";
        foreach (var code in AssumedFourCcs)
        {
            if (code != "*" && (code.Length != 4 || code.Any(c => c is < '!' or > '~')))
                yield return $"{prefix}{nameof(AssumedFourCcs)} has '{code}'; a code is four characters, as hvc1, or * for all.";
        }

        foreach (var error in Queue.Validate($"{prefix}{nameof(Queue)}:").Concat(Limits.Validate($"{prefix}{nameof(Limits)}:")))
            yield return error;
    }

    private protected static string? TimeError(string prefix, string name, TimeSpan value) =>
        value < TimeSpan.FromSeconds(1) || value > TimeSpan.FromDays(1)
            ? $"{prefix}{name} is {value}; it must be 1 second to 1 day."
            : null;
}
