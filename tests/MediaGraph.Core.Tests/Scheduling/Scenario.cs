namespace MediaGraph.Tests.Scheduling;

/// <summary>A few tasks that race, and what must be true afterwards.</summary>
internal abstract class Scenario
{
    /// <summary>Builds everything afresh and adds the tasks.</summary>
    public abstract void Start(ControlledScheduler scheduler);

    /// <summary>When all tasks have ended: closes what is left. Runs as one more task, alone.</summary>
    public virtual void Finish()
    {
    }

    /// <summary>When that has ended too: throws unless all invariants hold.</summary>
    public abstract void Check();

    protected static void Ensure(bool holds, string what)
    {
        if (!holds)
            throw new ScheduleException(what);
    }
}
