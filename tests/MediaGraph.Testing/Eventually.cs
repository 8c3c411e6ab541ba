using NUnit.Framework;

namespace MediaGraph.Testing;

/// <summary>Waits for what other threads bring about.</summary>
public static class Eventually
{
    /// <summary>How long a condition may take unless a test says otherwise: far more than it needs on a busy machine.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(30);

    /// <summary>Polls until the condition holds; fails the test with what was waited for when the limit (real time) is over.</summary>
    /// <param name="condition">Called until it returns true.</param>
    /// <param name="what">Completes the sentence "did not happen within 30 s: …".</param>
    /// <param name="limit">Null for <see cref="DefaultLimit"/>.</param>
    public static Task Async(Func<bool> condition, string what, TimeSpan? limit = null) => PollAsync(condition, () => what, limit);

    /// <summary>Polls until the value is the expected one; the failure says which it was last.</summary>
    public static Task EqualAsync<T>(Func<T> actual, T expected, string what, TimeSpan? limit = null)
    {
        var last = default(T);
        return PollAsync(
            () => EqualityComparer<T>.Default.Equals(last = actual(), expected),
            () => $"{what} (expected {expected}, was {last} at last)",
            limit);
    }

    /// <summary>
    /// Lets the pool's threads do what waits for them: each turn stands at the end of their queue. A busy machine has its turns later, so
    /// that a test which moves time on after each of them moves it more slowly there.
    /// </summary>
    internal static async Task GiveWayAsync()
    {
        for (var i = 0; i < 20 || (i < 200 && ThreadPool.PendingWorkItemCount > 0); i++) // other tests' work may never end
            await Task.Yield();
    }

    private static async Task PollAsync(Func<bool> condition, Func<string> what, TimeSpan? limit)
    {
        var patience = limit ?? DefaultLimit;
        var start = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 10; i++)
        {
            if (condition())
                return;
            await GiveWayAsync();
        }

        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(start) > patience)
                Assert.Fail($"did not happen within {patience.TotalSeconds:0.###} s: {what()}");
            await poll.WaitForNextTickAsync();
            await GiveWayAsync();
        }
    }
}
