using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Talk;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

// Rows: S6, S7, S11, S12, T8.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SourceChoiceTests
{
    private static readonly Track Video = Track.Of(TestMedia.Video);
    private static readonly Track Audio = Track.Of(TestMedia.Audio);

    [Test]
    public async Task Pictures_come_from_the_first_source_that_has_some_and_sound_from_the_first_that_has_some()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one", "test:two");
        var viewer = await f.ViewAsync();
        var one = await f.One.NextAsync();
        Assert.That(f.Two.Runs, Is.Zero, "the second waits until it is known what the first one has");
        one.Publish(Video);
        var two = (await f.Two.NextAsync()).Publish(Video, Audio);
        Assert.That(two.Session.Wanted, Is.EqualTo(SourceMedia.Audio));
        one.Write(number: 1);
        two.Write(number: 2);
        one.Write(number: 3);
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV CA FV1 FA2 FV3"), "the second one's pictures go nowhere");
    }

    [Test]
    public async Task A_source_that_fails_before_it_tells_what_it_has_leaves_all_to_the_next_until_then()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one", "test:two");
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).Fail();
        var two = (await f.Two.NextAsync()).Publish(Video, Audio);
        two.Write(number: 1);
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second try");
        var one = (await f.One.NextAsync()).Publish(Video);
        await Eventually.EqualAsync(() => two.Session.Wanted, SourceMedia.Audio, "what is wanted of the second source");
        one.Write(number: 5);
        two.Write(number: 6);
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV CA FV1 FA1 FV5 FA6"));
        Assert.That(viewer.Last!.Value.State, Is.EqualTo(SubscriptionState.Fed));
    }

    [Test]
    public async Task A_source_whose_kinds_are_known_keeps_them_while_it_is_away()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one", "test:two");
        await f.ViewAsync();
        var one = (await f.One.NextAsync()).Publish(Video);
        var two = (await f.Two.NextAsync()).Publish(Audio);
        one.Fail();
        await f.BecomesAsync(0, SourceState.BackingOff);
        Assert.That(two.Session.Wanted, Is.EqualTo(SourceMedia.Audio));
    }

    [Test]
    public async Task The_next_source_takes_over_when_one_fails_and_gives_back_when_that_is_healthy_again()
    {
        await using var f = new SourceFixture();
        await f.SetAsync(new StreamDefinition("a") { Sources = ["test:one", "test:two"], Mode = SourceMode.Fallback });
        var viewer = await f.ViewAsync();
        var one = (await f.One.NextAsync()).Publish(Video);
        one.Write(number: 1);
        Assert.That(f.Two.Runs, Is.Zero);
        one.Fail();
        var two = (await f.Two.NextAsync()).Publish(Video);
        two.Write(number: 2);
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second try");
        one = (await f.One.NextAsync()).Publish(Video);
        one.Write(number: 3);
        two.Write(number: 4);
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV FV1 FV2 FV4"), "the first one stands by");

        await f.AdvanceUntilAsync(
            () => two.Token.IsCancellationRequested || !(one.Write(number: 5) && two.Write(number: 5)), "the end of the second source");
        await f.BecomesAsync(1, SourceState.Idle);
        one.Write(number: 6);
        Assert.That(await viewer.TextAsync(), Does.EndWith("FV6"));
        Assert.That(f.StateOf(0), Is.EqualTo(SourceState.Live));
    }

    // Its feed has ended, and its session not yet: it is not known yet that this is a failure.
    [Test]
    public async Task One_that_stands_in_goes_on_when_the_first_source_returns_and_dies_again()
    {
        await using var f = new SourceFixture();
        await f.SetAsync(new StreamDefinition("a") { Sources = ["test:one", "test:two"], Mode = SourceMode.Fallback });
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).Fail();
        var two = (await f.Two.NextAsync()).Publish(Video);
        await f.AdvanceUntilAsync(() => two.Write(number: 1) && f.One.Runs == 2, "the second try");
        var one = (await f.One.NextAsync()).Publish(Video);
        one.Feed.Close(new CloseReason(CloseCode.ConnectionLost, "it broke"));
        Assert.That(f.Sources[1].Wanted, Is.EqualTo(SourceMedia.Video));
        one.Fail();
        await f.BecomesAsync(0, SourceState.BackingOff);
        Assert.That((two.Write(number: 2), two.Token.IsCancellationRequested, f.Two.Runs), Is.EqualTo((true, false, 1)));
        Assert.That(await viewer.TextAsync(), Does.EndWith("FV1 FV2"));
    }

    [Test]
    public async Task A_source_that_is_put_before_the_one_that_feeds_takes_over_when_it_is_healthy()
    {
        await using var f = new SourceFixture();
        var definition = new StreamDefinition("a") { Sources = ["test:two"], Mode = SourceMode.Fallback };
        await f.SetAsync(definition);
        var viewer = await f.ViewAsync();
        var two = (await f.Two.NextAsync()).Publish(Video);
        two.Write(number: 1);
        await f.SetAsync(definition with { Sources = ["test:one", "test:two"] });
        Assert.That(f.Sources[1].Wanted, Is.EqualTo(SourceMedia.Video));
        var one = await f.One.NextAsync();
        two.Write(number: 2);
        one.Publish(Video).Write(number: 3);
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV FV1 FV2"));
        await f.AdvanceUntilAsync(
            () => two.Token.IsCancellationRequested || !(one.Write(number: 4) && two.Write(number: 4)), "the end of the second source");
        await f.BecomesAsync(1, SourceState.Idle);
        one.Write(number: 5);
        Assert.That(await viewer.TextAsync(), Does.EndWith("FV5"));
    }

    [Test]
    public async Task S12_A_source_that_returns_with_another_codec_is_followed_and_a_viewer_that_cannot_is_told()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var follows = await f.ViewAsync();
        var cannot = await f.ViewAsync(Track.Video(TestMedia.Video.Name));
        var one = (await f.One.NextAsync()).Publish(Video);
        one.Write();
        one.Fail();
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second try");
        one = (await f.One.NextAsync()).Publish(Track.Of(new Codec(MediaKind.Video, "OTHERVIDEO", 1000)));
        one.Write(number: 2);
        await Eventually.Async(() => cannot.Last?.State == SubscriptionState.Ended, "the end of the viewer that cannot follow");
        Assert.That(cannot.Last!.Value.Reason, Does.Contain("codecs not matched"));
        Assert.That(await follows.TextAsync(), Is.EqualTo("CV FV0 PV2"));
    }

    [Test]
    public async Task S12_A_source_that_returns_without_the_only_track_of_a_viewer_ends_it_with_a_reason()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var both = await f.ViewAsync();
        var pictures = await f.ViewAsync(Track.Video());
        var one = (await f.One.NextAsync()).Publish(Video, Audio);
        one.Write();
        one.Fail();
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second try");
        one = (await f.One.NextAsync()).Publish(Audio);
        one.Write(number: 2);
        await Eventually.Async(() => pictures.Last?.State == SubscriptionState.Ended, "the end of the viewer of pictures");
        Assert.That(pictures.Last!.Value.Reason, Does.Contain("codecs not matched"));
        Assert.That(await both.TextAsync(), Does.EndWith("FA2"));
        Assert.That(f.Stream.GetSnapshot().Tracks.Select(track => (track.Id, track.Codec is null)),
            Is.EquivalentTo(new[] { ("video", true), ("audio", false) }), "a missing track is seen to be missing");
    }

    [Test]
    public async Task S11_Two_tracks_of_one_codec_stay_two_when_their_source_returns_with_other_names()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        await f.ViewAsync();
        var one = (await f.One.NextAsync()).Publish(Track.Of(TestMedia.Audio, "left"), Track.Of(TestMedia.Audio, "right"));
        one.Write();
        var receivers = f.Stream.Receivers;
        one.Fail();
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second try");
        one = (await f.One.NextAsync()).Publish(Track.Of(TestMedia.Audio, "1"), Track.Of(TestMedia.Audio, "2"));
        one.Write();
        Assert.That(f.Stream.Receivers, Is.EqualTo(receivers));
        Assert.That(receivers.Select(receiver => receiver.Packets), Is.EqualTo(new long[] { 2, 2 }));
    }

    [Test]
    public async Task S6_A_source_that_hangs_keeps_no_other_one_running()
    {
        await using var f = new SourceFixture(new StreamHubOptions { Sources = new SourceOptions { Linger = TimeSpan.Zero } });
        await f.SetAsync("test:one#media=video", "test:two#media=audio");
        var viewer = await f.ViewAsync();
        await f.One.NextAsync(); // and says nothing
        (await f.Two.NextAsync()).Publish(Audio).Write();
        await viewer.Subscription.DisposeAsync();
        await f.BecomesAsync(1, SourceState.Idle);
        await f.BecomesAsync(0, SourceState.Idle);
        Assert.That((f.One.Open, f.Two.Open), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task T8_A_source_that_is_for_talk_alone_is_asked_for_nothing_else()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one#media=video,audio", "test:two#media=talk");
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).Publish(Video, Audio).Write();
        Assert.That(f.Two.Runs, Is.Zero, "nobody wants to talk");

        var talking = f.Hub.TalkAsync(new TalkRequest("a"), CancellationToken.None).AsTask();
        var two = await f.Two.NextAsync();
        Assert.That(two.Session.Wanted, Is.EqualTo(SourceMedia.Talk));
        var speaker = new TestSpeaker();
        two.Session.Publish(new PublishRequest("a") { Speaker = speaker });
        var session = await talking;
        session.Write(TestMedia.Payload(7), TimeSpan.Zero);
        await Eventually.EqualAsync(() => speaker.Heard, "open PCMA 7", "what the device heard");
        Assert.That(viewer.Last!.Value.State, Is.EqualTo(SubscriptionState.Fed), "whoever views goes on");

        await session.DisposeAsync();
        Assert.That(speaker.Heard, Is.EqualTo("open PCMA 7 close"));
        await f.AdvanceUntilAsync(1, SourceState.Idle);
        Assert.That(f.StateOf(0), Is.EqualTo(SourceState.Live).Or.EqualTo(SourceState.BackingOff));
    }

    // Its feed is closed; it takes that for its own end, and ends, before its token is cancelled.
    [Test]
    public async Task A_source_that_is_stopped_has_not_finished_and_takes_over_again()
    {
        await using var f = new SourceFixture();
        await f.SetAsync(new StreamDefinition("a") { Sources = ["test:one", "test:two"], Mode = SourceMode.Fallback });
        await f.ViewAsync();
        f.Two.IgnoresCancellation = true;
        (await f.One.NextAsync()).Fail();
        var two = (await f.Two.NextAsync()).Publish(Video);
        two.Write();
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second try");
        var one = (await f.One.NextAsync()).Publish(Video);
        await f.AdvanceUntilAsync(() => !(one.Write() && two.Write()), "the end of the second source's feed");
        two.Session.Finish();
        two.Session.Renew();
        two.End();
        f.Two.IgnoresCancellation = false;
        await f.BecomesAsync(1, SourceState.Idle);
        one.Fail();
        Assert.That((await f.Two.NextAsync()).Publish(Video).Write());
    }

    [Test]
    public async Task Sources_that_stand_in_for_each_other_are_chosen_for_each_kind_whoever_came_first()
    {
        await using var f = new SourceFixture();
        await f.SetAsync(TalkBeside());
        var talking = f.Hub.TalkAsync(new TalkRequest("a"), CancellationToken.None).AsTask();
        var speaker = new TestSpeaker();
        (await f.Protocol["three"].NextAsync()).Session.Publish(new PublishRequest("a") { Speaker = speaker });
        await using var session = await talking;

        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).Publish(Video).Write();
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV FV0"), "without waiting until it is healthy");
        session.Write(TestMedia.Payload(7), TimeSpan.Zero);
        await Eventually.EqualAsync(() => speaker.Heard, "open PCMA 7", "what the device heard");
        Assert.That(f.Two.Runs, Is.Zero);
    }

    [Test]
    public async Task Who_talks_is_heard_by_the_source_for_talk_alone_while_another_brings_the_pictures()
    {
        await using var f = new SourceFixture();
        await f.SetAsync(TalkBeside());
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).Publish(Video).Write();
        var talking = f.Hub.TalkAsync(new TalkRequest("a"), CancellationToken.None).AsTask();
        var speaker = new TestSpeaker();
        (await f.Protocol["three"].NextAsync()).Session.Publish(new PublishRequest("a") { Speaker = speaker });
        await using var session = await talking;
        session.Write(TestMedia.Payload(7), TimeSpan.Zero);
        await Eventually.EqualAsync(() => speaker.Heard, "open PCMA 7", "what the device heard");
        Assert.That((f.Two.Runs, viewer.Subscription.State), Is.EqualTo((0, SubscriptionState.Fed)));
    }

    [Test]
    public async Task A_source_that_is_used_for_one_kind_is_stood_in_for_in_the_others_from_the_start()
    {
        await using var f = new SourceFixture();
        await f.SetAsync(new StreamDefinition("a") { Sources = ["test:one#media=video", "test:two"], Mode = SourceMode.Fallback });
        var viewer = await f.ViewAsync();
        var two = (await f.Two.NextAsync()).Publish(Video, Audio);
        Assert.That(two.Session.Wanted, Is.EqualTo(SourceMedia.Audio));
        two.Write(number: 1);
        var one = (await f.One.NextAsync()).Publish(Video);
        one.Write(number: 2);
        two.Write(number: 3);
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CA FA1 CV FV2 FA3"));

        one.Fail();
        await Eventually.EqualAsync(() => two.Session.Wanted, SourceMedia.Video | SourceMedia.Audio, "what is wanted of the second source");
        await Eventually.Async(
            () => two.Write(number: 4) && f.Stream.Receivers.All(receiver => receiver.Codec is not null), "its pictures");
        Assert.That(await viewer.TextAsync(), Does.Contain("FV4"));
    }

    private static StreamDefinition TalkBeside() => new("a")
    {
        Sources = ["test:one#media=video,audio", "test:two#media=video,audio", "test:three#media=talk"],
        Mode = SourceMode.Fallback,
    };
}
