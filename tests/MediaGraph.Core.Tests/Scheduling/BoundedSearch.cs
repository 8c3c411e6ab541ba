namespace MediaGraph.Tests.Scheduling;

/// <summary>
/// Every schedule in which at most so many tasks are interrupted while they could go on, one after the other, depth first.
/// </summary>
internal sealed class BoundedSearch(int maxPreemptions)
{
    private readonly int _maxPreemptions = maxPreemptions;
    private readonly List<Step> _steps = [];

    /// <summary>The next schedule; null when all have been seen.</summary>
    public Strategy? Next(bool isFirst)
    {
        if (isFirst)
            return new Path(this);
        while (_steps.Count > 0)
        {
            var last = _steps[^1];
            if (last.Chosen + 1 < last.Choices)
            {
                _steps[^1] = last with { Chosen = last.Chosen + 1 };
                return new Path(this);
            }

            _steps.RemoveAt(_steps.Count - 1);
        }

        return null;
    }

    private readonly record struct Step(int Chosen, int Choices);

    private sealed class Path(BoundedSearch search) : Strategy
    {
        private int _step;
        private int _preemptions;

        public override int Choose(int current, IReadOnlyList<int> runnable)
        {
            // The one who runs first, so that choice 0 is "go on", and the others only while interruptions are left.
            var canGoOn = runnable.Contains(current);
            var choices = canGoOn && _preemptions >= search._maxPreemptions ? 1 : runnable.Count;
            if (_step == search._steps.Count)
                search._steps.Add(new Step(0, choices));
            var chosen = search._steps[_step++].Chosen;
            if (!canGoOn)
                return runnable[chosen];
            if (chosen == 0)
                return current;
            _preemptions++;
            foreach (var task in runnable)
            {
                if (task != current && --chosen == 0)
                    return task;
            }

            throw new ScheduleException("The scenario does not do the same when it is run again.");
        }

        public override string ToString() => $"bounded search, choices {string.Join(' ', search._steps.Select(s => s.Chosen))}";
    }
}
