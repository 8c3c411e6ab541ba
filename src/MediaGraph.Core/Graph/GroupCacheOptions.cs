namespace MediaGraph.Graph;

/// <summary>How much a node keeps for late joiners: its output since the last keyframe.</summary>
public sealed record GroupCacheOptions
{
    /// <summary>Whether late joiners are given the current group at once. Default true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>
    /// Payload bytes of a track's group, at most; beyond that nothing is cached until the next keyframe. Default 16 MiB: 10 s at
    /// 13 Mbit/s.
    /// </summary>
    public long MaxBytes { get; init; } = 16 << 20;

    /// <summary>
    /// Packets of a track's group, at most; beyond that nothing is cached until the next keyframe. Bounds what empty packets take.
    /// Default 4,096: 10 s of 60 pictures per second, or of sound in packets of 2.5 ms.
    /// </summary>
    public int MaxPackets { get; init; } = 4096;

    /// <summary>
    /// Length of a track's group, at most; beyond that nothing is cached until the next keyframe. Default 10 s: the longest
    /// group that cameras send by default.
    /// </summary>
    public TimeSpan MaxDuration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reports every value that is out of its range.</summary>
    /// <param name="prefix">What precedes the names, such as <c>MediaGraph:GroupCache:</c>.</param>
    public IEnumerable<string> Validate(string prefix = "")
    {
        if (MaxBytes < 0)
            yield return $"{prefix}{nameof(MaxBytes)} is {MaxBytes}; it must be 0 or more.";
        if (MaxPackets < 1)
            yield return $"{prefix}{nameof(MaxPackets)} is {MaxPackets}; it must be 1 or more.";
        if (MaxDuration < TimeSpan.Zero || MaxDuration > TimeSpan.FromDays(1))
            yield return $"{prefix}{nameof(MaxDuration)} is {MaxDuration}; it must be 0 to 1 day.";
    }
}
