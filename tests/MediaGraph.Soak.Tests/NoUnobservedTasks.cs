using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Soak.Tests;

/// <summary>No task of the whole run failed unobserved: global law 4.</summary>
[SetUpFixture]
public sealed class NoUnobservedTasks
{
    private UnobservedTasks _tasks = null!;

    [OneTimeSetUp]
    public void Watch() => _tasks = new UnobservedTasks();

    [OneTimeTearDown]
    public void None() => _tasks.AssertNone();
}
