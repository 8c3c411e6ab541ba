using MediaGraph.Validation;

namespace MediaGraph.Delivery;

/// <summary>Bounds of a consumer's queue.</summary>
public sealed record PacketQueueOptions : IValidatedOptions
{
    /// <summary>
    /// Queued payload bytes, at most, 1 or more; an empty queue takes one packet of any size. Default 4 MiB: 8 s at 4 Mbit/s.
    /// </summary>
    public long MaxBytes { get; init; } = 4 << 20;

    /// <summary>
    /// Queued packets, at most, 1 or more: bounds what tiny packets take, in memory and in time. Default 4,096: 5 s of 800 packets a
    /// second.
    /// </summary>
    public int MaxPackets { get; init; } = 4096;

    /// <summary>
    /// Age of the oldest queued packet, at most, 100 ms to 1 day. Default 5 s: older media is of no use to a live viewer.
    /// </summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Bytes of replies that wait for a peer which does not read, 4,096 or more; beyond it the connection is closed. Default 256 KiB. A
    /// subscription by code has none.
    /// </summary>
    public int MaxReplyBytes { get; init; } = 256 << 10;

    /// <summary>
    /// A larger unit is not sent in place: sending 1 MiB would hold the publisher's thread for some 130 µs per viewer. 0 or more bytes,
    /// default 256 KiB. To a subscription by code nothing is sent.
    /// </summary>
    public int MaxInPlaceBytes { get; init; } = 256 << 10;

    /// <summary>What happens when one of the bounds is reached.</summary>
    public OverflowPolicy OnOverflow { get; init; } = OverflowPolicy.DropToKeyframe;

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(MaxBytes, 1)
        .Check(MaxPackets, 1)
        .Check(MaxAge, TimeSpan.FromMilliseconds(100))
        .Check(MaxReplyBytes, 4096)
        .Check(MaxInPlaceBytes, 0)
        .Check(OnOverflow);
}
