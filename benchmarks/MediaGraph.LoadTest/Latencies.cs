namespace MediaGraph.LoadTest;

/// <summary>Counts by 50 µs up to 10 s; adding is for any thread, and allocates nothing.</summary>
internal sealed class Latencies
{
    private const int BucketMicroseconds = 50;

    private readonly int[] _counts = new int[200_000];
    private long _most; // in ticks of the clock
    private volatile bool _isOn;

    public void Start() => _isOn = true;

    public void Stop() => _isOn = false;

    /// <summary>Counts one, in ticks of <see cref="TimeProvider.System"/>, while started.</summary>
    public void Add(long ticks)
    {
        if (!_isOn)
            return;
        var bucket = ticks * (1_000_000 / BucketMicroseconds) / TimeProvider.System.TimestampFrequency;
        Interlocked.Increment(ref _counts[Math.Clamp(bucket, 0, _counts.Length - 1)]);
        for (var most = Volatile.Read(ref _most); ticks > most;)
        {
            var found = Interlocked.CompareExchange(ref _most, ticks, most);
            if (found == most)
                break;
            most = found;
        }
    }

    /// <summary>In milliseconds; null when nothing was counted. Percentiles are the upper edges of their 50 µs, the most is exact.</summary>
    public Spread? GetSpread()
    {
        var total = _counts.Sum(count => (long)count);
        if (total == 0)
            return null;
        var most = _most * 1000.0 / TimeProvider.System.TimestampFrequency;
        return new Spread
        {
            P50 = Percentile(total, 0.5, most),
            P99 = Percentile(total, 0.99, most),
            P999 = Percentile(total, 0.999, most),
            Max = most,
        };
    }

    private double Percentile(long total, double part, double most)
    {
        var left = Spread.Rank(total, part);
        for (var i = 0; i < _counts.Length - 1; i++)
        {
            left -= _counts[i];
            if (left <= 0)
                return Math.Min((i + 1) * BucketMicroseconds / 1000.0, most);
        }

        return most; // 10 s and more are in one bucket
    }
}
