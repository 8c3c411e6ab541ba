using System.Runtime.CompilerServices;

namespace MediaGraph.Diagnostics;

/// <summary>
/// The one way into the graph's locks. In production it is <see cref="Lock.Enter()"/> and nothing else; with the runtime
/// switch <c>MediaGraph.LockDiagnostics</c> (tests) it checks that no thread holds two graph locks, and lets a scheduler
/// choose the interleaving before each entry.
/// </summary>
internal static class GraphLock
{
    // Read once and readonly, so that the JIT removes every branch on it.
    private static readonly bool DiagnosticsEnabled =
        AppContext.TryGetSwitch("MediaGraph.LockDiagnostics", out var enabled) && enabled;

    [ThreadStatic]
    private static int _graphLocksHeld;

    [ThreadStatic]
    private static LockObserver? _observer;

    /// <summary>Who is asked before the current thread enters a lock; tests only.</summary>
    internal static LockObserver? Observer
    {
        get => _observer;
        set => _observer = value;
    }

    /// <summary>How many graph locks the current thread holds; tests only.</summary>
    internal static int HeldByThisThread => _graphLocksHeld;

    /// <summary>
    /// Enters a graph lock: a node's children, a queue's gate, a stream's or the hub's state. Never two at once.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scope Enter(Lock @lock)
    {
        if (DiagnosticsEnabled)
            BeforeGraphLock(@lock);
        @lock.Enter();
        return new Scope(@lock, isGraphLock: true);
    }

    /// <summary>Enters a stream's push lock, which may be held while graph locks are taken one after the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Scope EnterPush(Lock @lock)
    {
        if (DiagnosticsEnabled)
            BeforePushLock(@lock);
        @lock.Enter();
        return new Scope(@lock, isGraphLock: false);
    }

    /// <summary>A place between two lock sections at which tests may switch threads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Point()
    {
        if (DiagnosticsEnabled)
            _observer?.Point();
    }

    /// <summary>Starts a task of the graph's own on the thread pool, or under a test's scheduler.</summary>
    public static Task Run(Func<Task> work) =>
        DiagnosticsEnabled && _observer is { } observer ? observer.Run(work) : Task.Run(work);

    /// <summary>
    /// Waits for a task as <see cref="Task.WaitAsync(TimeSpan, TimeProvider, CancellationToken)"/> does; a test's scheduler sees it wait.
    /// </summary>
    public static Task WaitAsync(Task task, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken = default) =>
        DiagnosticsEnabled && _observer is { } observer
            ? observer.WaitAsync(task, limit, time, cancellationToken)
            : task.WaitAsync(limit, time, cancellationToken);

    /// <summary>Waits for one's turn; a test's scheduler sees it wait.</summary>
    public static Task EnterAsync(SemaphoreSlim turns, CancellationToken cancellationToken = default)
    {
        if (DiagnosticsEnabled)
            _observer?.BeforeEnter(turns);
        return turns.WaitAsync(cancellationToken);
    }

    /// <summary>Calls user code, which may block: on a thread of the pool, or in place under a test's scheduler.</summary>
    public static Task<T> Call<T>(Func<Task<T>> work) =>
        DiagnosticsEnabled && _observer is not null ? work() : Task.Run(work);

    private static void BeforeGraphLock(Lock @lock)
    {
        if (_graphLocksHeld > 0)
            throw new InvalidOperationException("Two graph locks at once: the second must wait until the first is left.");
        _observer?.BeforeEnter(@lock);
        _graphLocksHeld++;
    }

    private static void BeforePushLock(Lock @lock)
    {
        if (_graphLocksHeld > 0)
            throw new InvalidOperationException("A push lock must not be taken under a graph lock.");
        _observer?.BeforeEnter(@lock);
    }

    internal readonly ref struct Scope(Lock @lock, bool isGraphLock)
    {
        public void Dispose()
        {
            @lock.Exit();
            if (DiagnosticsEnabled && isGraphLock)
                _graphLocksHeld--;
        }
    }
}
