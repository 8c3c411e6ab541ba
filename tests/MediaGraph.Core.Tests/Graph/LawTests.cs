using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Graph;

// Rows: C8, C14, G1, G8.

/// <summary>Laws of the graph that are about steps, not about results.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class LawTests
{
    [Test]
    public void G1_No_graph_lock_is_held_while_a_child_is_called()
    {
        var pool = TestMedia.Pool();
        var receiver = new Receiver(Track.Of(TestMedia.Video));
        var held = new List<int>();
        receiver.TryAttach(new Probe(onPacket: _ => held.Add(GraphLock.HeldByThisThread)));
        receiver.TryAttach(new Probe(onPacket: _ => held.Add(GraphLock.HeldByThisThread)), "format", () => new PassThrough());
        receiver.Push(pool, 0, isKeyframe: true);
        Assert.That(held, Is.EqualTo([0, 0]));
        receiver.Close(CloseReason.Requested);
    }

    [Test]
    public async Task G8_A_stalled_consumer_costs_the_publisher_no_more_steps_than_a_healthy_one()
    {
        var pool = TestMedia.Pool();
        var receiver = new Receiver(Track.Of(TestMedia.Video));
        await using var consumer = new WireConsumer(pool);
        consumer.Join(receiver);
        await consumer.SettledAsync();
        receiver.Push(pool, 0, isKeyframe: true);
        var healthy = Steps(() => receiver.Push(pool, 1));
        consumer.Transport.LimitSends(0);
        receiver.Push(pool, 2); // begins the backlog
        var stalled = Steps(() => receiver.Push(pool, 3));
        Assert.That(consumer.Writer.GetStatistics().Depth, Is.GreaterThan(0));
        Assert.That(stalled, Is.LessThanOrEqualTo(healthy));
        receiver.Close(CloseReason.Requested);

        static int Steps(Action push)
        {
            var counter = new Counter();
            GraphLock.Observer = counter;
            try
            {
                push();
            }
            finally
            {
                GraphLock.Observer = null;
            }

            return counter.Locks;
        }
    }

    [Test]
    public async Task C8_A_new_publisher_moves_nothing_its_consumers_stay_where_they_are()
    {
        var time = new FakeTimeProvider();
        await using var hub = new StreamHub(null, null, time);
        await using var consumer = new WireConsumer(hub.Pool);
        var first = hub.Publish("a", Track.Of(TestMedia.Video));
        await using var subscription = await hub.SubscribeAsync(
            new SubscribeRequest("a"), consumer.Writer, WireConsumer.Format, default);
        subscription.Start();
        var receiver = first.Tracks[0].Receiver;
        var senders = receiver.Children;
        await first.DisposeAsync();
        await using var second = hub.Publish("a", Track.Of(TestMedia.Video));
        Assert.That(second.Tracks[0].Receiver, Is.SameAs(receiver));
        Assert.That(receiver.Children, Is.EqualTo(senders).And.Length.EqualTo(1));
        Assert.That(senders[0].Parent, Is.SameAs(receiver));
    }

    [Test]
    public async Task C14_A_stop_that_comes_while_the_reader_is_busy_is_not_lost()
    {
        await using var hub = new StreamHub();
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        using var stop = new CancellationTokenSource();
        var reader = hub.Subscribe("a", stop.Token).GetAsyncEnumerator(stop.Token);
        var first = reader.MoveNextAsync().AsTask(); // subscribes
        feed.Tracks[0].Write(TestMedia.Payload(0), TimeSpan.Zero, isKeyframe: true);
        Assert.That(await first);
        reader.Current.Dispose();
        await stop.CancelAsync(); // nobody waits for anything now
        Assert.That(async () => await reader.MoveNextAsync(), Throws.InstanceOf<OperationCanceledException>());
        await reader.DisposeAsync();
        Assert.That(hub.GetSnapshot().Streams.Single().Consumers, Is.Empty);
    }

    private sealed class Counter : LockObserver
    {
        public int Locks { get; private set; }

        public override void BeforeEnter(Lock @lock) => Locks++;

        public override void BeforeEnter(SemaphoreSlim turns)
        {
        }

        public override Task WaitAsync(Task task, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken) =>
            task.WaitAsync(limit, time, cancellationToken);

        public override void Point()
        {
        }

        public override Task Run(Func<Task> work) => Task.Run(work);
    }
}
