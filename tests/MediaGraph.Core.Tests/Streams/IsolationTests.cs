using System.Net;
using MediaGraph.Containers.Flv;
using MediaGraph.Delivery;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Streams;

// Rows: C1, C16, G10, H5, P4.

/// <summary>What one party does wrong, or too much of, is its own affair (DESIGN law 8).</summary>
[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class IsolationTests
{
    private readonly FakeTimeProvider _time = new();

    [Test]
    public async Task Callbacks_that_throw_stop_neither_the_stream_nor_the_publisher_nor_other_consumers()
    {
        using var log = new TestLog();
        await using var hub = new StreamHub(null, log, _time);
        var feed = await hub.PublishAsync(
            new PublishRequest("a") { Tracks = [Track.Of(TestMedia.Video)], OnRevoked = _ => throw new FormatException("revoked") },
            default);
        await using var bad = new WireConsumer(hub.Pool);
        await using var good = new WireConsumer(hub.Pool);
        var states = new List<SubscriptionState>();
        foreach (var (consumer, callback) in new (WireConsumer, Action<SubscriptionState, CloseReason?>)[]
                 {
                     (bad, (_, _) => throw new FormatException("state")),
                     (good, (state, _) => states.Add(state)),
                 })
        {
            var subscription = await hub.SubscribeAsync(
                new SubscribeRequest("a") { OnStateChanged = callback }, consumer.Writer, WireConsumer.Format, default);
            subscription.Start();
        }

        await feed.DisposeAsync();
        await using (hub.Publish("a", Track.Of(TestMedia.Video)))
        {
            Assert.That(states, Is.EqualTo([SubscriptionState.Waiting, SubscriptionState.Fed]));
        }

        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.That(states[^1], Is.EqualTo(SubscriptionState.Ended), "the timer's end came through");
        Assert.That(hub.GetSnapshot().Streams, Is.Empty);
        Assert.That(log.Of(1002), Has.Count.EqualTo(4), "each failure of the callback is logged");
    }

    [Test]
    public async Task C1_A_format_that_throws_ends_its_own_consumer()
    {
        var pool = TestMedia.Pool(diagnostics: true);
        var receiver = new Receiver(Track.Of(TestMedia.Video));
        await using var bad = new WireConsumer(pool);
        await using var good = new WireConsumer(pool);
        var sender = bad.Writer.CreateSender(receiver.Track, new Broken());
        Assert.That(receiver.TryAttach(sender));
        var other = good.Join(receiver);
        receiver.Push(pool, 0, isKeyframe: true);
        receiver.Push(pool, 1);
        await Eventually.Async(() => bad.Failures.Count > 0, "the failure is told");
        Assert.That(bad.Failures[0].Code, Is.EqualTo(CloseCode.Fault));
        Assert.That(good.Units().Count(unit => unit.Mark is 'F' or 'P'), Is.EqualTo(2), "the others miss nothing");
        var statistics = sender.GetStatistics();
        Assert.That(
            statistics.Offered,
            Is.EqualTo(statistics.Delivered + statistics.DroppedByClose + statistics.DroppedAwaitingKeyframe + statistics.Queued));
        receiver.Close(CloseReason.Requested);
        Assert.That(other.GetStatistics().Delivered, Is.EqualTo(2));
        await bad.DisposeAsync();
        await good.DisposeAsync();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero, pool.DescribeOutstanding());
    }

    [Test]
    public async Task A_converter_that_throws_is_closed_with_its_consumers_and_the_others_go_on()
    {
        var pool = TestMedia.Pool();
        var receiver = new Receiver(Track.Of(TestMedia.Video));
        var child = new Probe();
        var other = new Probe();
        Assert.That(receiver.TryAttach(child, "broken", () => new BrokenConverter()));
        Assert.That(receiver.TryAttach(other));
        receiver.Push(pool, 0, isKeyframe: true);
        await Eventually.Async(() => child.IsClosed, "the consumer of the converter is closed");
        receiver.Push(pool, 1);
        Assert.That(other.Numbers, Is.EqualTo([0, 1]));
        Assert.That(child.Reason!.Code, Is.EqualTo(CloseCode.Fault));
        Assert.That(receiver.Children, Is.EqualTo([other]));
    }

    [Test]
    public void H5_Empty_packets_are_bounded_by_number_in_a_group()
    {
        var pool = TestMedia.Pool();
        var receiver = new Receiver(Track.Of(TestMedia.Video), new GroupCacheOptions { MaxPackets = 10 });
        for (var i = 0; i < 10; i++)
            receiver.Push(pool, i, isKeyframe: i == 0);
        Assert.That(pool.GetStatistics().OutstandingPackets, Is.EqualTo(10));
        receiver.Push(pool, 10);
        Assert.That(pool.GetStatistics().OutstandingPackets, Is.Zero, "a group that is too long is not cached");
        receiver.Push(pool, 11, isKeyframe: true);
        Assert.That(pool.GetStatistics().OutstandingPackets, Is.EqualTo(1));
        receiver.Close(CloseReason.Requested);
    }

    [Test]
    public async Task H5_Tiny_packets_are_bounded_by_number_in_a_queue_and_the_oldest_go()
    {
        var pool = TestMedia.Pool();
        var receiver = new Receiver(Track.Of(TestMedia.Audio), new GroupCacheOptions { IsEnabled = false });
        await using var consumer = new WireConsumer(pool, new PacketQueueOptions { MaxPackets = 8 }, _time);
        var sender = consumer.Join(receiver);
        await consumer.SettledAsync();
        consumer.Transport.LimitSends(0);
        for (var i = 0; i < 100; i++)
            receiver.Push(pool, i);
        var statistics = sender.GetStatistics();
        Assert.That(consumer.Writer.GetStatistics().Depth, Is.LessThanOrEqualTo(9), "eight, and the one that is being sent");
        Assert.That(statistics.DroppedByOverflow, Is.GreaterThanOrEqualTo(91));
        Assert.That(statistics.Offered, Is.EqualTo(statistics.DroppedByOverflow + statistics.Queued));
        consumer.Transport.AllowSends(1 << 20);
        await consumer.SettledAsync();
        Assert.That(consumer.Units().Last().Number, Is.EqualTo(99));
        receiver.Close(CloseReason.Requested);
    }

    [Test]
    public async Task A_refusal_takes_its_time_and_who_is_refused_too_often_is_not_asked_for()
    {
        var asked = 0;
        await using var hub = new StreamHub(
            new StreamHubOptions { Authorizer = new No(() => asked++), AuthorizationFailures = new() { MaxPerMinute = 3 } }, null, _time);
        var peer = new Peer("test") { RemoteEndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.7"), 1) };
        for (var i = 0; i < 3; i++)
        {
            var refusal = hub.PublishAsync(new PublishRequest("a") { Peer = peer }, default).AsTask();
            await Eventually.EqualAsync(() => _time.ActiveTimers, 1, "the answer waits");
            Assert.That(refusal.IsCompleted, Is.False);
            _time.Advance(TimeSpan.FromSeconds(2));
            Assert.That(async () => await refusal, Throws.InstanceOf<StreamException>());
        }

        Assert.That(
            async () => await hub.PublishAsync(new PublishRequest("a") { Peer = peer }, default),
            Throws.InstanceOf<StreamException>().With.Message.EqualTo("too many refusals"));
        Assert.That(asked, Is.EqualTo(3));
        _time.Advance(TimeSpan.FromMinutes(1));
        var later = hub.PublishAsync(new PublishRequest("a") { Peer = peer }, default).AsTask();
        await Eventually.EqualAsync(() => Volatile.Read(ref asked), 4, "asked again after a minute");
        await Eventually.EqualAsync(() => _time.ActiveTimers, 1, "the answer waits");
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(async () => await later, Throws.InstanceOf<StreamException>());
    }

    [Test]
    public async Task Metadata_does_not_fix_the_time_of_the_media()
    {
        await using var hub = new StreamHub(null, null, _time);
        await using var feed = hub.Publish("a");
        var metadata = feed.AddTrack(Track.Of(new Codec(MediaKind.Data, CodecNames.RtmpData, 1000), "metadata"));
        metadata.Write([1], TimeSpan.Zero, isKeyframe: true);
        var video = feed.AddTrack(Track.Of(TestMedia.Video));
        video.Write(TestMedia.Payload(1), TimeSpan.FromHours(1), isKeyframe: true);
        Assert.That(TimeOf(hub, "video"), Is.EqualTo(TimeSpan.Zero), "the stream begins with its first picture");
    }

    [Test]
    public async Task P4_A_clock_that_is_set_back_goes_on_where_the_stream_is()
    {
        await using var hub = new StreamHub(null, null, _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio));
        var (video, audio) = (feed.Tracks[0], feed.Tracks[1]);
        Write(0);
        Write(40);
        video.Write(TestMedia.Payload(1), TimeSpan.FromHours(2)); // one wrong timestamp
        _time.Advance(TimeSpan.FromMilliseconds(40));
        Write(80);
        var (afterVideo, afterAudio) = (TimeOf(hub, "video"), TimeOf(hub, "audio"));
        Assert.That(afterVideo, Is.GreaterThan(TimeSpan.FromHours(2)), "never back");
        Assert.That((afterVideo - afterAudio).Duration(), Is.LessThan(TimeSpan.FromMilliseconds(100)), "and both tracks together");
        _time.Advance(TimeSpan.FromMilliseconds(40));
        Write(120);
        Assert.That(TimeOf(hub, "video") - afterVideo, Is.EqualTo(TimeSpan.FromMilliseconds(40)), "and at its own pace again");

        void Write(int milliseconds)
        {
            video.Write(TestMedia.Payload(1), TimeSpan.FromMilliseconds(milliseconds), isKeyframe: true);
            audio.Write(TestMedia.Payload(2), TimeSpan.FromMilliseconds(milliseconds));
        }
    }

    [Test]
    public async Task P4_A_clock_that_is_set_back_by_some_seconds_holds_nothing_up()
    {
        await using var hub = new StreamHub(null, null, _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio));
        var times = new List<TimeSpan>();
        for (var i = 0; i < 30; i++)
            Write(i, 40 * (100 + (i % 10))); // back by 0.4 s: nothing that is one clock's
        times.Clear();
        foreach (var start in new[] { 8000, 4000, 4000, 2000 })
        {
            for (var i = 0; i < 100; i++)
                Write(i, start + (40 * i));
        }

        Assert.That(times.Zip(times.Skip(1), (a, b) => (b - a).TotalMilliseconds), Has.All.EqualTo(40).Within(11));

        void Write(int number, int milliseconds)
        {
            _time.Advance(TimeSpan.FromMilliseconds(40));
            feed.Tracks[0].Write(TestMedia.Payload(number), TimeSpan.FromMilliseconds(milliseconds), isKeyframe: true);
            feed.Tracks[1].Write(TestMedia.Payload(number), TimeSpan.FromMilliseconds(milliseconds + 10));
            times.Add(TimeOf(hub, "video"));
            if (times.Count > 1)
                Assert.That((TimeOf(hub, "audio") - times[^1]).TotalMilliseconds, Is.EqualTo(10).Within(2), $"{milliseconds}");
        }
    }

    [Test]
    public async Task P4_A_wrong_timestamp_moves_no_track_against_the_others()
    {
        await using var hub = new StreamHub(null, null, _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio));
        for (var at = 0; at < 10_000; at += 40)
        {
            _time.Advance(TimeSpan.FromMilliseconds(40));
            feed.Tracks[0].Write(TestMedia.Payload(1), TimeSpan.FromMilliseconds(at == 1000 ? 6000 : at), isKeyframe: true);
            feed.Tracks[1].Write(TestMedia.Payload(2), TimeSpan.FromMilliseconds(at));
        }

        Assert.That(TimeOf(hub, "video"), Is.EqualTo(TimeOf(hub, "audio")));
    }

    [Test]
    public async Task G10_The_end_of_a_feed_is_told_before_the_beginning_of_the_next()
    {
        await using var hub = new StreamHub(new() { OnPublisherConflict = PublisherConflict.Replace }, null, _time);
        using var events = hub.Events.Subscribe();
        var first = hub.Publish("a", Track.Of(TestMedia.Video));
        await using var second = hub.Publish("a", Track.Of(TestMedia.Video));
        await first.DisposeAsync();
        var told = new List<string>();
        while (events.Reader.TryRead(out var one))
            told.Add(one.GetType().Name);
        Assert.That(told, Is.EqualTo([nameof(PublishStarted), nameof(PublishStopped), nameof(PublishStarted)]));
    }

    [Test]
    public async Task C16_A_subscription_by_code_that_is_disconnected_gets_nothing_with_a_hole()
    {
        await using var hub = new StreamHub(
            new() { Queue = new() { MaxPackets = 4, OnOverflow = OverflowPolicy.Disconnect } }, null, _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        var reader = hub.Subscribe("a").GetAsyncEnumerator();
        var first = reader.MoveNextAsync().AsTask(); // subscribes
        for (var i = 0; i < 10; i++)
            feed.Tracks[0].Write(TestMedia.Payload(i), TimeSpan.FromMilliseconds(i), isKeyframe: i == 0);
        var numbers = new List<int>();
        Assert.That(
            async () =>
            {
                for (var more = await first; more; more = await reader.MoveNextAsync())
                {
                    using var batch = reader.Current;
                    numbers.AddRange(batch.Select(TestMedia.NumberOf));
                }
            },
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.Ended));
        Assert.That(numbers, Is.EqualTo(Enumerable.Range(0, numbers.Count)), "a beginning without a gap, or nothing");
        await reader.DisposeAsync();
    }

    [Test]
    public async Task A_frame_that_no_message_can_hold_is_dropped_before_anyone_sees_it()
    {
        await using var hub = new StreamHub(new() { Pool = new() { Diagnostics = false } }, null, _time);
        await using var feed = hub.Publish("a");
        var writer = new FlvFeedWriter(feed);
        // An avcC whose length prefixes have one byte: 3,355,444 units of one byte become 16,777,220 bytes.
        Write([0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1F, 0xFC, 0xE0, 0]);
        var frame = new byte[5 + (2 * 3_355_444)];
        frame[0] = 0x17;
        frame[1] = 1;
        for (var i = 5; i < frame.Length; i += 2)
            (frame[i], frame[i + 1]) = (1, 0x65);
        Write(frame);
        Assert.That(writer.DroppedFrames, Is.EqualTo(1));
        Assert.That(hub.Find("a")!.GetSnapshot().Tracks.Single().Packets, Is.Zero);

        void Write(byte[] body)
        {
            var buffer = hub.Pool.Rent(body.Length);
            body.CopyTo(buffer.Span);
            writer.Write(FlvTagType.Video, 0, buffer, 0, body.Length);
        }
    }

    private static TimeSpan TimeOf(StreamHub hub, string track) =>
        hub.Find("a")!.GetSnapshot().Tracks.Single(t => t.Id == track).LastTime;

    private sealed class No(Action onAsked) : IStreamAuthorizer
    {
        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
        {
            onAsked();
            return ValueTask.FromResult(AuthorizationResult.Deny());
        }
    }

    private sealed class BrokenConverter : Converter
    {
        protected override void Convert(MediaPacket packet) => throw new FormatException("broken");
    }

    private sealed class Broken : WireFormat
    {
        private readonly Image _image = new();

        public override string CodecNames => "anything";

        public override ImageFormat ImageOf(Codec codec, bool withParameters) => _image;

        public override bool CanCarry(Codec codec) => true;

        public override PooledBuffer? WriteParameters(PacketPool pool, Codec codec, TimeSpan time, out int length)
        {
            length = 0;
            return null;
        }

        private sealed class Image : ImageFormat
        {
            public override int Measure(MediaPacket packet) => 10;

            public override int Write(MediaPacket packet, Span<byte> destination) => throw new FormatException("broken");
        }
    }
}
