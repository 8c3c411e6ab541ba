using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Talk;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

// Rows: S4, S5, S6, S10, S13.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SourceLifeTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Test]
    public async Task A_source_runs_from_the_first_viewer_until_some_time_after_the_last()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        await f.BecomesAsync(0, SourceState.Idle);
        Assert.That((f.One.Runs, f.Stream.IsPublished), Is.EqualTo((0, false)));

        var first = await f.ViewAsync();
        Assert.That(first.Subscription.State, Is.EqualTo(SubscriptionState.Waiting));
        var run = (await f.One.NextAsync()).PublishVideo();
        await f.BecomesAsync(0, SourceState.Live);
        run.Write();
        var second = await f.ViewAsync();
        run.Write();
        Assert.That((await first.TextAsync(), await second.TextAsync()), Is.EqualTo(("CV FV0 FV1", "PV0 FV1")));

        await first.Subscription.DisposeAsync();
        await second.Subscription.DisposeAsync();
        f.Time.Advance(4 * Second);
        Assert.That(f.StateOf(0), Is.EqualTo(SourceState.Live));
        await f.AdvanceUntilAsync(0, SourceState.Idle);
        Assert.That((f.One.Open, f.One.Runs, run.Write()), Is.EqualTo((0, 1, false)));
    }

    [Test]
    public async Task S6_A_source_ends_when_the_linger_is_over_and_not_when_it_is_looked_at_next()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).PublishVideo();
        await f.BecomesAsync(0, SourceState.Live);
        await viewer.Subscription.DisposeAsync();
        await Eventually.EqualAsync(() => f.Time.NextDue, f.Time.GetUtcNow() + (5 * Second), "not the 10 s after which it is silent");
        f.Time.Advance(5 * Second);
        await f.BecomesAsync(0, SourceState.Idle);
    }

    [Test]
    public async Task S10_A_source_that_fails_is_tried_again_after_growing_pauses()
    {
        await using var f = new SourceFixture();
        await f.SetAsync(new StreamDefinition("a") { Sources = ["test:one"], Preload = true });
        double[] pauses = [0.5, 1, 2, 4, 8, 16, 30, 30];
        foreach (var pause in pauses)
        {
            (await f.One.NextAsync()).Fail();
            await f.BecomesAsync(0, SourceState.BackingOff);
            Assert.That(f.Sources[0].NextTryIn!.Value.TotalSeconds, Is.EqualTo(pause).Within(0.01));
            f.Time.Advance(f.Sources[0].NextTryIn!.Value - TimeSpan.FromMilliseconds(1));
            Assert.That(f.StateOf(0), Is.EqualTo(SourceState.BackingOff));
            await f.AdvanceUntilAsync(() => f.StateOf(0) != SourceState.BackingOff, "the next try");
        }

        Assert.That(f.Sources[0].LastFailure!.Text, Is.EqualTo("it broke"));
    }

    [Test]
    public async Task S4_A_viewer_that_leaves_while_the_source_connects_leaves_no_session()
    {
        await using var f = new SourceFixture(new StreamHubOptions { Sources = new SourceOptions { Linger = TimeSpan.Zero } });
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        var run = await f.One.NextAsync();
        await viewer.Subscription.DisposeAsync();
        await f.BecomesAsync(0, SourceState.Idle);
        Assert.That((f.One.Open, run.Token.IsCancellationRequested, f.Stream.GetSnapshot().Leases), Is.EqualTo((0, true, 0)));
        Assert.That(() => run.PublishVideo(), Throws.InstanceOf<StreamException>());
    }

    [Test]
    public async Task A_viewer_is_told_why_there_is_nothing_after_one_try()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).Fail("the camera refused");
        await Eventually.Async(() => viewer.Last?.State == SubscriptionState.Ended, "the viewer's end");
        Assert.That(viewer.Last!.Value.Reason, Does.Contain("the camera refused"));
    }

    [Test]
    public async Task Who_reads_by_code_stays_while_there_is_nothing()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        await using var reader = f.Hub.Subscribe("a").GetAsyncEnumerator();
        var reading = reader.MoveNextAsync().AsTask();
        (await f.One.NextAsync()).Fail("it is off");
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the next try");
        (await f.One.NextAsync()).PublishVideo().Write();
        Assert.That(await reading.WaitAsync(Eventually.DefaultLimit));
        reader.Current.Dispose();
    }

    [Test]
    public async Task A_source_that_falls_silent_is_restarted_and_its_viewers_stay()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        var run = (await f.One.NextAsync()).PublishVideo();
        run.Write();
        await f.AdvanceUntilAsync(0, SourceState.BackingOff);
        Assert.That(viewer.Last, Is.EqualTo((SubscriptionState.Waiting, "its video fell silent")));
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second session");
        var next = (await f.One.NextAsync()).PublishVideo();
        next.Write();
        next.Write();
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV FV0 FV0 FV1"));
    }

    [Test]
    public async Task A_viewer_of_a_device_that_was_only_talked_through_is_fed_when_pictures_come()
    {
        await using var f = new SourceFixture();
        f.Protocol["one"] = new TestSource("one") { IsSelective = true };
        await f.SetAsync("test:one");
        using var talk = f.Hub.Lease("a", SourceMedia.Talk);
        var run = await f.One.NextAsync();
        await using var feed = run.Session.Publish(new PublishRequest("a") { Speaker = new TestSpeaker() });
        var viewer = await f.ViewAsync();
        Assert.That(viewer.Subscription.State, Is.EqualTo(SubscriptionState.Waiting));
        feed.AddTrack(Track.Of(TestMedia.Video));
        Assert.That(viewer.Subscription.State, Is.EqualTo(SubscriptionState.Fed));
    }

    [Test]
    public async Task A_device_that_was_only_talked_through_is_missed_when_pictures_are_asked_for_and_do_not_come()
    {
        await using var f = new SourceFixture();
        f.Protocol["one"] = new TestSource("one") { IsSelective = true };
        await f.SetAsync("test:one");
        using var talk = f.Hub.Lease("a", SourceMedia.Talk);
        var run = await f.One.NextAsync();
        await using var feed = run.Session.Publish(new PublishRequest("a") { Speaker = new TestSpeaker() });
        f.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.That(f.Sources[0].Failures, Is.Zero, "who only talks waits for no media");
        using var view = f.Hub.Lease("a", SourceMedia.Video);
        await f.AdvanceUntilAsync(() => f.Sources[0].Failures == 1, "the failure");
        Assert.That(f.Sources[0].LastFailure!.Text, Is.EqualTo("it sent no media"));
    }
}
