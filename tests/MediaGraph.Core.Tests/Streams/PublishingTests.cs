using System.Net;
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

// Rows: G12, I12, I13.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PublishingTests
{
    private readonly FakeTimeProvider _time = new();

    [Test]
    public async Task A_second_publisher_is_refused_and_the_first_goes_on()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var first = hub.Publish("a", Track.Of(TestMedia.Video));
        Assert.That(
            () => hub.Publish("a"), Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.AlreadyPublished));
        Assert.That(Write(first, 0));
    }

    [Test]
    public async Task A_second_publisher_replaces_the_first_by_option_and_the_first_is_told()
    {
        await using var hub = new StreamHub(new StreamHubOptions { OnPublisherConflict = PublisherConflict.Replace }, timeProvider: _time);
        CloseReason? told = null;
        var first = await hub.PublishAsync(
            new PublishRequest("a") { Tracks = [Track.Of(TestMedia.Video)], OnRevoked = reason => told = reason }, default);
        await using var second = hub.Publish("a", Track.Of(TestMedia.Video));
        Assert.That(told!.Code, Is.EqualTo(CloseCode.Replaced));
        Assert.That((Write(first, 0), Write(second, 0)), Is.EqualTo((false, true)));
        await first.DisposeAsync();
        Assert.That(Write(second, 1), "the end of a revoked feed ends nothing else");
        Assert.That(hub.Pool.GetStatistics().OutstandingPackets, Is.EqualTo(1), "only the cached packets are left");
    }

    [Test]
    public async Task A_stream_is_settled_when_its_publisher_says_so_or_a_second_after_its_first_media()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var feed = hub.Publish("a");
        var settled = hub.Find("a")!.WhenSettledAsync(default);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.That(settled.IsCompleted, Is.False, "nothing has come");
        feed.AddTrack(Track.Of(TestMedia.Video));
        Write(feed, 0);
        _time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.That(settled.IsCompleted, Is.False);
        _time.Advance(TimeSpan.FromTicks(1));
        await settled;
        await using var other = hub.Publish("b");
        other.AddTrack(Track.Of(TestMedia.Video));
        other.Settle();
        await hub.Find("b")!.WhenSettledAsync(default);
        Write(other, 0);
        await using var known = hub.Publish("c", Track.Of(TestMedia.Video));
        await hub.Find("c")!.WhenSettledAsync(default);
        var ended = hub.Publish("d");
        var waiting = hub.Find("d")!.WhenSettledAsync(default);
        await ended.DisposeAsync();
        await waiting;
        Assert.That(_time.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task A_stream_knows_the_wall_clock_at_its_beginning_also_for_the_next_publisher()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        Assert.That(hub.Find("a")!.Origin, Is.Null);
        var start = _time.GetUtcNow();
        Write(feed, 70_000);
        _time.Advance(TimeSpan.FromMinutes(1));
        Write(feed, 130_000);
        Assert.That(hub.Find("a")!.Origin, Is.EqualTo(start));
    }

    [TestCase("ada", "10.0.0.1", "ada", "10.0.0.2", ExpectedResult = true)]
    [TestCase("ada", "10.0.0.1", "bob", "10.0.0.1", ExpectedResult = false)]
    [TestCase(null, "10.0.0.1", null, "10.0.0.1", ExpectedResult = true)]
    [TestCase(null, "10.0.0.1", null, "10.0.0.2", ExpectedResult = false)]
    [TestCase(null, null, null, null, ExpectedResult = false)]
    [TestCase("ada", "10.0.0.1", null, "10.0.0.1", ExpectedResult = false)]
    [TestCase(null, "10.0.0.1", "ada", "10.0.0.1", ExpectedResult = false)]
    public async Task<bool> I2_A_stale_publisher_is_replaced_by_the_same_user_or_anonymous_from_the_same_address(
        string? user, string? address, string? secondUser, string? secondAddress)
    {
        await using var hub = new StreamHub(timeProvider: _time);
        var heard = _time.GetTimestamp();
        await hub.PublishAsync(new PublishRequest("a") { Peer = Who(user, address), LastHeard = () => heard }, default);
        var again = new PublishRequest("a") { Peer = Who(secondUser, secondAddress) };
        _time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.That(async () => await hub.PublishAsync(again, default), Throws.InstanceOf<StreamException>(), "not stale yet");
        _time.Advance(TimeSpan.FromTicks(1));
        try
        {
            await hub.PublishAsync(again, default);
            return true;
        }
        catch (StreamException)
        {
            return false;
        }
    }

    [TestCase("")]
    [TestCase("/a")]
    [TestCase("a/")]
    [TestCase("a//b")]
    [TestCase("../a")]
    [TestCase("a/./b")]
    [TestCase("a b")]
    [TestCase("ä")]
    [TestCase("a\n")]
    [TestCase("a?b")]
    public void A_name_that_is_none_is_refused_and_not_repeated(string name)
    {
        Assert.That(StreamName.IsValid(name), Is.False);
        var refused = Assert.Throws<StreamException>(() => StreamName.ThrowIfInvalid(name))!;
        Assert.That(refused.Error, Is.EqualTo(StreamError.InvalidName));
        Assert.That(name.Length < 3 || !refused.Message.Contains(name, StringComparison.Ordinal));
    }

    [Test]
    public void Names_of_allowed_characters_up_to_the_limit_are_names()
    {
        Assert.That(StreamName.IsValid("live/Cam_1.~-x"));
        Assert.That(StreamName.IsValid(new string('a', 128)));
        Assert.That(StreamName.IsValid(new string('a', 129)), Is.False);
    }

    [Test]
    public async Task The_first_feed_starts_at_zero_and_the_next_goes_on_by_the_wall_clocks_gap()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        var times = new Recorder(hub, _time);
        var first = hub.Publish("a", Track.Of(TestMedia.Video));
        times.Subscribe();
        Write(first, 5000);
        Write(first, 5040, composition: 80);
        _time.Advance(TimeSpan.FromSeconds(3));
        await first.DisposeAsync();
        await using var second = hub.Publish("a", Track.Of(TestMedia.Video));
        Write(second, 100);
        Write(second, 140);
        Write(second, 100, keyframe: false); // back in time
        await times.ReadAsync(5);
        Assert.That(times.Decode, Is.EqualTo(new[] { 0L, 40, 3040, 3080, 3081 }));
        Assert.That(times.Composition, Is.EqualTo(new[] { 0L, 80, 0, 0, 0 }), "composition times are kept exactly");
        Assert.That(times.Flags[2] & PacketFlags.Discontinuity, Is.EqualTo(PacketFlags.Discontinuity));
        Assert.That(times.Flags[1] & PacketFlags.Discontinuity, Is.EqualTo(PacketFlags.None));
    }

    // Where B-frames come, decoding begins before the sound that the stream's time began with.
    [Test]
    public async Task A_decode_time_before_the_streams_beginning_moves_no_picture()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        var times = new Recorder(hub, _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio));
        feed.Tracks[1].Write(TestMedia.Payload(0), TimeSpan.FromMilliseconds(5000));
        times.Subscribe();
        Write(feed, 4920, composition: 80);
        Write(feed, 4960, composition: 160, keyframe: false);
        Write(feed, 5000, composition: 40, keyframe: false);
        await times.ReadAsync(3); // without the sound, which nobody begins with
        Assert.That(times.Decode, Is.EqualTo(new[] { 0L, 1, 2 }));
        Assert.That(times.Composition, Is.EqualTo(new[] { 0L, 119, 38 }), "presented at 0, 120 and 40");
    }

    [Test]
    public async Task A_change_of_clock_and_codec_keeps_time_going_on()
    {
        await using var hub = new StreamHub(timeProvider: _time);
        var times = new Recorder(hub, _time);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        times.Subscribe();
        Write(feed, 0);
        Write(feed, 1000);
        var faster = new Codec(MediaKind.Video, "TESTVIDEO", 90_000);
        feed.Tracks[0].Announce(faster);
        feed.Tracks[0].Write(TestMedia.Payload(0), TimeSpan.FromMilliseconds(1040), isKeyframe: true);
        await times.ReadAsync(3);
        Assert.That(times.Decode, Is.EqualTo(new[] { 0L, 1000, 93_600 }));
        Assert.That(times.Codecs, Is.EqualTo(new[] { TestMedia.Video, TestMedia.Video, faster }));
    }

    [Test]
    public async Task I12_I13_Events_tell_exact_counts_in_order()
    {
        var hub = new StreamHub(timeProvider: _time);
        using var events = hub.Events.Subscribe();
        var feed = hub.Publish("a", Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio));
        var (one, two) = (new WireConsumer(hub.Pool), new WireConsumer(hub.Pool));
        var first = await hub.SubscribeAsync(new SubscribeRequest("a"), one.Writer, WireConsumer.Format, default);
        first.Start();
        var second = await hub.SubscribeAsync(new SubscribeRequest("a"), two.Writer, WireConsumer.Format, default);
        second.Start();
        second.Start();
        for (var number = 0; number < 7; number++)
            Write(feed, number);
        feed.Tracks[1].Write(new byte[3], TimeSpan.Zero);
        first.Close(CloseReason.Requested);
        _time.Advance(TimeSpan.FromSeconds(2));
        await feed.DisposeAsync();
        second.Close(new CloseReason(CloseCode.PeerClosed, "bye"));
        await hub.DisposeAsync();
        await one.DisposeAsync();
        await two.DisposeAsync();
        var all = new List<MediaEvent>();
        while (events.Reader.TryRead(out var mediaEvent))
            all.Add(mediaEvent);
        var stopped = all.OfType<PublishStopped>().Single();
        Assert.That(
            (stopped.VideoPackets, stopped.AudioPackets, stopped.Bytes, stopped.Duration),
            Is.EqualTo((7, 1, 31, TimeSpan.FromSeconds(2))));
        Assert.That(all.OfType<ConsumerCountChanged>().Select(e => e.Count), Is.EqualTo(new[] { 1, 2, 1, 0 }));
        Assert.That(all.OfType<PlayStarted>().Count(), Is.EqualTo(2));
        Assert.That(
            all.OfType<PlayStopped>().Select(e => (e.Duration, e.Reason.Code)),
            Is.EqualTo(new[] { (TimeSpan.Zero, CloseCode.Requested), (TimeSpan.FromSeconds(2), CloseCode.PeerClosed) }));
        Assert.That(all[0], Is.InstanceOf<PublishStarted>());
        Assert.That(hub.Pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, hub.Pool.DescribeOutstanding());
        Assert.That(_time.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task G12_A_hub_that_is_disposed_ends_everything_and_takes_nothing_more()
    {
        var hub = new StreamHub(timeProvider: _time);
        CloseReason? revoked = null, ended = null;
        var feed = await hub.PublishAsync(
            new PublishRequest("a") { Tracks = [Track.Of(TestMedia.Video)], OnRevoked = reason => revoked = reason }, default);
        await using var stalled = new WireConsumer(hub.Pool);
        stalled.Transport.LimitSends(0);
        var subscription = await hub.SubscribeAsync(
            new SubscribeRequest("a") { OnStateChanged = (_, reason) => ended = reason }, stalled.Writer, WireConsumer.Format, default);
        subscription.Start();
        Write(feed, 0);
        await hub.DisposeAsync();
        await hub.DisposeAsync();
        Assert.That((revoked, ended), Is.EqualTo((CloseReason.Stopping, CloseReason.Stopping)));
        Assert.That(subscription.State, Is.EqualTo(SubscriptionState.Ended));
        Assert.That(Write(feed, 1), Is.False);
        Assert.That(() => hub.Publish("b"), Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.Stopping));
        await stalled.DisposeAsync();
        Assert.That(hub.Pool.GetStatistics().OutstandingBuffers, Is.Zero, hub.Pool.DescribeOutstanding);
        Assert.That(hub.GetSnapshot().Streams, Is.Empty);
    }

    private static Peer Who(string? user, string? address) => new("rtmp")
    {
        User = user,
        RemoteEndPoint = address is null ? null : new IPEndPoint(IPAddress.Parse(address), 1000 + (user?.Length ?? 0)),
    };

    private static bool Write(Feed feed, int time, int composition = 0, bool keyframe = true) => feed.Tracks[0].Write(
        TestMedia.Payload(time), TimeSpan.FromMilliseconds(time + composition), TimeSpan.FromMilliseconds(time), keyframe);

    private sealed class Recorder(StreamHub hub, FakeTimeProvider time)
    {
        private IAsyncEnumerator<PacketBatch>? _batches;
        private Task<bool>? _next;

        public List<long> Decode { get; } = [];

        public List<long> Composition { get; } = [];

        public List<PacketFlags> Flags { get; } = [];

        public List<Codec> Codecs { get; } = [];

        public void Subscribe()
        {
            _batches = hub.Subscribe("a").GetAsyncEnumerator();
            _next = _batches.MoveNextAsync().AsTask();
            Assert.That(time.ActiveTimers, Is.Zero);
        }

        public async Task ReadAsync(int count)
        {
            while (Decode.Count < count)
            {
                Assert.That(await _next!);
                using (var batch = _batches!.Current)
                {
                    foreach (var packet in batch)
                    {
                        Decode.Add(packet.DecodeTime);
                        Composition.Add(packet.PresentationTime - packet.DecodeTime);
                        Flags.Add(packet.Flags);
                        Codecs.Add(packet.Codec);
                    }
                }

                _next = _batches.MoveNextAsync().AsTask();
            }
        }
    }
}
