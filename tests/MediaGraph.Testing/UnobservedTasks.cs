using System.Collections.Concurrent;
using NUnit.Framework;

namespace MediaGraph.Testing;

/// <summary>
/// The tasks of a test run that failed and were looked at by nobody. A project has a setup fixture that begins with one and ends with
/// <see cref="AssertNone"/>.
/// </summary>
public sealed class UnobservedTasks
{
    private readonly ConcurrentQueue<AggregateException> _seen = new();

    /// <summary>Watches from now on.</summary>
    public UnobservedTasks() => TaskScheduler.UnobservedTaskException += Note;

    /// <summary>Fails if there was one that the library or its tests threw.</summary>
    public void AssertNone()
    {
        for (var i = 0; i < 3; i++) // a task that is found may hold another
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        TaskScheduler.UnobservedTaskException -= Note;
        Assert.That(_seen.Where(IsOurs).Select(exception => exception.ToString()), Is.Empty, "tasks that failed unobserved");
    }

    private static bool IsOurs(AggregateException exception) => exception.Flatten().InnerExceptions
        .Any(inner => inner.StackTrace?.Contains(" MediaGraph.", StringComparison.Ordinal) == true);

    private void Note(object? sender, UnobservedTaskExceptionEventArgs e) => _seen.Enqueue(e.Exception);
}
