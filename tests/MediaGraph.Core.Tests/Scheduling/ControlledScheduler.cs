using MediaGraph.Diagnostics;

namespace MediaGraph.Tests.Scheduling;

/// <summary>
/// Runs tasks on real threads, one at a time: at each seam of <see cref="GraphLock"/> a <see cref="Strategy"/> says who goes on. A task
/// that waits for a lock, or for <see cref="WaitUntil"/>, is known to wait; when all do, that is a deadlock. What a task does depends
/// on nothing but the choices, so the same choices give the same run.
/// </summary>
internal sealed class ControlledScheduler : LockObserver
{
    private readonly List<LogicalTask> _tasks = [];
    private readonly List<int> _runnable = [];
    private List<(string Name, Action Body)>? _prepared; // while preparing
    private readonly Baton _ended = new();
    private readonly WorkerThreads _threads;
    private readonly Strategy _strategy;
    private readonly int _maxSteps; // more is a livelock
    private readonly List<int> _trace = [];
    private LogicalTask? _running; // only the running task touches anything here
    private Exception? _failure;
    private bool _aborted;
    private bool _isLast;
    private string _left = "";

    public ControlledScheduler(WorkerThreads threads, Strategy strategy, int maxSteps = 20_000)
    {
        _maxSteps = maxSteps;
        _threads = threads;
        _strategy = strategy;
    }

    /// <summary>Who ran at each step.</summary>
    public IReadOnlyList<int> Trace => _trace;

    /// <summary>Adds a task. Before <see cref="Run(bool)"/>, or from a running task.</summary>
    public void Spawn(string name, Action body)
    {
        if (_prepared is not null)
            _prepared.Add((name, body));
        else
            _tasks.Add(new LogicalTask(_tasks.Count, name, body, isBackground: false));
    }

    /// <summary>Runs the preparation alone; the tasks that it adds run later.</summary>
    public void Prepare(Action preparation)
    {
        Spawn("prepare", preparation);
        var prepared = _prepared = [];
        Run(isLast: false);
        _prepared = null;
        foreach (var (name, body) in prepared)
            Spawn(name, body);
    }

    /// <summary>Runs until all tasks have ended. Throws what a task threw, or what was found wrong.</summary>
    /// <param name="isLast">Whether background work must have ended too; otherwise it may still wait for something.</param>
    public void Run(bool isLast)
    {
        _isLast = isLast;
        if (_tasks.Exists(MustEnd))
        {
            _running = _tasks[^1];
            if (PickNext() is { } first)
            {
                SwitchTo(first);
                _ended.Take();
            }
        }

        if (_failure is not null)
            throw new ScheduleException($"{_failure.Message}\n{Describe()}", _failure);
    }

    public override void BeforeEnter(Lock @lock) => Yield(() => IsFree(@lock), "a lock");

    public override void Point() => Yield(null, null);

    public override void BeforeEnter(SemaphoreSlim turns) => Yield(() => turns.CurrentCount > 0, "its turn in a semaphore");

    public override Task WaitAsync(Task task, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        // Not by Task.WaitAsync, whose continuations run on the thread pool, where the scheduler does not see them.
        var isOver = limit == TimeSpan.Zero;
        using (limit <= TimeSpan.Zero ? null : time.CreateTimer(_ => isOver = true, null, limit, Timeout.InfiniteTimeSpan))
            Yield(() => task.IsCompleted || isOver || cancellationToken.IsCancellationRequested, "a task");
        if (task.IsCompleted)
            return task;
        return cancellationToken.IsCancellationRequested
            ? Task.FromCanceled(cancellationToken)
            : Task.FromException(new TimeoutException());
    }

    public override Task Run(Func<Task> work)
    {
        // Who awaits it goes on here, where the scheduler sees it, not on the thread pool.
        var ended = new TaskCompletionSource();
        _tasks.Add(new LogicalTask(_tasks.Count, "background", Body, isBackground: true));
        return ended.Task;

        void Body()
        {
            var task = work();
            if (!task.IsCompleted)
                throw new ScheduleException("Background work went where the scheduler does not see it.");
            ended.SetFromTask(task);
        }
    }

    /// <summary>Waits, as a lock would, for a condition that other tasks bring about.</summary>
    public void WaitUntil(Func<bool> condition, string what) => Yield(condition, what);

