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
        }).Quietly();
        await time.WaitAsync(Work, Waiting.AbandonAfter).ConfigureAwait(false);
        if (!Work.IsCompleted)
            return Task.WhenAll(Work.Quietly(), cancelling);
        _ = Work.Exception;
        return null;
    }
}
