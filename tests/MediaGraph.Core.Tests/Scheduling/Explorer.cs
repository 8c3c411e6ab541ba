using System.Globalization;
using NUnit.Framework;

namespace MediaGraph.Tests.Scheduling;

/// <summary>
/// Runs a scenario under many schedules. <c>MEDIAGRAPH_SCHEDULES</c> multiplies their number; a failure names its strategy and seed, with
/// which <see cref="Replay"/> repeats it.
/// </summary>
internal static class Explorer
{
    private static readonly int Factor =
        int.TryParse(Environment.GetEnvironmentVariable("MEDIAGRAPH_SCHEDULES"), CultureInfo.InvariantCulture, out var factor) ? factor : 1;

    /// <summary>A third of the schedules each: random walks, priorities with 1 to 3 changes, and the search with 2 interruptions.</summary>
    public static void Run<TScenario>(int schedules = 3000) where TScenario : Scenario, new()
    {
        if (Find<TScenario>(schedules * Factor) is { } failure)
            Assert.Fail(failure.ToString());
    }

    /// <summary>The first failure; null when every schedule went well.</summary>
    public static ScheduleException? Find<TScenario>(int schedules) where TScenario : Scenario, new()
    {
        using var threads = new WorkerThreads();
        var steps = 1;
        for (var seed = 0; seed < schedules / 3; seed++)
        {
            if (Try<TScenario>(threads, new RandomWalk(seed), ref steps) is { } failure)
                return failure;
        }

        for (var seed = 0; seed < schedules / 3; seed++)
        {
            if (Try<TScenario>(threads, new PriorityWalk(seed, 1 + (seed % 3), steps), ref steps) is { } failure)
                return failure;
        }

        return Search<TScenario>(threads, schedules / 3);
    }

    /// <summary>Runs one schedule and returns who ran at each step, and what went wrong.</summary>
    public static (IReadOnlyList<int> Trace, ScheduleException? Failure) Replay<TScenario>(WorkerThreads threads, Strategy strategy)
        where TScenario : Scenario, new()
    {
        var scheduler = new ControlledScheduler(threads, strategy);
        var scenario = new TScenario();
        try
        {
            scheduler.Prepare(() => scenario.Start(scheduler));
            scheduler.Run(isLast: false);
            scheduler.Spawn("finish", scenario.Finish);
            scheduler.Run(isLast: true);
            scenario.Check();
            return (scheduler.Trace, null);
        }
        catch (ScheduleException e)
        {
            var text = $"{typeof(TScenario).Name}, {strategy}: {e.Message}\nSchedule: {string.Join(' ', scheduler.Trace)}";
            return (scheduler.Trace, new ScheduleException(text, e));
        }
    }

    internal static ScheduleException? Search<TScenario>(WorkerThreads threads, int schedules) where TScenario : Scenario, new()
    {
        var search = new BoundedSearch(maxPreemptions: 2);
        var steps = 0;
        for (var i = 0; i < schedules && search.Next(isFirst: i == 0) is { } strategy; i++)
        {
            if (Try<TScenario>(threads, strategy, ref steps) is { } failure)
                return failure;
        }

        return null;
    }

    private static ScheduleException? Try<TScenario>(WorkerThreads threads, Strategy strategy, ref int steps)
        where TScenario : Scenario, new()
    {
        var (trace, failure) = Replay<TScenario>(threads, strategy);
        steps = Math.Max(steps, trace.Count);
        return failure;
    }
}
