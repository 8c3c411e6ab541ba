namespace MediaGraph.Delivery;

/// <summary>Bounds of a consumer's queue.</summary>
public sealed record PacketQueueOptions
{
    /// <summary>
    /// Queued payload bytes, at most; an empty queue takes one packet of any size. Default 4 MiB: 8 s at 4 Mbit/s.
    /// </summary>
    public long MaxBytes { get; init; } = 4 << 20;

    /// <summary>
    /// Queued packets, at most: bounds what tiny packets take, in memory and in time. Default 4,096: 5 s of 800 packets a second.
    /// </summary>
    public int MaxPackets { get; init; } = 4096;

    /// <summary>Age of the oldest queued packet, at most. Default 5 s: older media is of no use to a live viewer.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Bytes of replies that wait for a peer which does not read; beyond it the connection is closed. Default 256 KiB.
    /// </summary>
    public int MaxReplyBytes { get; init; } = 256 << 10;

    /// <summary>
    /// A larger unit is not sent in place: sending 1 MiB would hold the publisher's thread for some 130 µs per viewer. Default
    /// 256 KiB.
    /// </summary>
    public int MaxInPlaceBytes { get; init; } = 256 << 10;

    /// <summary>What happens when one of the bounds is reached.</summary>
    public OverflowPolicy OnOverflow { get; init; } = OverflowPolicy.DropToKeyframe;

    /// <summary>Reports every value that is out of its range.</summary>
    /// <param name="prefix">What precedes the names, such as <c>MediaGraph:Queue:</c>.</param>
    public IEnumerable<string> Validate(string prefix = "")
    {
        if (MaxAge < TimeSpan.FromMilliseconds(100) || MaxAge > TimeSpan.FromDays(1))
            yield return $"{prefix}{nameof(MaxAge)} is {MaxAge}; it must be 100 milliseconds to 1 day.";
        (string Name, long Value, long Least)[] sizes =
        [
            (nameof(MaxBytes), MaxBytes, 1),
            (nameof(MaxPackets), MaxPackets, 1),
            (nameof(MaxReplyBytes), MaxReplyBytes, 4096),
            (nameof(MaxInPlaceBytes), MaxInPlaceBytes, 0),
        ];
        foreach (var (name, value, least) in sizes)
        {
            if (value < least)
                yield return $"{prefix}{name} is {value}; it must be {least} or more.";
        }
    }
}
