using System.Collections.Immutable;
using MediaGraph.Delivery;
using MediaGraph.Validation;

namespace MediaGraph.Rtmp;

/// <summary>
/// What an <see cref="Server.RtmpServer"/> and a <see cref="Client.RtmpClient"/> have in common. Times are 1 s to 1 day, unless said
/// otherwise.
/// </summary>
public abstract record RtmpOptions : IValidatedOptions
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
    /// Payload bytes of a chunk that is sent, 128 to 16 MiB less 1. Default 65,536, the most that common clients take: most frames are one
    /// chunk.
    /// </summary>
    public int ChunkSize { get; init; } = 64 << 10;

    /// <summary>
    /// After how many bytes a peer acknowledges, as it is asked to, 1,024 or more. Default 2,500,000, what other servers ask for.
    /// </summary>
    public int WindowAcknowledgementSize { get; init; } = 2_500_000;

    /// <summary>
    /// Four-character codes (<c>hvc1</c>, <c>av01</c>, <c>Opus</c> …; <c>*</c> for all) of the codecs that a peer which is fed is taken to
    /// know although it names none in its <c>connect</c>, or in its answer to ours. Default none: such a peer knows what FLV 10.1 has.
    /// </summary>
    public ImmutableArray<string> AssumedFourCcs { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>What a connection may take.</summary>
    public RtmpLimits Limits { get; init; } = new();

    /// <summary>Bounds of the queue of whoever is fed.</summary>
    public PacketQueueOptions Queue { get; init; } = new();

    /// <inheritdoc/>
    public virtual IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(HandshakeTimeout)
        .Check(CommandTimeout)
        .Check(ReadTimeout)
        .Check(WriteTimeout)
        .Check(ChunkSize, 128, 0xFFFFFF)
        .Check(WindowAcknowledgementSize, 1024)
        .Add(AssumedFourCcs.Where(code => code != "*" && (code.Length != 4 || code.Any(c => c is < '!' or > '~')))
            .Select(code => $"{prefix}{nameof(AssumedFourCcs)} has '{code}'; a code is four characters, as hvc1, or * for all."))
        .Check(Limits)
        .Check(Queue);
}
