using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Talk;

// Rows: T1, T3, R3, S8.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class TalkTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly TestLog _log = new();
    private readonly TestSpeaker _speaker = new();
    private StreamHub _hub = null!;
    private Feed _feed = null!;
    private EventSubscription _events = null!;

    [SetUp]
    public void Publish()
    {
        _hub = new StreamHub(loggerFactory: _log, timeProvider: _time) { NextRandom = () => 0.5 };
        _events = _hub.Events.Subscribe();
        _feed = _hub.Publish(new PublishRequest("a") { Tracks = [Track.Of(TestMedia.Video)], Speaker = _speaker });
    }

    [TearDown]
    public async Task Nothing_is_left()
    {
        var ended = _hub.DisposeAsync().AsTask();
        await Eventually.Async(() => ended.IsCompleted, "the hub ends");
        Assert.That(_speaker.HadTwoLines, Is.False);
        await Eventually.EqualAsync(() => _time.ActiveTimers, 0, "timers");
        Assert.That(_hub.Pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, _hub.Pool.DescribeOutstanding());
        var events = Events();
        Assert.That(events.OfType<TalkStopped>().Count(), Is.EqualTo(events.OfType<TalkStarted>().Count()), "each start has its end");
    }

    public async ValueTask DisposeAsync()
    {
        var ended = _hub.DisposeAsync();
        _time.Advance(TimeSpan.FromMinutes(1)); // after a failure, calls may still be waited for
        await ended;
        _events.Dispose();
        _log.Dispose();
    }

    [Test]
    public async Task A_talk_starts_with_its_first_packet_and_the_device_is_told_of_start_and_end()
    {
        var talk = await _hub.TalkAsync(new TalkRequest("a") { Peer = new Peer("rtsp") }, default);
        Assert.That((talk.State, talk.Codec, _speaker.Opens), Is.EqualTo((TalkState.Idle, TestSpeaker.Pcma, 0)));
        Assert.That(Write(talk, 1), Is.EqualTo(TalkResult.Taken));
        Write(talk, 2);
        await HeardAsync("open PCMA 1 2");
        Assert.That(talk.State, Is.EqualTo(TalkState.Talking));
        Write(talk, 3);
        await HeardAsync("open PCMA 1 2 3");
        _time.Advance(TimeSpan.FromSeconds(3));
        await talk.DisposeAsync();
        Assert.That(_speaker.Heard, Is.EqualTo("open PCMA 1 2 3 close"), "the device was told when the session's end returns");
        Assert.That((talk.State, talk.Reason, Write(talk, 4)), Is.EqualTo((TalkState.Ended, CloseReason.Requested, TalkResult.Ended)));
        var (started, stopped) = (Events().OfType<TalkStarted>().Single(), Events().OfType<TalkStopped>().Single());
        Assert.That((started.Stream, started.Protocol, started.Codec), Is.EqualTo(("a", "rtsp", "PCMA")));
        Assert.That(
            (stopped.Duration, stopped.Packets, stopped.Dropped, stopped.Reason),
            Is.EqualTo((TimeSpan.FromSeconds(3), 3, 0, CloseReason.Requested)));
        Assert.That((_log.Of(1200).Count, _log.Of(1201).Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task Others_are_told_that_the_place_is_busy_and_get_it_when_it_is_free()
    {
        await using var first = _hub.Talk(new TalkRequest("a") { Peer = new Peer("rtsp") { User = "ada" } });
        await using var second = _hub.Talk(new TalkRequest("a"));
        Assert.That(_hub.Find("a")!.GetSnapshot().Speaker, Is.InstanceOf<SpeakerSnapshot>().With.Property("Talker").Null);
        Write(first, 1);
        Assert.That((Write(second, 2), second.State), Is.EqualTo((TalkResult.Busy, TalkState.Idle)));
        Assert.That(
            () => _hub.Talk(new TalkRequest("a") { RefuseWhenBusy = true }),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.Busy));
        await HeardAsync("open PCMA 1");
        await Eventually.EqualAsync(() => _hub.Find("a")!.GetSnapshot().Speaker!.Talker!.Packets, 1, "what was heard is counted");
        _time.Advance(TimeSpan.FromSeconds(2));
        var snapshot = _hub.Find("a")!.GetSnapshot().Speaker!;
        Assert.That((snapshot.Sessions, snapshot.Failure), Is.EqualTo((2, (CloseReason?)null)), "who was refused has left nothing");
        Assert.That(snapshot.Talker, Is.EqualTo(new TalkerSnapshot(
            "rtsp", null, "ada", TestSpeaker.Pcma, TalkState.Talking, TimeSpan.FromSeconds(2), 1, 0)));
        first.Stop();
        Assert.That(Write(second, 3), Is.EqualTo(TalkResult.Taken));
        await HeardAsync("open PCMA 1 close open PCMA 3");
        Assert.That(Write(first, 4), Is.EqualTo(TalkResult.Busy));
    }

    [Test]
    public async Task A_silent_talker_loses_the_place_and_takes_it_again_with_its_next_packet()
    {
        var states = new List<(TalkState, CloseCode?)>();
        var talk = _hub.Talk(new TalkRequest("a") { OnStateChanged = (state, reason) => states.Add((state, reason?.Code)) });
        Write(talk, 1);
        await HeardAsync("open PCMA 1");
        _time.Advance(TimeSpan.FromSeconds(8));
        Write(talk, 2);
        await HeardAsync("open PCMA 1 2");
        _time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        Assert.That(talk.State, Is.EqualTo(TalkState.Talking));
        _time.Advance(TimeSpan.FromTicks(1));
        await HeardAsync("open PCMA 1 2 close");
        await Eventually.EqualAsync(() => (talk.State, talk.Reason?.Code), (TalkState.Idle, CloseCode.Deadline), "the talk is over");
        await Eventually.EqualAsync(() => _time.ActiveTimers, 0, "silence needs no timer");
        Write(talk, 3);
        await HeardAsync("open PCMA 1 2 close open PCMA 3");
        await talk.DisposeAsync();
        Assert.That(states, Is.EqualTo(new (TalkState, CloseCode?)[]
        {
            (TalkState.Opening, null), (TalkState.Talking, null),
            (TalkState.Closing, CloseCode.Deadline), (TalkState.Idle, CloseCode.Deadline),
            (TalkState.Opening, null), (TalkState.Talking, null),
            (TalkState.Closing, CloseCode.Requested), (TalkState.Ended, CloseCode.Requested),
        }));
    }

    [Test]
    public async Task The_newest_half_second_waits_for_the_device()
    {
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _speaker.OnOpen = _ => new ValueTask(open.Task);
        var talk = _hub.Talk(new TalkRequest("a"));
        for (var number = 0; number < 40; number++)
        {
            Assert.That(Write(talk, number), Is.EqualTo(TalkResult.Taken));
            _time.Advance(TimeSpan.FromMilliseconds(20));
        }

        open.SetResult();
        await HeardAsync($"open PCMA {string.Join(' ', Enumerable.Range(15, 25))}");
        await talk.DisposeAsync();
        var stopped = Events().OfType<TalkStopped>().Single();
        Assert.That((stopped.Packets, stopped.Dropped), Is.EqualTo((25, 15)), "packets in are packets out and packets counted as dropped");
    }

    [Test]
    public async Task Packets_of_another_stream_are_passed_on_and_those_in_another_codec_are_not()
    {
        await using var talk = _hub.Talk(new TalkRequest("a"));
        var packet = TestMedia.Packet(_hub.Pool, 7, codec: new Codec(MediaKind.Audio, CodecNames.Pcma, 8000, 1));
        var other = TestMedia.Packet(_hub.Pool, 8, codec: TestSpeaker.Pcmu);
        Assert.That(talk.Write(packet), Is.EqualTo(TalkResult.Taken));
        Assert.That(() => talk.Write(other), Throws.ArgumentException);
        packet.Release();
        other.Release();
        await HeardAsync("open PCMA 7");
    }

    [Test]
    public async Task The_speakers_best_codec_of_those_that_the_talker_can_send_is_used()
    {
        await using var feed = _hub.Publish(new PublishRequest("b") { Speaker = new TestSpeaker(TestSpeaker.Pcmu, TestSpeaker.Pcma) });
        await using var any = _hub.Talk(new TalkRequest("b"));
        await using var both = _hub.Talk(new TalkRequest("b") { Codecs = [TestSpeaker.Pcma, TestSpeaker.Pcmu] });
        await using var one = _hub.Talk(new TalkRequest("b") { Codecs = [TestMedia.Audio, TestSpeaker.Pcma] });
        Assert.That((any.Codec, both.Codec, one.Codec), Is.EqualTo((TestSpeaker.Pcmu, TestSpeaker.Pcmu, TestSpeaker.Pcma)));
    }

    [Test]
    public async Task S8_What_cannot_talk_is_refused_with_a_reason_and_leaves_nothing()
    {
        await using var mute = _hub.Publish("mute");
        Assert.That(ErrorOf(new TalkRequest("nobody")), Is.EqualTo(StreamError.NotFound));
        Assert.That(ErrorOf(new TalkRequest("../a")), Is.EqualTo(StreamError.InvalidName));
        Assert.That(ErrorOf(new TalkRequest("mute")), Is.EqualTo(StreamError.NoSpeaker));
        Assert.That(ErrorOf(new TalkRequest("a") { Codecs = [TestMedia.Audio] }), Is.EqualTo(StreamError.CodecsNotMatched));
        Assert.That(_hub.Find("a")!.GetSnapshot().Speaker!.Sessions, Is.Zero);
        Assert.That(_hub.Find("mute")!.GetSnapshot().Speaker, Is.Null);
        Assert.That(_speaker.Opens, Is.Zero);

        StreamError? ErrorOf(TalkRequest request) => Assert.Throws<StreamException>(() => _hub.Talk(request))!.Error;
    }

    [Test]
    public async Task To_talk_is_a_right_of_its_own()
    {
        await using var hub = new StreamHub(
            new StreamHubOptions
            {
                Authorizer = new OnlyTalk(),
                AuthorizationFailures = new AuthorizationFailureOptions { MinDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
            },
            timeProvider: _time);
        await using var feed = hub.Publish(new PublishRequest("a") { Speaker = new TestSpeaker() });
        await using var talk = await hub.TalkAsync(new TalkRequest("a") { Peer = new Peer("rtsp") }, default);
        Assert.That(talk.Peer.User, Is.EqualTo("talker"));
        var refused = await Assert.ThrowsAsync<StreamException>(
            async () => await hub.TalkAsync(new TalkRequest("a") { Peer = new Peer("rtmp") }, default));
        Assert.That(refused!.Error, Is.EqualTo(StreamError.Unauthorized));
        Assert.That(hub.Find("a")!.GetSnapshot().Speaker!.Sessions, Is.EqualTo(1));
    }

    [Test]
    public async Task A_feed_that_ends_ends_its_talks_and_returns_when_the_device_was_told()
    {
        CloseReason? told = null;
        var talk = _hub.Talk(new TalkRequest("a") { OnStateChanged = (state, reason) => told = state == TalkState.Ended ? reason : null });
        var silent = _hub.Talk(new TalkRequest("a"));
        Write(talk, 1);
        await HeardAsync("open PCMA 1");
        await _feed.DisposeAsync();
        Assert.That(_speaker.Heard, Is.EqualTo("open PCMA 1 close"));
        Assert.That((talk.State, silent.State, told?.Code), Is.EqualTo((TalkState.Ended, TalkState.Ended, CloseCode.PublisherLeft)));
        Assert.That(Write(silent, 2), Is.EqualTo(TalkResult.Ended));
        var next = new TestSpeaker(TestSpeaker.Pcmu);
        await using var feed = _hub.Publish("a");
        Assert.That(_hub.Find("a")!.Speaker, Is.Null, "the next feed has its own speaker, or none yet");
        feed.OfferSpeaker(next);
        Assert.That(_hub.Find("a")!.Speaker, Is.SameAs(next.Track));
        Assert.That(() => feed.OfferSpeaker(next), Throws.InvalidOperationException);
        await using var again = _hub.Talk(new TalkRequest("a"));
        Write(again, 3);
        await Eventually.EqualAsync(() => next.Heard, "open PCMU 3", "the next device hears it");
    }

    [Test]
    public async Task A_speaker_that_is_offered_by_a_feed_that_ended_is_nobodys()
    {
        await using var feed = _hub.Publish("b");
        feed.Close(CloseReason.Requested);
        feed.OfferSpeaker(new TestSpeaker());
        await using var next = _hub.Publish("b");
        Assert.That(_hub.Find("b")!.Speaker, Is.Null);
    }

    [Test]
    public void A_speaker_names_codecs_of_audio_to_be_received()
    {
        var wrong = new TestSpeaker { Track = Track.Of(TestSpeaker.Pcma) };
        Assert.That(() => _hub.Publish(new PublishRequest("b") { Speaker = wrong }), Throws.ArgumentException);
        Assert.That(_hub.Find("b"), Is.Null, "nothing is published then");
    }

    [Test]
    public async Task A_speaker_that_cannot_open_is_tried_again_after_growing_pauses_and_never_in_a_loop()
    {
        _speaker.OnOpen = _ => throw new InvalidOperationException("secret");
        await using var talk = _hub.Talk(new TalkRequest("a"));
        foreach (var pause in (int[])[1, 2, 4, 8, 16, 30, 30])
        {
            var opens = _speaker.Opens;
            Assert.That(Write(talk, 1), Is.EqualTo(TalkResult.Taken));
            await Eventually.EqualAsync(() => talk.State, TalkState.Idle, "the talk failed");
            Assert.That(talk.Reason, Is.EqualTo(new CloseReason(CloseCode.ConnectionLost, "the device failed")));
            Assert.That(_hub.Find("a")!.GetSnapshot().Speaker!.Failure, Is.EqualTo(talk.Reason));
            _time.Advance(TimeSpan.FromSeconds(pause) - TimeSpan.FromTicks(1));
            Assert.That(Write(talk, 2), Is.EqualTo(TalkResult.Unavailable), $"after less than {pause} s");
            _time.Advance(TimeSpan.FromTicks(1));
            Assert.That(_speaker.Opens, Is.EqualTo(opens + 1));
        }

        Assert.That(_log.Of(1202), Has.Count.EqualTo(7));
        _speaker.OnOpen = _ => default;
        Write(talk, 3);
        await HeardAsync("open PCMA 3");
        talk.Stop();
        await Eventually.EqualAsync(() => talk.State, TalkState.Idle, "the talk ended");
        _speaker.OnOpen = _ => throw new StreamException(StreamError.Busy, "the line is busy");
        Write(talk, 4);
        await Eventually.EqualAsync(() => talk.Reason, new CloseReason(CloseCode.Refused, "the line is busy"), "the device's words");
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(Write(talk, 5), Is.EqualTo(TalkResult.Taken), "the pauses began anew");
    }

    [Test]
    public async Task Speakers_that_failed_together_are_not_tried_again_together()
    {
        _hub.NextRandom = () => 1;
        _speaker.OnOpen = _ => throw new IOException();
        await using var talk = _hub.Talk(new TalkRequest("a"));
        Write(talk, 1);
        await Eventually.EqualAsync(() => talk.State, TalkState.Idle, "the talk failed");
        _time.Advance(TimeSpan.FromSeconds(1.2) - TimeSpan.FromTicks(1));
        Assert.That(Write(talk, 2), Is.EqualTo(TalkResult.Unavailable));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.That(Write(talk, 3), Is.EqualTo(TalkResult.Taken));
    }

    [Test]
    public async Task T3_A_line_that_breaks_ends_the_talk_and_nothing_else()
    {
        await using var consumer = new WireConsumer(_hub.Pool);
        await using var viewer = await _hub.SubscribeAsync(new SubscribeRequest("a"), consumer.Writer, WireConsumer.Format, default);
        viewer.Start();
        _speaker.OnWrite = _ => throw new IOException();
        var talk = _hub.Talk(new TalkRequest("a"));
        Write(talk, 1);
        await HeardAsync("open PCMA close");
        await Eventually.EqualAsync(() => (talk.State, talk.Reason?.Code), (TalkState.Idle, CloseCode.ConnectionLost), "the talk failed");
        Assert.That(_feed.Write(TestMedia.Payload(0), TimeSpan.Zero));
        Assert.That(viewer.State, Is.EqualTo(SubscriptionState.Fed));
        _speaker.OnWrite = _ => default;
        _time.Advance(TimeSpan.FromSeconds(1));
        Write(talk, 2);
        await HeardAsync("open PCMA close open PCMA 2");
        await talk.DisposeAsync();
    }

    [Test]
    public async Task A_device_that_hangs_while_it_opens_is_given_up_and_not_called_before_it_returns([Values] bool heedsToken)
    {
        var hang = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var token = CancellationToken.None;
        _speaker.OnOpen = given =>
        {
            token = given;
            return new ValueTask(heedsToken ? hang.Task.WaitAsync(given) : hang.Task);
        };
        var talk = _hub.Talk(new TalkRequest("a"));
        Write(talk, 1);
        await Eventually.Async(() => _time.ActiveTimers == 2, "the device is waited for");
        _time.Advance(TimeSpan.FromSeconds(5));
        Write(talk, 1);
        _time.Advance(TimeSpan.FromSeconds(5));
        if (!heedsToken)
        {
            await Eventually.Async(() => token.IsCancellationRequested && _time.ActiveTimers == 2, "the call was told to end");
            Write(talk, 1);
            _time.Advance(TimeSpan.FromSeconds(5));
        }

        await Eventually.EqualAsync(() => (talk.State, talk.Reason?.Code), (TalkState.Idle, CloseCode.Deadline), "the talk failed");
        Assert.That(_log.Of(1203), Has.Count.EqualTo(heedsToken ? 0 : 1));
        _speaker.OnOpen = _ => default;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(Write(talk, 2), Is.EqualTo(TalkResult.Taken));
        if (heedsToken)
        {
            await HeardAsync("open PCMA 2");
            await talk.DisposeAsync();
            return;
        }

        await Eventually.EqualAsync(() => talk.State, TalkState.Idle, "the device still hangs");
        Assert.That(_speaker.Opens, Is.EqualTo(1));
        hang.SetResult();
        await HeardAsync("open PCMA close");
        await Eventually.EqualAsync(() => _speaker.OpenLines, 0, "a line that comes too late is closed");
        _time.Advance(TimeSpan.FromSeconds(2));
        Write(talk, 3);
        await HeardAsync("open PCMA close open PCMA 3");
        await talk.DisposeAsync();
    }

    [Test]
    public async Task A_device_that_blocks_its_thread_does_not_keep_the_talker()
    {
        using var blocked = new ManualResetEventSlim();
        _speaker.OnOpen = _ =>
        {
            blocked.Wait(TimeSpan.FromMinutes(1), CancellationToken.None);
            return default;
        };
        var talk = _hub.Talk(new TalkRequest("a"));
        Write(talk, 1);
        await Eventually.Async(() => _speaker.Opens == 1, "the device is called");
        var ending = talk.DisposeAsync().AsTask();
        Assert.That(talk.State, Is.EqualTo(TalkState.Ended), "at once");
        await Eventually.Async(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return ending.IsCompleted;
            },
            "the call is left behind");
        blocked.Set();
        await Eventually.EqualAsync(() => _speaker.Heard, "open PCMA close", "a line that comes too late is closed");
    }

    [Test]
    public async Task A_device_that_hangs_while_it_closes_or_writes_is_left_behind([Values] bool closes)
    {
        var hang = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var talk = _hub.Talk(new TalkRequest("a"));
        var isWriting = false;
        _speaker.OnWrite = _ =>
        {
            Volatile.Write(ref isWriting, true);
            return closes ? default : new ValueTask(hang.Task);
        };
        if (closes)
            _speaker.OnClose = () => new ValueTask(hang.Task);
        Write(talk, 1);
        await Eventually.Async(() => Volatile.Read(ref isWriting), "the device is given something");
        if (closes)
            await HeardAsync("open PCMA 1");
        var ending = talk.DisposeAsync().AsTask();
        await Eventually.Async(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(100));
                return ending.IsCompleted;
            },
            "the call is left behind");
        Assert.That(_log.Of(1203), Has.Count.EqualTo(1));
        _time.Advance(TimeSpan.FromSeconds(30));
        await using var next = _hub.Talk(new TalkRequest("a"));
        if (closes)
        {
            Write(next, 2);
            await Eventually.EqualAsync(() => next.Reason?.Code, CloseCode.Deadline, "no second line is opened");
            Assert.That(_speaker.Opens, Is.EqualTo(1));
        }

        hang.SetResult();
        await Eventually.EqualAsync(() => _speaker.OpenLines, 0, "the device closed at last");
        await Eventually.EqualAsync(() => _hub.Pool.GetStatistics().OutstandingPackets, 0, "the packet came back");
    }

    [Test]
    public async Task Whoever_leaves_while_the_device_opens_is_no_failure_and_the_next_one_is_heard()
    {
        _speaker.OnOpen = token => new ValueTask(Task.Delay(Timeout.InfiniteTimeSpan, _time, token));
        var first = _hub.Talk(new TalkRequest("a"));
        Write(first, 1);
        await Eventually.Async(() => _speaker.Opens == 1, "the device is called");
        _speaker.OnOpen = _ => default;
        await first.DisposeAsync();
        await using var second = _hub.Talk(new TalkRequest("a"));
        Assert.That(Write(second, 2), Is.EqualTo(TalkResult.Taken));
        await HeardAsync("open PCMA 2");
        Assert.That(Events().OfType<TalkStarted>().Count(), Is.EqualTo(1), "the first talk never began");
    }

    [Test]
    public async Task T1_A_thousand_starts_and_stops_leave_nothing_and_each_one_is_heard()
    {
        await using var consumer = new WireConsumer(_hub.Pool);
        await using var viewer = await _hub.SubscribeAsync(new SubscribeRequest("a"), consumer.Writer, WireConsumer.Format, default);
        viewer.Start();
        for (var number = 0; number < 1000; number++)
        {
            await using var talk = _hub.Talk(new TalkRequest("a"));
            Assert.That(Write(talk, number), Is.EqualTo(TalkResult.Taken));
            await Eventually.Async(() => _hub.Find("a")!.GetSnapshot().Speaker!.Talker!.Packets == 1, "the device heard it");
        }

        Assert.That(_speaker.Heard, Is.EqualTo(string.Join(' ', Enumerable.Range(0, 1000).Select(n => $"open PCMA {n} close"))));
        Assert.That(viewer.State, Is.EqualTo(SubscriptionState.Fed));
        Assert.That(Events().Where(e => e is PlayStopped or PublishStopped), Is.Empty, "nobody's view was touched");
        await Eventually.EqualAsync(() => (_speaker.OpenLines, _time.ActiveTimers), (0, 0), "lines and timers are gone");
        var snapshot = _hub.Find("a")!.GetSnapshot();
        Assert.That((snapshot.Speaker!.Sessions, snapshot.Consumers.Length), Is.EqualTo((0, 1)));
        Assert.That(snapshot.Speaker.Talker, Is.Null);
        Assert.That(_hub.Pool.GetStatistics().OutstandingPackets, Is.Zero);
    }

    [Test]
    public async Task R3_T1_A_thousand_toggles_while_the_device_is_busy_are_one_change()
    {
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _speaker.OnOpen = _ => new ValueTask(open.Task);
        await using var talk = _hub.Talk(new TalkRequest("a"));
        for (var number = 0; number < 1000; number++)
        {
            Write(talk, number);
            if (number == 0)
                await Eventually.Async(() => _speaker.Opens == 1, "the device is called");
            talk.Stop();
            _ = _hub.Find("a")!.Speaker; // a probe changes nothing
        }

        Write(talk, 1000);
        open.SetResult();
        await HeardAsync("open PCMA close open PCMA 1000");
        Assert.That(_speaker.Opens, Is.EqualTo(2));
    }

    [Test]
    public async Task The_hubs_end_tells_the_device_and_the_talker()
    {
        var talk = _hub.Talk(new TalkRequest("a"));
        Write(talk, 1);
        await HeardAsync("open PCMA 1");
        await _hub.DisposeAsync();
        Assert.That((_speaker.Heard, talk.Reason), Is.EqualTo(("open PCMA 1 close", CloseReason.Stopping)));
    }

    private static TalkResult Write(TalkSession talk, int number) =>
        talk.Write(TestMedia.Payload(number), TimeSpan.FromMilliseconds(20 * number));

    private Task HeardAsync(string what) => Eventually.EqualAsync(() => _speaker.Heard, what, "the device heard it");

    private readonly List<MediaEvent> _all = [];

    private List<MediaEvent> Events()
    {
        while (_events.Reader.TryRead(out var mediaEvent))
            _all.Add(mediaEvent);
        return _all;
    }

    private sealed class OnlyTalk : IStreamAuthorizer
    {
        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
            ValueTask.FromResult(request is { Action: StreamAction.Talk, Peer.Protocol: "rtsp" }
                ? AuthorizationResult.Allow("talker")
                : AuthorizationResult.Deny());
    }
}
