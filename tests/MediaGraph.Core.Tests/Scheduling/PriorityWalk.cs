namespace MediaGraph.Tests.Scheduling;

/// <summary>
/// PCT: whoever has the highest priority runs, and at d random steps the one who runs falls to the bottom. Finds a fault of depth
/// d + 1 among n tasks and k steps with a probability of at least 1 / (n k^d) per schedule.
/// </summary>
internal sealed class PriorityWalk : Strategy
{
    private readonly int _seed;
    private readonly int _steps;
    private readonly SeededRandom _random;
    private readonly Dictionary<int, int> _priorities = [];
    private readonly HashSet<int> _changes = [];
    private int _step;
    private int _lowest;

    public PriorityWalk(int seed, int changes, int steps)
    {
        _seed = seed;
        _steps = steps;
        _random = new SeededRandom(seed);
        for (var i = 0; i < changes; i++)
            _changes.Add(_random.Next(Math.Max(1, steps)));
    }

    public override int Choose(int current, IReadOnlyList<int> runnable)
    {
        if (_changes.Contains(_step++))
            _priorities[current] = --_lowest;
        var best = runnable[0];
        foreach (var task in runnable)
        {
            if (PriorityOf(task) > PriorityOf(best))
                best = task;
        }

        return best;
    }

    public override string ToString() => $"priorities, seed {_seed}, {_changes.Count} changes in {_steps} steps";

    private int PriorityOf(int task)
    {
        if (!_priorities.TryGetValue(task, out var priority))
            _priorities[task] = priority = 1 + _random.Next(1 << 20);
        return priority;
    }
}
