namespace MediaGraph.LoadTest;

/// <summary>Counts by 50 µs up to 10 s; adding is for any thread.</summary>
internal sealed class Latencies
{
    private const int BucketMicroseconds = 50;

    private readonly int[] _counts = new int[200_000];
    private volatile bool _isOn;

    public void Start() => _isOn = true;

    public void Stop() => _isOn = false;

    public void Add(long ticks)
    {
        if (!_isOn)
            return;
        var bucket = ticks * (1_000_000 / BucketMicroseconds) / TimeProvider.System.TimestampFrequency;
        Interlocked.Increment(ref _counts[Math.Clamp(bucket, 0, _counts.Length - 1)]);
    }

    /// <summary>In milliseconds.</summary>
    public double Percentile(double part)
    {
        var total = _counts.Sum(count => (long)count);
        var left = (long)Math.Ceiling(total * part);
        for (var i = 0; i < _counts.Length; i++)
        {
            left -= _counts[i];
            if (left <= 0)
                return (i + 1) * BucketMicroseconds / 1000.0;
        }

        return 0;
    }
}
