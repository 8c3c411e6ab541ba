namespace MediaGraph.Tests.Scheduling;

/// <summary>A schedule showed a fault: an invariant does not hold, nobody can run, or nobody ever ends.</summary>
internal sealed class ScheduleException(string message, Exception? inner = null) : Exception(message, inner);
