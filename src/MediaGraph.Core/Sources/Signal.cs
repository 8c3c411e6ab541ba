namespace MediaGraph.Sources;

/// <summary>
/// Wakes one task. It stays set until the task looks at it, so that no wake-up is lost, and setting it again before that adds nothing. Who
/// sets it runs none of the task.
/// </summary>
internal sealed class Signal
{
    private TaskCompletionSource _set = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Set() => Volatile.Read(ref _set).TrySetResult();

    /// <summary>Sets it when the task has ended.</summary>
    public void SetAfter(Task task) => _ = task.ContinueWith(
        static (_, signal) => ((Signal)signal!).Set(), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    /// <summary>
    /// What ends when it is set. To be taken, by the one task, before it looks at what it is woken for: what changes after that look sets it
    /// again.
    /// </summary>
    public Task Take()
    {
        if (_set.Task.IsCompleted)
            Volatile.Write(ref _set, new(TaskCreationOptions.RunContinuationsAsynchronously));
        return _set.Task;
    }
}
