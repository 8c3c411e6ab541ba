namespace MediaGraph.Sources;

/// <summary>
/// When something that may fail can be tried again: not sooner than a pause that doubles with each failure, and not more often than so many
/// times a minute. One caller at a time.
/// </summary>
/// <param name="shortest">The pause after a first failure.</param>
/// <param name="longest">The longest pause.</param>
/// <param name="tries">Counts the tries; others before it may have the same. Null: they are not counted.</param>
/// <param name="time">The clock.</param>
/// <param name="random">From 0 to 1: a fifth more or less keeps those who failed together from coming back together.</param>
internal sealed class Backoff(TimeSpan shortest, TimeSpan longest, Tries? tries, TimeProvider time, Func<double> random)
{
    private TimeSpan _pause; // zero without a failure
    private TimeSpan _wait; // the pause, more or less
    private long _failed;

    /// <summary>How long to wait before the next try; zero for not at all.</summary>
    public TimeSpan Remaining
    {
        get
        {
            var paused = _wait - (_wait > TimeSpan.Zero ? time.GetElapsedTime(_failed) : TimeSpan.Zero);
            var crowded = tries?.Remaining ?? TimeSpan.Zero;
            var longer = paused > crowded ? paused : crowded;
            return longer > TimeSpan.Zero ? longer : TimeSpan.Zero;
        }
    }

    public void Try() => tries?.Add();

    public void Fail()
    {
        _failed = time.GetTimestamp();
        _pause = _pause == TimeSpan.Zero ? shortest : Min(2 * _pause, longest);
        _wait = Min(_pause * (0.8 + (0.4 * random())), longest);
    }

    public void Succeed() => _pause = _wait = TimeSpan.Zero;

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
