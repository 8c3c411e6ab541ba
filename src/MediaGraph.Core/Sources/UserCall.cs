using System.Diagnostics.CodeAnalysis;
using MediaGraph.Diagnostics;

namespace MediaGraph.Sources;

/// <summary>
/// A session in user code: it goes on until it ends, or until it was told to end and has had its time for that. Its end wakes the task that
/// watches over it.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The source of the token has no timer: there is nothing to dispose of.")]
internal sealed class UserCall<T>
{
    private static readonly TimeSpan AbandonAfter = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _cancellation = new();

    public UserCall(Func<CancellationToken, Task<T>> call, Signal signal)
    {
        Work = GraphLock.Call(() => call(_cancellation.Token));
        signal.SetAfter(Work);
    }

    public Task<T> Work { get; }

    /// <summary>Tells it to end. Returns what did not end in time and is left behind; null when it has ended.</summary>
    public async Task<Task?> StopAsync(TimeProvider time)
    {
        var cancelling = GraphLock.Call(() => // callbacks of its own may block
        {
            _cancellation.Cancel();
            return Task.FromResult(true);
        });
        await time.WaitAsync(Work, AbandonAfter).ConfigureAwait(false);
        if (!Work.IsCompleted)
            return Task.WhenAll(Quietly(Work), Quietly(cancelling));
        _ = Work.Exception;
        return null;
    }

    private static Task Quietly(Task task) => task.ContinueWith(
        static ended => { _ = ended.Exception; }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);
}
