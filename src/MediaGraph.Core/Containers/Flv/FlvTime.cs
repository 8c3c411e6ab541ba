using MediaGraph.Media;

namespace MediaGraph.Containers.Flv;

/// <summary>A tag's times.</summary>
/// <param name="Milliseconds">The tag's own.</param>
/// <param name="CompositionTime">What the presentation is later, in milliseconds; may be negative.</param>
/// <param name="Nanoseconds">What is added to that, 0 to 999,999.</param>
internal readonly record struct FlvTime(long Milliseconds, int CompositionTime, int Nanoseconds)
{
    /// <summary>The decode time in ticks of a clock.</summary>
    public long Decode(int clockRate) => MediaTime.Rescale(Milliseconds, 1000, clockRate);

    /// <summary>The presentation time in ticks of a clock: the nearest tick.</summary>
    public long Presentation(int clockRate) => Nanoseconds == 0
        ? MediaTime.Rescale(Milliseconds + CompositionTime, 1000, clockRate)
        : MediaTime.Rescale(((Milliseconds + CompositionTime) * 1_000_000) + Nanoseconds, 1_000_000_000, clockRate);
}
