using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Talk;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

// Rows: R3, S10, T8.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SelectiveSourceTests
{
    [Test]
    public async Task R3_What_a_source_has_but_does_not_feed_yet_is_waited_for()
    {
        await using var f = NewFixture();
        await f.SetAsync("test:one");
        using var video = f.Hub.Lease("a", SourceMedia.Video);
        var run = await f.One.NextAsync();
        run.Session.Announce(SourceMedia.All, SourceMedia.Video | SourceMedia.Audio);
        run.PublishVideo();
        await video.WhenReadyAsync(CancellationToken.None);

        using var audio = f.Hub.Lease("a", SourceMedia.Audio);
        Assert.That(run.Session.Wanted, Is.EqualTo(SourceMedia.Video | SourceMedia.Audio));
        var ready = audio.WhenReadyAsync(CancellationToken.None);
        Assert.That(ready.IsCompleted, Is.False);
        run.Feed.AddTrack(Track.Of(TestMedia.Audio));
        await ready;
    }

    [Test]
    public async Task R3_A_wish_that_comes_before_the_source_has_looked_is_not_lost()
    {
        await using var f = NewFixture();
        await f.SetAsync("test:one");
        using var video = f.Hub.Lease("a", SourceMedia.Video);
        var run = await f.One.NextAsync();
        run.Session.Announce(SourceMedia.All, SourceMedia.Video | SourceMedia.Audio);
        using var audio = f.Hub.Lease("a", SourceMedia.Audio); // the source is setting up the video alone
        run.PublishVideo();
        await video.WhenReadyAsync(CancellationToken.None);
        Assert.That(run.Session.Wanted, Is.EqualTo(SourceMedia.Video | SourceMedia.Audio));
    }

    [Test]
    public async Task What_a_source_has_not_is_not_asked_of_it_and_not_waited_for()
    {
        await using var f = NewFixture();
        await f.SetAsync("test:one");
        using var lease = f.Hub.Lease("a", SourceMedia.All);
        var run = await f.One.NextAsync();
        run.Session.Announce(SourceMedia.All, SourceMedia.Video);
        Assert.That(run.Session.Wanted, Is.EqualTo(SourceMedia.Video));
        run.PublishVideo();
        await lease.WhenReadyAsync(CancellationToken.None);
    }

    [Test]
    public async Task R3_A_session_that_is_renewed_is_no_failure_and_its_viewers_wait()
    {
        await using var f = NewFixture();
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        var run = (await f.One.NextAsync()).PublishVideo();
        run.Write();
        run.Session.Renew();
        run.End();
        var next = (await f.One.NextAsync()).PublishVideo();
        next.Write();
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV FV0 FV0"));
        Assert.That((f.Sources[0].Failures, f.Sources[0].Runs, viewer.Subscription.State), Is.EqualTo((0L, 2L, SubscriptionState.Fed)));
    }

    [Test]
    public async Task S10_Sources_that_renew_their_sessions_without_end_are_held_back()
    {
        await using var f = NewFixture(new SourceOptions { MaxSessionsPerMinute = 5 });
        await f.SetAsync(new StreamDefinition("a") { Sources = ["test:one"], Preload = true });
        for (var i = 0; i < 5; i++)
        {
            var run = await f.One.NextAsync();
            run.Session.Renew();
            run.End();
        }

        await f.BecomesAsync(0, SourceState.BackingOff);
        Assert.That(f.One.Runs, Is.EqualTo(5));
    }

    [Test]
    public async Task T8_A_feed_that_was_there_for_its_loudspeaker_feeds_viewers_when_it_has_media()
    {
        await using var f = NewFixture();
        await f.SetAsync("test:one");
        using var talk = f.Hub.Lease("a", SourceMedia.Talk);
        var feed = (await f.One.NextAsync()).Session.Publish(new PublishRequest("a") { Speaker = new TestSpeaker() });
        var viewer = await f.ViewAsync();
        Assert.That((viewer.Subscription.State, f.Stream.IsPublished), Is.EqualTo((SubscriptionState.Waiting, false)));
        feed.AddTrack(Track.Of(TestMedia.Video)).Write(TestMedia.Payload(0), TimeSpan.Zero, isKeyframe: true);
        Assert.That(f.Stream.IsPublished);
        await Eventually.EqualAsync(() => viewer.Subscription.State, SubscriptionState.Fed, "the viewer's state");
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV FV0"));
    }

    [Test]
    public async Task Who_is_told_why_there_is_nothing_is_told_when_the_next_try_is()
    {
        await using var f = NewFixture();
        await f.SetAsync("test:one");
        using var lease = f.Hub.Lease("a");
        (await f.One.NextAsync()).Fail("the camera refused");
        var failure = await Assert.CatchAsync<StreamException>(() => lease.WhenReadyAsync(CancellationToken.None));
        Assert.That(failure!.Message, Is.EqualTo("the source does not deliver: the camera refused; the next try is in 0.5 s"));
        Assert.That(failure.RetryAfter!.Value.TotalSeconds, Is.EqualTo(0.5).Within(0.01));
    }

    [TestCase(0)]
    [TestCase(3)] // where the clock counts from the machine's start, which was a moment ago
    public async Task S10_What_is_wanted_of_a_source_that_may_not_connect_yet_is_missed_when_it_may(int uptimeSeconds)
    {
        var (second, options) = (TimeSpan.FromSeconds(1), new SourceOptions { MaxSessionsPerMinute = 1 });
        await using var f = NewFixture(
            options, uptimeSeconds == 0 ? null : DateTimeOffset.MinValue + (uptimeSeconds * second));
        await f.SetAsync("test:one");
        using var talk = f.Hub.Lease("a", SourceMedia.Talk);
        var run = await f.One.NextAsync();
        await using var feed = run.Session.Publish(new PublishRequest("a") { Speaker = new TestSpeaker() });
        var connecting = run.Session.WhenMayConnectAsync(CancellationToken.None);
        using var view = f.Hub.Lease("a", SourceMedia.Video);
        await Eventually.EqualAsync(() => f.Time.NextDue, f.Time.GetUtcNow() + (60 * second), "nothing else is waited for");
        f.Time.Advance(60 * second);
        await connecting;
        await Eventually.EqualAsync(() => f.Time.NextDue, f.Time.GetUtcNow() + options.SilenceLimit, "the end of its silence");
        Assert.That(f.Sources[0].Failures, Is.Zero);
        f.Time.Advance(options.SilenceLimit);
        await f.BecomesAsync(0, SourceState.BackingOff);
        Assert.That(f.Sources[0].LastFailure!.Text, Is.EqualTo("it sent no media"));
    }

    private static SourceFixture NewFixture(SourceOptions? options = null, DateTimeOffset? start = null)
    {
        var fixture = new SourceFixture(new StreamHubOptions { Sources = options ?? new() }, start);
        fixture.Protocol["one"] = new TestSource("one") { IsSelective = true };
        return fixture;
    }
}
