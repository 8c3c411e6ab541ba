using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

// Rows: S10, S12, S13.

/// <summary>Sources that do half of what they should, and what those who watch are told.</summary>
[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SourceHonestyTests
{
    private static readonly Track Video = Track.Of(TestMedia.Video);
    private static readonly Track Audio = Track.Of(TestMedia.Audio);

    [Test]
    public async Task S10_A_source_that_stalls_after_one_frame_is_not_healthy_and_takes_nothing_back()
    {
        await using var f = new SourceFixture();
        await f.SetAsync(new StreamDefinition("a") { Sources = ["test:one", "test:two"], Mode = SourceMode.Fallback });
        await f.ViewAsync();
        (await f.One.NextAsync()).Fail();
        var two = (await f.Two.NextAsync()).Publish(Video);
        two.Write();
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second try");
        (await f.One.NextAsync()).Publish(Video).Write();
        await f.AdvanceUntilAsync(
            () =>
            {
                two.Write();
                return f.Sources[0].Failures == 2;
            },
            "the watchdog's end of the one that stalls");
        Assert.That((two.Token.IsCancellationRequested, f.Sources[0].LastFailure!.Text), Is.EqualTo((false, "its video fell silent")));
        Assert.That(f.Sources[0].NextTry!.Value.TotalSeconds, Is.GreaterThan(0.6), "the pause goes on growing");
    }

    [Test]
    public async Task A_viewer_of_a_source_that_publishes_and_sends_nothing_is_told()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        var one = await f.One.NextAsync();
        f.Time.Advance(TimeSpan.FromSeconds(1));
        one.Publish();
        await f.AdvanceUntilAsync(() => viewer.Last?.State == SubscriptionState.Ended, "the viewer's end");
        Assert.That(viewer.Last!.Value.Reason, Is.EqualTo("the source does not deliver: it sends nothing"));
    }

    [Test]
    public async Task S12_A_source_that_finishes_beside_another_ends_those_who_were_there_for_it_alone()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one#media=video", "test:two#media=audio");
        var both = await f.ViewAsync();
        var pictures = await f.ViewAsync(Track.Video());
        var one = (await f.One.NextAsync()).Publish(Video);
        (await f.Two.NextAsync()).Publish(Audio).Write();
        one.Write();
        one.Session.Finish();
        one.End();
        await Eventually.Async(() => pictures.Last?.State == SubscriptionState.Ended, "the end of the viewer of pictures");
        Assert.That(pictures.Last!.Value.Reason, Is.EqualTo("the source has nothing more"));
        Assert.That(both.Subscription.State, Is.EqualTo(SubscriptionState.Fed));
    }

    [Test]
    public async Task A_viewer_whose_source_is_away_waits_with_the_reason_while_others_are_fed()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one#media=video", "test:two#media=audio");
        var both = await f.ViewAsync();
        var pictures = await f.ViewAsync(Track.Video());
        var one = (await f.One.NextAsync()).Publish(Video);
        (await f.Two.NextAsync()).Publish(Audio).Write();
        one.Write();
        one.Fail("it lost its picture");
        await f.BecomesAsync(0, SourceState.BackingOff);
        Assert.That(pictures.Last!.Value.State, Is.EqualTo(SubscriptionState.Waiting));
        Assert.That(pictures.Subscription.GetSnapshot().Reason!.Text, Is.EqualTo("it lost its picture"));
        Assert.That(both.Subscription.State, Is.EqualTo(SubscriptionState.Fed));
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second session");
        (await f.One.NextAsync()).Publish(Video);
        await Eventually.Async(() => pictures.Last!.Value.State == SubscriptionState.Fed, "the viewer is fed again");
    }

    [Test]
    public async Task S13_A_session_that_was_left_behind_keeps_out_those_of_the_same_device_also_after_a_change()
    {
        await using var f = new SourceFixture();
        f.One.IgnoresCancellation = true;
        await f.SetAsync("test:one#media=video");
        await f.ViewAsync();
        var run = (await f.One.NextAsync()).Publish(Video);
        var change = f.SetAsync("test:one");
        await f.AdvanceUntilAsync(() => change.IsCompleted, "the change");
        using (f.Hub.Lease("a"))
            await f.BecomesAsync(0, SourceState.Stuck);
        await f.Hub.RemoveStreamAsync("a");
        await f.SetAsync("test:one");
        using var lease = f.Hub.Lease("a");
        await f.BecomesAsync(0, SourceState.Stuck);
        Assert.That((f.One.Runs, f.One.HadTwo), Is.EqualTo((1, false)));

        f.One.IgnoresCancellation = false;
        run.End();
        await f.One.NextAsync();
        Assert.That(f.One.HadTwo, Is.False);
    }

    [Test]
    public async Task The_same_device_twice_is_refused()
    {
        await using var f = new SourceFixture();
        Assert.That(
            async () => await f.SetAsync("test:one#media=video", "test:one#media=audio"),
            Throws.ArgumentException.With.Message.Contains("Source 2: it is there twice."));
    }

    [Test]
    public async Task What_a_source_had_not_is_asked_for_again_by_who_comes_later()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).Publish(Video).Write();
        await viewer.Subscription.DisposeAsync();
        await f.AdvanceUntilAsync(0, SourceState.Idle);
        var sound = await f.ViewAsync(Track.Audio());
        (await f.One.NextAsync()).Publish(Video, Audio).Write();
        Assert.That(await sound.TextAsync(), Does.EndWith("FA0"));
    }

    [Test]
    public async Task Who_waits_for_a_source_that_closes_its_feed_by_itself_is_told_why_it_failed()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("file:/nothing/there.flv");
        using var lease = f.Hub.Lease("a");
        await f.BecomesAsync(0, SourceState.BackingOff);
        await using var consumer = new WireConsumer(f.Hub.Pool);
        await using var subscription = f.Hub.Subscribe(new SubscribeRequest("a"), consumer.Writer, WireConsumer.Format);
        subscription.Start();
        Assert.That(subscription.GetSnapshot().Reason!.Text, Is.EqualTo("the file cannot be read"));
    }
}
