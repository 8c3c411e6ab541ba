using MediaGraph.Graph;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tests.Transport;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class ConnectionSetTests
{
    [Test]
    public async Task A_fault_at_one_connections_deadlines_cuts_it_and_disturbs_no_other()
    {
        var time = new FakeTimeProvider();
        var faults = new List<(long, string)>();
        var set = new ConnectionSet<TestConnection>(
            time, static _ => { }, static _ => { }, (connection, e) => faults.Add((connection.Id, e.Message)));
        var before = set.Start(id => new TestConnection(id))!;
        var faulty = set.Start(id => new TestConnection(id) { Fault = new InvalidOperationException("oops") })!;
        var behind = set.Start(id => new TestConnection(id))!;
        time.Advance(TimeSpan.FromSeconds(1)); // throws what reaches the timer
        Assert.That(faulty.Reason!.Code, Is.EqualTo(CloseCode.Fault));
        Assert.That(faults, Is.EqualTo([(faulty.Id, "oops")]));
        Assert.That((before.Reason, behind.Reason), Is.EqualTo(((CloseReason?)null, (CloseReason?)null)));
        set.Remove(faulty);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That((before.Looks, faulty.Looks, behind.Looks), Is.EqualTo((2, 1, 2)));
        await set.StopAsync(static () => default, default);
        Assert.That(time.ActiveTimers, Is.Zero);
    }
}
