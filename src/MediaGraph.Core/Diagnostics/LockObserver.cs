namespace MediaGraph.Diagnostics;

/// <summary>A test's scheduler: decides which thread goes on at the seams of <see cref="GraphLock"/>.</summary>
internal abstract class LockObserver
{
    /// <summary>Returns when the current thread may enter the lock; it is then free, since only one thread runs.</summary>
    public abstract void BeforeEnter(Lock @lock);

    /// <summary>Returns when the current thread may enter the semaphore; it is then free.</summary>
    public abstract void BeforeEnter(SemaphoreSlim turns);

    /// <summary>Returns, with what the task came to, when the current thread may go on: the task has ended, or the wait for it.</summary>
    public abstract Task WaitAsync(Task task, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken);

    /// <summary>Returns when the current thread may go on.</summary>
    public abstract void Point();

    /// <summary>Starts background work as one of the tasks that the scheduler runs.</summary>
    public abstract Task Run(Func<Task> work);
}
