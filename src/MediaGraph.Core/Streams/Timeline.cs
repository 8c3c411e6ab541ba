namespace MediaGraph.Streams;

/// <summary>
/// A stream's clock: zero at its first packet, and never back. Each feed gets one offset on it, fixed with its first packet, so
/// that time goes on by the wall clock's gap. Guarded by the stream's push lock.
/// </summary>
internal sealed class Timeline(TimeProvider timeProvider)
{
    private TimeSpan _latest;
    private long _latestArrival;
    private bool _started;

    /// <summary>The wall clock at time 0; null before the first packet.</summary>
    public DateTimeOffset? Origin { get; private set; }

    /// <summary>What is added to a new feed's times.</summary>
    /// <param name="firstTime">The feed's own time of its first packet.</param>
    /// <param name="age">How old that packet is; on a timeline that has not begun, it is the first all the same.</param>
    public TimeSpan OffsetFor(TimeSpan firstTime, TimeSpan age)
    {
        var now = _started ? Now - age : TimeSpan.Zero;
        if (!_started)
        {
            _latestArrival = timeProvider.GetTimestamp();
            Origin = timeProvider.GetUtcNow();
        }

        _started = true;
        return now - firstTime;
    }

    /// <summary>Decode time of the newest packet.</summary>
    public TimeSpan Latest => _latest;

    /// <summary>The stream's time by the wall clock: zero before its first packet, and later than each packet so far.</summary>
    public TimeSpan Now
    {
        get
        {
            if (!_started)
                return TimeSpan.Zero;
            var gap = timeProvider.GetElapsedTime(_latestArrival);
            if (gap < TimeSpan.FromMilliseconds(1))
                gap = TimeSpan.FromMilliseconds(1);
            // Whole milliseconds, so that formats which count in them lose nothing of a feed's own spacing.
            return TimeSpan.FromMilliseconds((long)Math.Ceiling((_latest + gap).TotalMilliseconds));
        }
    }

    /// <summary>A packet goes out.</summary>
    /// <param name="time">Its decode time.</param>
    /// <param name="arrival">When it came in, as a timestamp of the time provider.</param>
    public void Advance(TimeSpan time, long arrival)
    {
        _latestArrival = arrival;
        if (time > _latest)
            _latest = time;
    }
}
