using MediaGraph.Sources;

namespace MediaGraph.Tests.Sources;

/// <summary>A source whose sessions are led by the tasks of a scenario; nothing of it leaves the threads that the scheduler sees.</summary>
internal sealed class ScheduledSource(string name) : ISource
{
    public string Name => $"test:{name}";

    public bool IsSelective { get; set; }

    /// <summary>Whether a session goes on when it is cancelled, until it is ended by hand.</summary>
    public bool IgnoresCancellation { get; set; }

    /// <summary>The session that runs; null without.</summary>
    public ScheduledRun? Run { get; private set; }

    /// <summary>Sessions so far.</summary>
    public int Runs { get; private set; }

    /// <summary>Whether two ever ran at once.</summary>
    public bool HadTwo { get; set; }

    public Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        Runs++;
        HadTwo |= Run is not null;
        var run = Run = new ScheduledRun(session, () => Run = null, cancellationToken);
        cancellationToken.Register(() =>
        {
            if (!IgnoresCancellation)
                run.End();
        });
        return run.Task;
    }
}
