using NUnit.Framework;

namespace MediaGraph.Testing;

/// <summary>
/// Time that stands still until <see cref="Advance"/> moves it. Due timers fire in the order of their due times, ties in the order in
/// which they were armed, on the thread that advances. A timer that is armed with zero fires at the next advance, even one by zero:
/// creating a timer never runs its callback, so it is safe under a lock. Thread-safe.
/// </summary>
public sealed class FakeTimeProvider : TimeProvider
{
    private readonly Lock _timersLock = new();
    private readonly HashSet<FakeTimer> _timers = []; // not disposed, armed or not
    private long _now; // UTC ticks
    private long _armings; // number of the last arming: breaks ties between due times

    /// <summary>Starts at the given time, or at a fixed one: 2030-01-01 00:00 UTC.</summary>
    public FakeTimeProvider(DateTimeOffset? start = null) =>
        _now = (start ?? new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero)).UtcTicks;

    /// <summary>Timers that were created and not disposed, whether they are armed or not.</summary>
    public int ActiveTimers
    {
        get
        {
            lock (_timersLock)
                return _timers.Count;
        }
    }

    /// <summary>When the next timer falls due; null when none is armed.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            lock (_timersLock)
            {
                var next = _timers.Count == 0 ? FakeTimer.Never : _timers.Min(timer => timer.Due);
                return next == FakeTimer.Never ? null : new DateTimeOffset(next, TimeSpan.Zero);
            }
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    // Not counted from zero, so that a zero that means "never" cannot be mistaken for a time.
    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _now), TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new FakeTimer(this, callback, state);
        lock (_timersLock)
        {
            ArmLocked(timer, dueTime, period);
            _timers.Add(timer);
        }

        return timer;
    }

    /// <summary>Moves time on, stopping at each timer that falls due. What a callback throws reaches the caller.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long target;
        lock (_timersLock)
            target = _now + by.Ticks;
        while (TakeDue(target) is { } timer)
            timer.Fire();
    }

    /// <summary>
    /// Moves time on step by step until the condition holds. After each step the threads that it woke get the time to come to their next
    /// wait, as far as that can be told; a step is a small part of any limit that must not pass meanwhile. Fails the test when it does
    /// not come about within 2 min of real time.
    /// </summary>
    public async Task AdvanceUntilAsync(Func<bool> condition, TimeSpan step, string what)
    {
        ArgumentNullException.ThrowIfNull(condition);
        var patience = TimeSpan.FromMinutes(2); // a long time in small steps, on a busy machine
        var start = System.GetTimestamp();
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(10), System);
        while (true)
        {
            if (condition())
                return;
            await Eventually.GiveWayAsync();
            if (condition())
                return;
            if (System.GetElapsedTime(start) > patience)
                Assert.Fail($"did not happen within {patience.TotalSeconds} s, at {GetUtcNow():O} of the test's time: {what}");
            Advance(step);
            await pause.WaitForNextTickAsync();
        }
    }

    private FakeTimer? TakeDue(long target)
    {
        lock (_timersLock)
        {
            FakeTimer? first = null;
            foreach (var timer in _timers)
            {
                if (timer.Due <= target && (first is null || (timer.Due, timer.Arming).CompareTo((first.Due, first.Arming)) < 0))
                    first = timer;
            }

            // A callback may have advanced further than we were asked to.
            Interlocked.Exchange(ref _now, Math.Max(_now, first?.Due ?? target));
            if (first is not null)
            {
                first.Due = first.Period > 0 ? first.Due + first.Period : FakeTimer.Never;
                first.Arming = ++_armings;
                first.Running++;
            }

            return first;
        }
    }

    private void ArmLocked(FakeTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
        ArgumentOutOfRangeException.ThrowIfLessThan(period, Timeout.InfiniteTimeSpan);
        timer.Due = dueTime == Timeout.InfiniteTimeSpan ? FakeTimer.Never : _now + dueTime.Ticks;
        timer.Period = Math.Max(0, period.Ticks);
        timer.Arming = ++_armings;
    }

    private sealed class FakeTimer(FakeTimeProvider time, TimerCallback callback, object? state) : ITimer
    {
        public const long Never = long.MaxValue;

        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // All four are guarded by the provider's lock.
        public long Due { get; set; } // UTC ticks
        public long Period { get; set; } // ticks, 0 for once
        public long Arming { get; set; }
        public int Running { get; set; } // callbacks that have been taken and have not returned

        public void Fire()
        {
            try
            {
                if (_context is null)
                    callback(state);
                else
                    ExecutionContext.Run(_context, static self => ((FakeTimer)self!).Invoke(), this);
            }
            finally
            {
                lock (time._timersLock)
                {
                    Running--;
                    CompleteIfIdleLocked();
                }
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._timersLock)
            {
                if (!time._timers.Contains(this))
                    return false;
                time.ArmLocked(this, dueTime, period);
                return true;
            }
        }

        public void Dispose()
        {
            lock (time._timersLock)
            {
                time._timers.Remove(this);
                CompleteIfIdleLocked();
            }
        }

        /// <summary>Completes when no callback of this timer runs any more, as the system's timer does.</summary>
        public ValueTask DisposeAsync()
        {
            Dispose();
            return new ValueTask(_idle.Task);
        }

        private void Invoke() => callback(state);

        private void CompleteIfIdleLocked()
        {
            if (Running == 0 && !time._timers.Contains(this))
                _idle.TrySetResult();
        }
    }
}
