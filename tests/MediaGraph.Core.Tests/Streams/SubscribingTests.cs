using System.Runtime.CompilerServices;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Streams;

// Rows: C2, G9.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SubscribingTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<(SubscriptionState State, CloseReason? Reason)> _told = [];
    private CloseReason? _ended;

    [Test]
    public async Task A_name_that_nobody_publishes_is_not_found_at_once()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var consumer = new WireConsumer(hub.Pool);
        Assert.That(
            async () => await SubscribeAsync(hub, consumer),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.NotFound));
        Assert.That(
            async () => await hub.Subscribe("a").GetAsyncEnumerator().MoveNextAsync(),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.NotFound));
        Assert.That(hub.GetSnapshot().Streams, Is.Empty);
    }

    [Test]
    public async Task G9_A_late_joiner_gets_the_group_then_live_and_a_held_one_nothing()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var consumer = new WireConsumer(hub.Pool);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        Write(feed, 0, 5, keyframe: 2);
        var subscription = await SubscribeAsync(hub, consumer);
        Write(feed, 5, 6);
        Assert.That((subscription.State, consumer.Text()), Is.EqualTo((SubscriptionState.Held, "")));
        subscription.Start();
        await consumer.SettledAsync();
        Write(feed, 6, 8);
        Assert.That(consumer.Text(), Is.EqualTo("PV2 FV3 FV4 FV5 FV6 FV7"));
        Assert.That(subscription.GetSnapshot().Packets.Delivered, Is.EqualTo(6));
    }

    [Test]
    public async Task Consumers_wait_ten_seconds_for_a_publisher_and_are_then_ended_with_a_reason()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var consumer = new WireConsumer(hub.Pool);
        var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        var subscription = await SubscribeAsync(hub, consumer);
        subscription.Start();
        Write(feed, 0, 1, keyframe: 0);
        await feed.DisposeAsync();
        Assert.That(subscription.State, Is.EqualTo(SubscriptionState.Waiting));
        _time.Advance(TimeSpan.FromSeconds(9));
        var waiting = hub.GetSnapshot().Streams.Single();
        Assert.That((waiting.Feed, waiting.WaitingFor), Is.EqualTo(((FeedSnapshot?)null, TimeSpan.FromSeconds(9))));
        Assert.That(waiting.Consumers.Single().StateAge, Is.EqualTo(TimeSpan.FromSeconds(9)));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(_told.Select(t => t.State), Is.EqualTo(new[] { SubscriptionState.Waiting, SubscriptionState.Ended }));
        Assert.That(_told[^1].Reason!.Code, Is.EqualTo(CloseCode.PublisherLeft));
        Assert.That(hub.Find("a"), Is.Null);
        Assert.That(_time.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task Consumers_are_fed_again_from_a_keyframe_when_a_publisher_returns()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var consumer = new WireConsumer(hub.Pool);
        var first = hub.Publish("a", Track.Of(TestMedia.Video));
        var subscription = await SubscribeAsync(hub, consumer);
        subscription.Start();
        Write(first, 0, 2, keyframe: 0);
        await first.DisposeAsync();
        _time.Advance(TimeSpan.FromSeconds(9));
        await using var second = hub.Publish("a", Track.Of(TestMedia.Video));
        Assert.That(subscription.State, Is.EqualTo(SubscriptionState.Fed));
        Write(second, 10, 14, keyframe: 12);
        await consumer.SettledAsync();
        Assert.That(consumer.Units().Where(u => u.Mark != 'C').Select(u => u.Number), Is.EqualTo(new[] { 0, 1, 12, 13 }));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.That(subscription.State, Is.EqualTo(SubscriptionState.Fed));
        Assert.That(_told.Select(t => t.State), Is.EqualTo(new[] { SubscriptionState.Waiting, SubscriptionState.Fed }));
    }

    [Test]
    public async Task Subscribing_by_code_gives_every_packet_and_ends_with_the_stream()
    {
        await using var hub = new StreamHub(new StreamHubOptions { WaitForPublisher = TimeSpan.Zero }, timeProvider: _time);
        var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        Write(feed, 0, 3, keyframe: 0);
        var numbers = new List<int>();
        await foreach (var batch in hub.Subscribe("a"))
        {
            using (batch)
                numbers.AddRange(batch.Select(TestMedia.NumberOf));
            if (numbers.Count == 3)
                Write(feed, 3, 100);
            if (numbers.Count == 100)
                await feed.DisposeAsync();
        }

        Assert.That(numbers, Is.EqualTo(Enumerable.Range(0, 100)));
        Assert.That(hub.GetSnapshot().Streams, Is.Empty);
        Assert.That(hub.Pool.GetStatistics().OutstandingBuffers, Is.Zero, hub.Pool.DescribeOutstanding);
    }

    [Test]
    public async Task Leaving_or_cancelling_an_enumeration_unsubscribes([Values] bool cancel)
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        Write(feed, 0, 1, keyframe: 0);
        using var stop = new CancellationTokenSource();
        try
        {
            await foreach (var batch in hub.Subscribe("a", stop.Token))
            {
                batch.Dispose();
                Assert.That(hub.GetSnapshot().Streams.Single().Consumers, Has.Length.EqualTo(1));
                if (!cancel)
                    break;
                await stop.CancelAsync();
            }

            Assert.That(cancel, Is.False);
        }
        catch (OperationCanceledException)
        {
            Assert.That(cancel);
        }

        Assert.That(hub.GetSnapshot().Streams.Single().Consumers, Is.Empty);
    }

    [Test]
    public async Task A_reader_that_is_too_slow_is_told_by_option()
    {
        await using var hub = new StreamHub(
            new StreamHubOptions { Queue = new() { MaxBytes = 20, OnOverflow = OverflowPolicy.Disconnect } }, timeProvider: _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        Write(feed, 0, 1, keyframe: 0);
        await using var batches = hub.Subscribe("a").GetAsyncEnumerator();
        Assert.That(await batches.MoveNextAsync());
        batches.Current.Dispose();
        Write(feed, 1, 20);
        Assert.That(async () =>
        {
            while (await batches.MoveNextAsync())
                batches.Current.Dispose();
        }, Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.Ended));
    }

    [Test]
    public async Task A_consumer_that_asks_for_sound_only_gets_no_pictures_and_one_that_asks_for_another_codec_is_refused()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var consumer = new WireConsumer(hub.Pool);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio));
        var request = new SubscribeRequest("a") { Wanted = [Track.Any(MediaKind.Audio)] };
        await using var subscription = await hub.SubscribeAsync(request, consumer.Writer, WireConsumer.Format, default);
        subscription.Start();
        Write(feed, 0, 2, keyframe: 0);
        feed.Tracks[1].Write(TestMedia.Payload(1), TimeSpan.Zero);
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Is.EqualTo("CA FA1").Or.EqualTo("PA1"));
        Assert.That(
            async () => await hub.SubscribeAsync(
                request with { Wanted = [Track.Video("VP8")] }, consumer.Writer, WireConsumer.Format, default),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.CodecsNotMatched));
        Assert.That(hub.GetSnapshot().Streams.Single().Consumers, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Pictures_that_stopped_long_ago_are_not_replayed_beside_the_sound_of_now()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var consumer = new WireConsumer(hub.Pool);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio));
        Write(feed, 0, 5, keyframe: 0);
        WriteSound(feed, 1, 5, 10_004, 10_005);
        var subscription = await SubscribeAsync(hub, consumer);
        subscription.Start();
        WriteSound(feed, 10_006);
        Write(feed, 10_007, 10_009, keyframe: 10_008);
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Is.EqualTo("CV CA FA10006 FV10008"));
    }

    [Test]
    public async Task Sound_without_its_pictures_begins_now()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var consumer = new WireConsumer(hub.Pool);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio));
        Write(feed, 0, 1, keyframe: 0);
        WriteSound(feed, 1, 2, 3);
        var request = new SubscribeRequest("a") { Wanted = [Track.Any(MediaKind.Audio)] };
        await using var subscription = await hub.SubscribeAsync(request, consumer.Writer, WireConsumer.Format, default);
        subscription.Start();
        WriteSound(feed, 4);
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Is.EqualTo("PA3 FA4"));
    }

    [Test]
    public async Task The_track_of_a_publisher_before_keeps_no_sound_back()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var waiting = new WireConsumer(hub.Pool);
        await using var consumer = new WireConsumer(hub.Pool);
        var first = hub.Publish("a", Track.Of(TestMedia.Video));
        (await SubscribeAsync(hub, waiting)).Start();
        await first.DisposeAsync();
        await using var second = hub.Publish("a", Track.Of(TestMedia.Video, "front"), Track.Of(TestMedia.Audio));
        Write(second, 0, 1, keyframe: 0);
        WriteSound(second, 1, 2);
        (await SubscribeAsync(hub, consumer)).Start();
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Does.Match("PV0 PA1 FA2$"));
    }

    [TestCase(true, TestName = "A_conversion_that_fails_for_a_joiner_ends_that_one_alone")]
    [TestCase(false, TestName = "A_conversion_that_fails_later_ends_its_consumers_with_the_reason")]
    public async Task A_conversion_that_fails(bool atOnce)
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var consumer = new WireConsumer(hub.Pool);
        await using var other = new WireConsumer(hub.Pool);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        (await SubscribeAsync(hub, other)).Start();
        if (atOnce)
            Write(feed, 0, 1, keyframe: 0);
        await using var subscription = await hub.SubscribeAsync(
            new SubscribeRequest("a") { OnStateChanged = (_, reason) => Volatile.Write(ref _ended, reason) },
            consumer.Writer, new BadFormat(), default);
        subscription.Start();
        if (!atOnce)
            Write(feed, 0, 1, keyframe: 0);
        await Eventually.Async(() => Volatile.Read(ref _ended) is not null, "the end is told");
        Assert.That(_ended, Is.EqualTo(new CloseReason(CloseCode.Fault, "a conversion failed: bad")));
        Assert.That(subscription.State, Is.EqualTo(SubscriptionState.Ended));
        Write(feed, 1, 2);
        await other.SettledAsync();
        Assert.That(other.Units().Where(unit => unit.Mark != 'C').Select(unit => unit.Number), Is.EqualTo(new[] { 0, 1 }));
    }

    [Test]
    public async Task C2_Snapshots_under_load_are_consistent()
    {
        await using var hub = new StreamHub(new StreamHubOptions { Pool = new() { Diagnostics = false } });
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        await using var consumer = new WireConsumer(hub.Pool);
        var subscription = await SubscribeAsync(hub, consumer);
        subscription.Start();
        var writer = Task.Run(() => Write(feed, 0, 20_000, keyframe: 0));
        var (offered, bad) = (0L, 0);
        while (!writer.IsCompleted)
        {
            var counts = hub.GetSnapshot().Streams.Single().Consumers.Single().Packets;
            if (counts.Offered != counts.Delivered + counts.DroppedByOverflow + counts.DroppedAwaitingKeyframe + counts.Queued
                || counts.Offered < offered)
                bad++;
            offered = counts.Offered;
        }

        await writer;
        Assert.That(bad, Is.Zero);
        Assert.That(hub.GetSnapshot().Streams.Single().Tracks.Single().Packets, Is.EqualTo(20_000));
    }

    [Test]
    public async Task What_has_ended_is_kept_alive_by_nothing()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        var references = await UseAsync(hub);
        await Eventually.Async(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return references.TrueForAll(reference => !reference.IsAlive);
        }, "feed, subscription, writer and stream are collected");
        Assert.That(_time.ActiveTimers, Is.Zero);
        Assert.That(hub.Pool.GetStatistics().OutstandingBuffers, Is.Zero, hub.Pool.DescribeOutstanding);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<List<WeakReference>> UseAsync(StreamHub hub)
    {
        var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        await using var consumer = new WireConsumer(hub.Pool);
        var subscription = await hub.SubscribeAsync(new SubscribeRequest("a"), consumer.Writer, WireConsumer.Format, default);
        subscription.Start();
        Write(feed, 0, 3, keyframe: 0);
        var references = new List<WeakReference> { new(feed), new(subscription), new(consumer.Writer), new(hub.Find("a")) };
        await feed.DisposeAsync();
        await subscription.DisposeAsync();
        return references;
    }

    private async Task<Subscription> SubscribeAsync(StreamHub hub, WireConsumer consumer) => await hub.SubscribeAsync(
        new SubscribeRequest("a") { OnStateChanged = (state, reason) => _told.Add((state, reason)) },
        consumer.Writer, WireConsumer.Format, default);

    private static void WriteSound(Feed feed, params IEnumerable<int> numbers)
    {
        foreach (var number in numbers)
            feed.Tracks[1].Write(TestMedia.Payload(number), TimeSpan.FromMilliseconds(number));
    }

    private static void Write(Feed feed, int from, int to, int keyframe = -1)
    {
        for (var number = from; number < to; number++)
            feed.Tracks[0].Write(TestMedia.Payload(number), TimeSpan.FromMilliseconds(number), isKeyframe: number == keyframe);
    }

    private sealed class BadFormat : TestWireFormat
    {
        public override (object Format, Func<Converter> Create)? Conversion => ("bad", () => new BadConverter());
    }

    private sealed class BadConverter : Converter
    {
        protected override void Convert(MediaPacket packet) => throw new FormatException("bad");
    }
}
