using MediaGraph.Validation;

namespace MediaGraph.Graph;

/// <summary>How much a node keeps for late joiners: its output since the last keyframe.</summary>
public sealed record GroupCacheOptions : IValidatedOptions
{
    /// <summary>Whether late joiners are given the current group at once. Default true.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>
    /// Payload bytes of a track's group, at most, 0 or more; beyond that nothing is cached until the next keyframe. Default 16 MiB: 10 s at
    /// 13 Mbit/s.
    /// </summary>
    public long MaxBytes { get; init; } = 16 << 20;

    /// <summary>
    /// Packets of a track's group, at most, 1 or more; beyond that nothing is cached until the next keyframe. Bounds what empty packets
    /// take. Default 4,096: 10 s of 60 pictures per second, or of sound in packets of 2.5 ms.
    /// </summary>
    public int MaxPackets { get; init; } = 4096;

    /// <summary>
    /// Length of a track's group, at most, 0 to 1 day; beyond that nothing is cached until the next keyframe. A group that is so far behind
    /// the stream, as its track fell silent, is not given to late joiners. Default 10 s: the longest group that cameras send by default.
    /// </summary>
    public TimeSpan MaxDuration { get; init; } = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(MaxBytes, 0)
        .Check(MaxPackets, 1)
        .Check(MaxDuration, TimeSpan.Zero);
}
