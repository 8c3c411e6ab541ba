namespace MediaGraph.LoadTest;

/// <summary>How values are spread: percentiles by the nearest rank (the least value that so many are not above), and the most.</summary>
internal sealed record Spread
{
    public required double P50 { get; init; }

    public required double P99 { get; init; }

    public required double P999 { get; init; }

    public required double Max { get; init; }

    /// <summary>Null when there is no value.</summary>
    public static Spread? Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? null : new Spread { P50 = At(0.5), P99 = At(0.99), P999 = At(0.999), Max = sorted[^1] };

        double At(double part) => sorted[Rank(sorted.Length, part) - 1];
    }

    /// <summary>From 1 on.</summary>
    public static long Rank(long count, double part) => Math.Clamp((long)Math.Ceiling(count * part), 1, count);
}
