namespace MediaGraph.Tests.Scheduling;

/// <summary>Unwinds the tasks that are left when a schedule is given up.</summary>
internal sealed class ScheduleAbortedException : Exception;
