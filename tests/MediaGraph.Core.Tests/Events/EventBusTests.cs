using MediaGraph.Events;
using NUnit.Framework;

namespace MediaGraph.Tests.Events;

// Rows: C15.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class EventBusTests
{
    [Test]
    public void C15_A_subscriber_that_does_not_read_loses_its_oldest_events_and_sees_how_many()
    {
        var bus = new EventBus();
        using var slow = bus.Subscribe(capacity: 3);
        using var quick = bus.Subscribe();
        for (var count = 0; count < 10; count++)
            bus.Publish(new ConsumerCountChanged(default, "a", count));
        Assert.That((slow.Dropped, quick.Dropped), Is.EqualTo((7, 0)));
        Assert.That(Counts(slow), Is.EqualTo(new[] { 7, 8, 9 }));
        Assert.That(Counts(quick), Is.EqualTo(Enumerable.Range(0, 10)));
    }

    [Test]
    public async Task Disposing_completes_the_reader_and_nothing_is_kept()
    {
        var bus = new EventBus();
        var subscription = bus.Subscribe();
        subscription.Dispose();
        subscription.Dispose();
        bus.Publish(new ConsumerCountChanged(default, "a", 1));
        await subscription.Reader.Completion;
        Assert.That(() => bus.Subscribe(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private static List<int> Counts(EventSubscription subscription)
    {
        var counts = new List<int>();
        while (subscription.Reader.TryRead(out var mediaEvent))
            counts.Add(((ConsumerCountChanged)mediaEvent).Count);
        return counts;
    }
}