    /// <summary>Waits until nobody else can go on.</summary>
    public void Rest()
    {
        var self = _running!;
        self.IsResting = true;
        Yield(null, "the others");
        self.IsResting = false;
    }

    private static bool IsFree(Lock @lock)
    {
        if (@lock.IsHeldByCurrentThread || !@lock.TryEnter())
            return false;
        @lock.Exit();
        return true;
    }

    private void Yield(Func<bool>? canGoOn, string? what)
    {
        ThrowIfAborted();
        var self = _running!;
        (self.CanGoOn, self.WaitsFor) = (canGoOn, what);
        if (PickNext() is { } next && next != self)
        {
            SwitchTo(next);
            self.Turn.Take();
        }

        ThrowIfAborted();
        (self.CanGoOn, self.WaitsFor) = (null, null);
    }

    private void ThrowIfAborted()
    {
        if (_aborted)
            throw new ScheduleAbortedException();
    }

    private bool MustEnd(LogicalTask task) => !task.HasEnded && (_isLast || !task.IsBackground);

    // Null when the schedule was given up.
    private LogicalTask? PickNext()
    {
        _runnable.Clear();
        var observer = GraphLock.Observer;
        GraphLock.Observer = null; // conditions may look into what locks guard; nobody stops while holding one of those
        foreach (var task in _tasks)
        {
            if (!task.HasEnded && !task.IsResting && (task.CanGoOn is null || task.CanGoOn()))
                _runnable.Add(task.Number);
        }

        if (_runnable.Count == 0)
            _runnable.AddRange(_tasks.Where(task => task is { HasEnded: false, IsResting: true }).Select(task => task.Number));

        GraphLock.Observer = observer;

        if (_runnable.Count == 0)
        {
            GiveUp(new ScheduleException("Deadlock: nobody can run."));
            return null;
        }

        if (_trace.Count == _maxSteps)
        {
            GiveUp(new ScheduleException("Livelock: it does not end."));
            return null;
        }

        try
        {
            var chosen = _strategy.Choose(_running!.Number, _runnable);
            _trace.Add(chosen);
            return _tasks[chosen];
        }
        catch (ScheduleException e)
        {
            GiveUp(e);
            return null;
        }
    }

    private void SwitchTo(LogicalTask next)
    {
        _running = next;
        if (next.HasStarted)
        {
            next.Turn.Pass();
            return;
        }

        next.HasStarted = true;
        _threads.Start(() => Execute(next));
    }

    private void Execute(LogicalTask task)
    {
        GraphLock.Observer = this;
        try
        {
            ThrowIfAborted();
            task.Body();
        }
        catch (ScheduleAbortedException)
        {
            // Another task says why.
        }
        catch (Exception e)
        {
            GiveUp(e);
        }
        finally
        {
            GraphLock.Observer = null;
        }

        task.HasEnded = true;
        var next = _tasks.Exists(MustEnd) && !_aborted ? PickNext() : null;
        if (next is not null)
            SwitchTo(next);
        else
            UnwindOrEnd();
    }

    private void GiveUp(Exception failure)
    {
        if (_failure is not null)
            return;
        _failure = failure;
        _aborted = true;
        _left = string.Join(", ", _tasks.Where(t => !t.HasEnded).Select(t => $"{t.Number} {t.Name} waits for {t.WaitsFor ?? "its turn"}"));
    }

    // One after the other, so that still only one runs.
    private void UnwindOrEnd()
    {
        var left = _aborted ? _tasks.Find(t => t is { HasEnded: false, HasStarted: true }) : null;
        if (left is null)
        {
            _ended.Pass();
            return;
        }

        _running = left;
        left.Turn.Pass();
    }

    private string Describe() =>
        $"Tasks: {string.Join(", ", _tasks.Select(t => $"{t.Number} {t.Name}"))}\nLeft: {_left}";

    private sealed class LogicalTask(int number, string name, Action body, bool isBackground)
    {
        public int Number { get; } = number;

        public string Name { get; } = name;

        public Action Body { get; } = body;

        public bool IsBackground { get; } = isBackground;

        public Baton Turn { get; } = new();

        public Func<bool>? CanGoOn { get; set; }

        public string? WaitsFor { get; set; }

        public bool IsResting { get; set; }

        public bool HasStarted { get; set; }

        public bool HasEnded { get; set; }
    }
}
