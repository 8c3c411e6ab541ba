namespace MediaGraph.Sources;

/// <summary>How often something was tried in the last minute, and when it may be again. Thread-safe.</summary>
/// <param name="perMinute">Tries in any minute, at most.</param>
/// <param name="time">The clock.</param>
internal sealed class Tries(int perMinute, TimeProvider time)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _timesLock = new(); // guards the next field; a leaf
    private readonly Queue<long> _times = new(); // of the last minute

    /// <summary>How long to wait before the next try; zero for not at all.</summary>
    public TimeSpan Remaining
    {
        get
        {
            lock (_timesLock)
                return RemainingLocked(Expire());
        }
    }

    /// <summary>Whether there was none in the last minute.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_timesLock)
            {
                Expire();
                return _times.Count == 0;
            }
        }
    }

    public void Add()
    {
        lock (_timesLock)
            _times.Enqueue(Expire());
    }

    /// <summary>Counts a try if there may be one now. Returns zero then, and otherwise how long to wait.</summary>
    public TimeSpan TryAdd()
    {
        lock (_timesLock)
        {
            var now = Expire();
            var rest = RemainingLocked(now);
            if (rest == TimeSpan.Zero)
                _times.Enqueue(now);
            return rest;
        }
    }

    private TimeSpan RemainingLocked(long now) =>
        _times.Count < perMinute ? TimeSpan.Zero : Minute - time.GetElapsedTime(_times.Peek(), now);

    private long Expire()
    {
        var now = time.GetTimestamp();
        while (_times.TryPeek(out var oldest) && time.GetElapsedTime(oldest, now) >= Minute)
            _times.Dequeue();
        return now;
    }
}
