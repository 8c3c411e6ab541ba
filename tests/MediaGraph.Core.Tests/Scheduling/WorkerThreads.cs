using System.Collections.Concurrent;

namespace MediaGraph.Tests.Scheduling;

/// <summary>Threads that are used again from schedule to schedule; as many as tasks live at once.</summary>
internal sealed class WorkerThreads : IDisposable
{
    private readonly ConcurrentBag<Worker> _idle = [];
    private readonly ConcurrentBag<Worker> _all = [];

    public void Start(Action body)
    {
        if (!_idle.TryTake(out var worker))
            _all.Add(worker = new Worker(_idle));
        worker.Run(body);
    }

    public void Dispose()
    {
        foreach (var worker in _all)
            worker.Run(null);
    }

    private sealed class Worker
    {
        private readonly ConcurrentBag<Worker> _idle;
        private readonly Baton _wake = new();
        private Action? _body;

        public Worker(ConcurrentBag<Worker> idle)
        {
            _idle = idle;
            new Thread(Loop) { IsBackground = true, Name = "schedule" }.UnsafeStart();
        }

        public void Run(Action? body)
        {
            _body = body;
            _wake.Pass();
        }

        private void Loop()
        {
            while (true)
            {
                _wake.Take();
                if (_body is not { } body)
                    return;
                _body = null;
                body();
                _idle.Add(this);
            }
        }
    }
}
