namespace MediaGraph.Media;

/// <summary>Conversions between clocks. All go through 128 bits, so that no rounding error adds up and nothing overflows.</summary>
public static class MediaTime
{
    /// <summary>Converts ticks of one clock to the nearest tick of another; halves go away from zero.</summary>
    /// <param name="ticks">A time in ticks of the first clock.</param>
    /// <param name="fromRate">The first clock's ticks per second, 1 or more.</param>
    /// <param name="toRate">The second clock's ticks per second, 1 or more.</param>
    public static long Rescale(long ticks, int fromRate, int toRate)
    {
        if (fromRate == toRate)
            return ticks;
        var scaled = (Int128)ticks * toRate;
        var half = fromRate / 2;
        return (long)((scaled + (scaled >= 0 ? half : -half)) / fromRate);
    }

    /// <summary>Ticks of a clock as a span.</summary>
    public static TimeSpan ToTimeSpan(long ticks, int rate) => TimeSpan.FromTicks(Rescale(ticks, rate, (int)TimeSpan.TicksPerSecond));

    /// <summary>A span as ticks of a clock.</summary>
    public static long FromTimeSpan(TimeSpan span, int rate) => Rescale(span.Ticks, (int)TimeSpan.TicksPerSecond, rate);
}
