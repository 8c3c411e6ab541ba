using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Delivery;

// Rows: C9, C10, C13, C16.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ConnectionWriterTests
{
    private readonly PacketPool _pool = TestMedia.Pool(diagnostics: true);
    private readonly FakeTimeProvider _time = new();
    private readonly Receiver _video = new(Track.Of(TestMedia.Video));
    private readonly Receiver _audio = new(Track.Of(TestMedia.Audio));

    [TearDown]
    public async Task NothingIsLeft()
    {
        _video.Close(CloseReason.Requested);
        _audio.Close(CloseReason.Requested);
        Assert.That(_pool.GetStatistics().OutstandingBuffers, Is.Zero, _pool.DescribeOutstanding);
        await Eventually.EqualAsync(() => _time.ActiveTimers, 0, "timers");
    }

    [Test]
    public async Task While_the_transport_takes_all_packets_are_sent_in_place()
    {
        await using var consumer = new WireConsumer(_pool, time: _time);
        Push(0, 3, keyframe: 0);
        var sender = consumer.Join(_video);
        await consumer.SettledAsync();
        Push(3, 5);
        Assert.That(consumer.Text(), Is.EqualTo("PV0 FV1 FV2 FV3 FV4"), "the replay with parameters first, then live, at once");
        Assert.That(sender.GetStatistics(), Is.EqualTo(new SenderStatistics(5, 5, 50, 0, 0, 0, 0)));
        Assert.That(consumer.Writer.SentBytes, Is.EqualTo(50));
    }

    [Test]
    public async Task A_joiner_who_must_wait_for_a_keyframe_gets_the_parameters_at_once()
    {
        await using var consumer = new WireConsumer(_pool);
        _video.Announce(TestMedia.Video);
        var sender = consumer.Join(_video);
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Is.EqualTo("CV"));
        Push(1, 3);
        Push(3, 4, keyframe: 3);
        Assert.That(consumer.Text(), Is.EqualTo("CV FV3"), "known parameters are not repeated");
        Assert.That(sender.GetStatistics().DroppedAwaitingKeyframe, Is.EqualTo(2));
    }

    [Test]
    public async Task What_the_transport_refuses_waits_and_is_sent_in_order_with_the_replies([Values] bool canTrySend)
    {
        await using var consumer = new WireConsumer(_pool, canTrySend: canTrySend);
        consumer.Join(_video);
        consumer.Transport.LimitSends(7);
        Push(0, 3, keyframe: 0);
        Assert.That(consumer.Writer.Send(WireUnit.Reply(9)));
        Push(3, 4);
        Assert.That(consumer.Writer.GetStatistics().Depth, Is.GreaterThanOrEqualTo(4));
        consumer.Transport.LimitSends(long.MaxValue);
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Is.EqualTo("PV0 FV1 FV2 R9 FV3"));
    }

    [Test]
    public async Task A_change_of_codec_brings_its_parameters_in_order()
    {
        await using var consumer = new WireConsumer(_pool);
        consumer.Join(_video);
        Push(0, 2, keyframe: 0);
        _video.Push(_pool, 2, isKeyframe: true, codec: new Codec(MediaKind.Video, "OTHERXIDEO", 1000));
        _video.Push(_pool, 3, codec: TestMedia.Video);
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Is.EqualTo("PV0 FV1 PX2 PV3").Or.EqualTo("PV0 FV1 PI2 PV3"));
    }

    [Test]
    public async Task C16_A_full_queue_drops_video_to_the_next_keyframe_and_sound_goes_on()
    {
        await using var consumer = new WireConsumer(_pool, new PacketQueueOptions { MaxBytes = 20 });
        var (video, audio) = (consumer.Writer.CreateSender(_video.Track, WireConsumer.Format),
            consumer.Writer.CreateSender(_audio.Track, WireConsumer.Format));
        Assert.That(_video.TryAttach(video) && _audio.TryAttach(audio));
        consumer.Transport.LimitSends(0);
        for (var number = 0; number < 12; number++)
        {
            _video.Push(_pool, number, isKeyframe: number is 0 or 10);
            if (number % 4 == 1)
                _audio.Push(_pool, number, isKeyframe: true);
        }

        consumer.Transport.LimitSends(long.MaxValue);
        await consumer.SettledAsync();
        var units = consumer.Units();
        var pictures = units.Where(u => u.Codec == 'V' && u.Mark != 'C').Select(u => u.Number).ToList();
        Assert.That(pictures[^2..], Is.EqualTo(new[] { 10, 11 }), consumer.Text());
        for (var i = 1; i < pictures.Count; i++)
            Assert.That(pictures[i] == pictures[i - 1] + 1 || pictures[i] == 10, consumer.Text());
        Assert.That(units.Where(u => u.Codec == 'A').Select(u => u.Number), Is.EqualTo(new[] { 1, 5, 9 }));
        var counts = video.GetStatistics();
        Assert.That(counts.DroppedByOverflow, Is.Positive);
        Assert.That(counts.Offered, Is.EqualTo(counts.Delivered + counts.DroppedByOverflow + counts.DroppedAwaitingKeyframe));
    }

    [Test]
    public async Task An_empty_queue_takes_one_unit_of_any_size()
    {
        await using var consumer = new WireConsumer(_pool, new PacketQueueOptions { MaxBytes = 10, MaxInPlaceBytes = 5 });
        consumer.Join(_video);
        consumer.Transport.LimitSends(0);
        _video.Push(_pool, 0, isKeyframe: true, length: 5000);
        consumer.Transport.LimitSends(long.MaxValue);
        await consumer.SettledAsync();
        Assert.That(consumer.Units().Single().Payload, Is.EqualTo(TestMedia.Payload(0, 5000)));
    }

    [Test]
    public async Task Packets_that_are_too_old_go_on_fake_time()
    {
        await using var consumer = new WireConsumer(_pool, new PacketQueueOptions { MaxAge = TimeSpan.FromSeconds(2) }, _time);
        var sender = consumer.Join(_video);
        consumer.Transport.LimitSends(0);
        Push(0, 3, keyframe: 0);
        _time.Advance(TimeSpan.FromSeconds(2));
        Push(3, 4);
        Assert.That(sender.GetStatistics().DroppedByOverflow, Is.Zero);
        Assert.That(consumer.Writer.GetStatistics().OldestAge, Is.EqualTo(TimeSpan.FromSeconds(2)));
        Assert.That(consumer.Writer.GetStatistics().StalledFor, Is.EqualTo(TimeSpan.FromSeconds(2)));
        _time.Advance(TimeSpan.FromTicks(1));
        Push(4, 5);
        Assert.That(sender.GetStatistics().DroppedByOverflow, Is.Positive);
        consumer.Transport.LimitSends(long.MaxValue);
    }

    [Test]
    public async Task A_consumer_that_is_to_be_disconnected_when_it_is_too_slow_is_although_its_peer_takes_nothing()
    {
        await using var consumer = new WireConsumer(
            _pool, new PacketQueueOptions { MaxBytes = 8, OnOverflow = OverflowPolicy.Disconnect });
        consumer.Join(_video);
        consumer.Transport.LimitSends(0);
        Push(0, 6, keyframe: 0);
        await Eventually.Async(() => consumer.Failures.Count > 0, "the failure is told");
        Assert.That(consumer.Failures[0].Code, Is.EqualTo(CloseCode.TooSlow));
    }

    [Test]
    public async Task C13_Replies_to_a_peer_that_does_not_read_are_bounded()
    {
        await using var consumer = new WireConsumer(_pool, new PacketQueueOptions { MaxReplyBytes = 50 });
        consumer.Transport.LimitSends(0);
        for (var i = 0; i < 8; i++)
            consumer.Writer.Send(WireUnit.Reply(i));
        await Eventually.Async(() => consumer.Failures.Count > 0, "the failure is told");
        Assert.That(consumer.Failures[0].Code, Is.EqualTo(CloseCode.LimitExceeded));
    }

    [Test]
    public async Task A_connection_that_breaks_inside_of_a_fan_out_harms_nobody_else_and_is_told_by_a_task([Values] bool byPeer)
    {
        await using var broken = new WireConsumer(_pool);
        await using var healthy = new WireConsumer(_pool);
        broken.Join(_video);
        healthy.Join(_video);
        Push(0, 1, keyframe: 0);
        if (byPeer)
            await broken.Client.DisposeAsync();
        else
            broken.Transport.Abort(new CloseReason(CloseCode.ConnectionLost, "cut"));
        Push(1, 4);
        await Eventually.Async(() => broken.Failures.Count > 0, "the failure is told");
        Assert.That(broken.Failures[0].Code, Is.EqualTo(CloseCode.ConnectionLost));
        await healthy.SettledAsync();
        Assert.That(healthy.Text(), Is.EqualTo("PV0 FV1 FV2 FV3"));
        Assert.That(broken.Writer.Send(WireUnit.Reply(1)), Is.False);
    }

    [Test]
    public async Task Completing_drops_media_sends_replies_and_tears_nothing()
    {
        await using var consumer = new WireConsumer(_pool, time: _time);
        consumer.Join(_video);
        consumer.Transport.LimitSends(3);
        Push(0, 3, keyframe: 0);
        consumer.Writer.Send(WireUnit.Reply(5));
        var completing = consumer.Writer.CompleteAsync(TimeSpan.FromSeconds(1));
        consumer.Transport.LimitSends(long.MaxValue);
        await completing;
        Assert.That(consumer.Text(), Is.EqualTo("PV0 R5"), "the unit that was begun is sent whole");
        Assert.That(consumer.Writer.Send(WireUnit.Reply(6)), Is.False);
    }

    [Test]
    public async Task Completing_sends_replies_that_waited_behind_media_for_a_sender_that_never_joined()
    {
        await using var consumer = new WireConsumer(_pool, time: _time);
        consumer.Writer.CreateSender(_audio.Track, WireConsumer.Format);
        consumer.Join(_video);
        Push(0, 2, keyframe: 0);
        consumer.Writer.Send(WireUnit.Reply(5));
        await consumer.Writer.CompleteAsync(TimeSpan.FromSeconds(1));
        Assert.That(consumer.Text(), Is.EqualTo("R5"));
    }

    [Test]
    public async Task Completing_a_writer_whose_peer_does_not_read_ends_with_the_limit()
    {
        await using var consumer = new WireConsumer(_pool, time: _time);
        consumer.Transport.LimitSends(0);
        consumer.Writer.Send(WireUnit.Reply(5));
        var completing = consumer.Writer.CompleteAsync(TimeSpan.FromSeconds(1));
        Assert.That(completing.IsCompleted, Is.False);
        _time.Advance(TimeSpan.FromSeconds(1));
        await completing;
    }

    [Test]
    public async Task C9_C10_When_dispose_returns_nothing_is_sent_any_more_and_closing_again_does_nothing()
    {
        var consumer = new WireConsumer(_pool);
        var sender = consumer.Join(_video);
        consumer.Transport.LimitSends(3);
        Push(0, 5, keyframe: 0);
        await consumer.DisposeAsync();
        await consumer.DisposeAsync();
        Push(5, 6);
        var counts = sender.GetStatistics();
        Assert.That((counts.Offered, counts.DroppedByClose, counts.Queued), Is.EqualTo((5, 5, 0)));
        Assert.That(consumer.Writer.CreateSender(_video.Track, WireConsumer.Format).GetStatistics().Offered, Is.Zero);
    }

    [Test]
    public async Task Two_senders_start_together_and_their_replays_are_merged_in_time()
    {
        await using var consumer = new WireConsumer(_pool);
        Push(0, 3, keyframe: 0);
        for (var number = 0; number < 3; number++)
            _audio.Push(_pool, number, isKeyframe: number == 0);
        var (video, audio) = (consumer.Writer.CreateSender(_video.Track, WireConsumer.Format),
            consumer.Writer.CreateSender(_audio.Track, WireConsumer.Format));
        _video.TryAttach(video);
        Push(3, 4);
        Assert.That(consumer.Writer.Send(WireUnit.Reply(0)));
        Assert.That(consumer.Units().Where(u => u.Mark != 'R'), Is.Empty, "the other track has not joined");
        _audio.TryAttach(audio);
        await consumer.SettledAsync();
        var media = consumer.Units().Where(u => u.Mark != 'R').Select(u => u.ToString()).ToList();
        Assert.That(media[..6], Is.EquivalentTo(new[] { "PV0", "PA0", "FV1", "FA1", "FV2", "FA2" }));
        Assert.That(media[^1], Is.EqualTo("FV3"));
    }

    private void Push(int from, int to, int keyframe = -1)
    {
        for (var number = from; number < to; number++)
            _video.Push(_pool, number, number == keyframe);
    }
}
