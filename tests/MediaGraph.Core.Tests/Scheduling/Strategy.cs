namespace MediaGraph.Tests.Scheduling;

/// <summary>Chooses who runs next. One instance serves one schedule, and the same instance made again chooses the same.</summary>
internal abstract class Strategy
{
    /// <summary>Picks one of the tasks that can run.</summary>
    /// <param name="current">Who ran last.</param>
    /// <param name="runnable">Who can run, in the order of their numbers; never empty.</param>
    public abstract int Choose(int current, IReadOnlyList<int> runnable);
}
