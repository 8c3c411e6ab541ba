using MediaGraph.Diagnostics;

namespace MediaGraph.Sources;

/// <summary>How a supervising task waits: for what wakes it, and for a time at most.</summary>
internal static class Waiting
{
    /// <summary>User code that goes on for so long after it was told to end is left behind.</summary>
    public static readonly TimeSpan AbandonAfter = TimeSpan.FromSeconds(5);

    /// <summary>Ends when the task has ended, and never fails.</summary>
    public static Task Quietly(this Task task) => task.ContinueWith(
        static ended => { _ = ended.Exception; }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    /// <summary>Returns when the task has ended, however it did, or after so long.</summary>
    public static async Task WaitAsync(this TimeProvider time, Task task, TimeSpan limit)
    {
        var bound = limit >= TimeSpan.FromDays(40) ? Timeout.InfiniteTimeSpan : Round(limit); // a timer cannot be set to more
        await GraphLock.WaitAsync(task, bound, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The timestamp of what comes after so long.</summary>
    public static long TimestampAfter(this TimeProvider time, TimeSpan rest) =>
        time.GetTimestamp() + (long)(rest.TotalSeconds * time.TimestampFrequency);

    // A timer rounds down to whole milliseconds, and what it was set for would not have come.
    internal static TimeSpan Round(TimeSpan limit) => TimeSpan.FromMilliseconds(Math.Ceiling(limit.TotalMilliseconds));
}
