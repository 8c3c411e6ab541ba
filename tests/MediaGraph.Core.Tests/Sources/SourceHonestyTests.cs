using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Containers;
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
    private static readonly TimeSpan SilenceLimit = new SourceOptions().SilenceLimit;

    [Test]
    public async Task Pictures_that_it_announces_are_waited_for_beyond_a_second_after_its_sound()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        using var lease = f.Hub.Lease("a", SourceMedia.Video);
        var ready = lease.WhenReadyAsync(CancellationToken.None);
        var run = await f.One.NextAsync();
        run.Publish().Feed.Promise(MediaKind.Video);
        run.Feed.AddTrack(Track.Of(TestMedia.Audio));
        run.Write();
        var start = f.Time.GetUtcNow();
        await f.Time.AdvanceUntilAsync(
            () => f.Time.GetUtcNow() - start > TimeSpan.FromSeconds(4), TimeSpan.FromMilliseconds(100), "4 s have gone by");
        Assert.That(ready.IsCompleted, Is.False, $"{ready.Exception}");
        run.Feed.AddTrack(Track.Of(TestMedia.Video));
        run.Write();
        run.Feed.Settle();
        await ready;
    }

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
        Assert.That(f.Sources[0].NextTryIn!.Value.TotalSeconds, Is.GreaterThan(0.6), "the pause goes on growing");
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
        var waiting = pictures.Subscription.GetSnapshot();
        Assert.That(waiting.Reason!.Text, Is.EqualTo("it lost its picture"));
        Assert.That(waiting.NextTryIn!.Value.TotalSeconds, Is.EqualTo(0.5).Within(0.01));
        var fed = both.Subscription.GetSnapshot();
        Assert.That((fed.State, fed.NextTryIn), Is.EqualTo((SubscriptionState.Fed, (TimeSpan?)null)));
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

    [TestCase("/nothing/there.flv", "the file does not exist")]
    [TestCase("/tmp", "it is a directory, not a file")]
    public async Task Who_waits_for_a_source_that_closes_its_feed_by_itself_is_told_why_it_failed(string path, string reason)
    {
        await using var f = new SourceFixture();
        await f.SetAsync($"file:{path}");
        using var lease = f.Hub.Lease("a");
        await f.BecomesAsync(0, SourceState.BackingOff);
        await using var consumer = new WireConsumer(f.Hub.Pool);
        await using var subscription = f.Hub.Subscribe(new SubscribeRequest("a"), consumer.Writer, WireConsumer.Format);
        subscription.Start();
        Assert.That(subscription.GetSnapshot().Reason!.Text, Is.EqualTo(reason));
    }

    [TestCase(0)]
    [TestCase(1)]
    public async Task S13_What_two_streams_left_behind_of_one_device_keeps_others_out_until_the_last_has_ended(int first)
    {
        await using var f = new SourceFixture(new StreamHubOptions { Sources = new SourceOptions { Linger = TimeSpan.Zero } });
        f.One.IgnoresCancellation = true;
        await f.SetAsync("test:one");
        await f.SetAsync(new StreamDefinition("b") { Sources = ["test:one"] });
        TestRun[] runs;
        using (f.Hub.Lease("a"))
        using (f.Hub.Lease("b"))
            runs = [await f.One.NextAsync(), await f.One.NextAsync()];
        await f.AdvanceUntilAsync(
            () => f.Hub.GetSnapshot().Streams.All(stream => stream.Sources[0].State == SourceState.Idle), "the end of both");
        f.One.IgnoresCancellation = false;
        runs[first].End();
        await Eventually.EqualAsync(() => f.One.Open, 1, "sessions");
        using var lease = f.Hub.Lease("a");
        await f.BecomesAsync(0, SourceState.Stuck);
        Assert.That(f.Hub.SourcesLeftBehind["test:one"].IsCompleted, Is.False);
        Assert.That(f.One.Runs, Is.EqualTo(2));
        runs[1 - first].End();
        await f.One.NextAsync();
    }

    [TestCase(0)]
    [TestCase(1)]
    public void What_was_left_behind_under_one_key_is_forgotten_when_all_of_it_has_ended(int first)
    {
        var left = new LeftBehind<string>();
        TaskCompletionSource[] sessions = [new(), new()]; // who waits for them goes on in place
        foreach (var session in sessions)
            left.Add("one", session.Task);
        sessions[first].SetResult();
        Assert.That(left["one"].IsCompleted, Is.False);
        sessions[1 - first].SetResult();
        Assert.That(left["one"], Is.SameAs(Task.CompletedTask));
    }

    [Test]
    public async Task S10_A_source_that_sets_its_own_pace_is_not_missed_where_it_is_silent()
    {
        await using var f = new SourceFixture();
        f.Protocol["one"] = new TestSource("one") { IsSelfPaced = true };
        await f.SetAsync("test:one#media=video", "test:two#media=audio");
        await f.ViewAsync();
        var one = (await f.One.NextAsync()).Publish(Video);
        one.Write();
        for (var failures = 1; failures <= 2; failures++)
        {
            (await f.Two.NextAsync()).Publish(Audio).Write();
            await f.AdvanceUntilAsync(() => f.Sources[1].Failures == failures, "the end of one that is as silent");
            await f.AdvanceUntilAsync(() => f.Two.Runs == failures + 1, "its next session");
        }

        Assert.That((f.Sources[0].Failures, f.One.Runs, one.Write()), Is.EqualTo((0L, 1, true)));
    }

    [Test]
    public async Task S10_A_file_with_long_silence_is_played_to_its_end()
    {
        var path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{Guid.NewGuid()}.flv");
        await File.WriteAllBytesAsync(
            path, FlvBytes.File((8, 0, "AF001190"), (8, 0, "AF0100"), (8, 20, "AF0101"), (8, 30_000, "AF0102"), (8, 30_020, "AF0103")));
        try
        {
            await using var f = new SourceFixture();
            await f.SetAsync($"file:{path}#loop=false");
            using var lease = f.Hub.Lease("a");
            await f.AdvanceUntilAsync(() => f.Sources[0].Failures > 0 || f.StateOf(0) == SourceState.Finished, "the file's end");
            Assert.That((f.Sources[0].LastFailure, f.Sources[0].Runs), Is.EqualTo(((CloseReason?)null, 1L)));
            Assert.That(f.Stream.Receivers.Single().Packets, Is.EqualTo(4));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public async Task S10_A_track_that_was_announced_and_does_not_come_is_missed_once_by_those_who_want_it()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        await f.ViewAsync(Track.Video());
        var run = (await f.One.NextAsync()).Publish(Video, Audio);
        var since = f.Time.GetTimestamp();
        await f.AdvanceUntilAsync(() => WriteVideo() && f.Time.GetElapsedTime(since) > 2 * SilenceLimit, "silence that nobody minds");
        Assert.That(f.One.Runs, Is.EqualTo(1));

        await f.ViewAsync();
        await f.AdvanceUntilAsync(() => !WriteVideo() || f.Sources[0].Failures == 1, "the end of the session");
        await f.BecomesAsync(0, SourceState.BackingOff);
        Assert.That(f.Sources[0].LastFailure!.Text, Is.EqualTo("its audio did not come"));

        // It is like that: those who have its pictures lose them no more. When there was sound, it is missed again.
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second session");
        run = (await f.One.NextAsync()).Publish(Video, Audio);
        since = f.Time.GetTimestamp();
        await f.AdvanceUntilAsync(() => WriteVideo() && f.Time.GetElapsedTime(since) > 2 * SilenceLimit, "time without sound");
        Assert.That(f.Sources[0].Failures, Is.EqualTo(1));
        run.Write();
        await f.AdvanceUntilAsync(() => !WriteVideo() || f.Sources[0].Failures == 2, "the end of the second session");
        await f.BecomesAsync(0, SourceState.BackingOff);
        Assert.That(f.Sources[0].LastFailure!.Text, Is.EqualTo("its audio fell silent"));

        bool WriteVideo() =>
            run.Feed.Tracks[0].Write(TestMedia.Payload(0), f.Time.GetUtcNow() - DateTimeOffset.UnixEpoch, isKeyframe: true);
    }

    [Test]
    public async Task S10_A_track_that_never_comes_beside_another_of_its_kind_is_not_missed()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        await f.ViewAsync();
        var run = (await f.One.NextAsync()).Publish(Video, Track.Of(TestMedia.Audio, "left"), Track.Of(TestMedia.Audio, "right"));
        var since = f.Time.GetTimestamp();
        await f.AdvanceUntilAsync(
            () => !WriteTwo() || f.Time.GetElapsedTime(since) > 3 * SilenceLimit, "time without one of the sounds");
        Assert.That((f.Sources[0].Failures, f.One.Runs), Is.EqualTo((0L, 1)));

        bool WriteTwo()
        {
            var time = f.Time.GetUtcNow() - DateTimeOffset.UnixEpoch;
            return run.Feed.Tracks[0].Write(TestMedia.Payload(0), time, isKeyframe: true)
                && run.Feed.Tracks[1].Write(TestMedia.Payload(0), time);
        }
    }

    [Test]
    public async Task S10_A_source_that_is_silent_when_it_is_almost_healthy_is_looked_at_now_and_then()
    {
        await using var f = new SourceFixture();
        f.Protocol["one"] = new TestSource("one") { IsSelfPaced = true };
        await f.SetAsync("test:one");
        using var lease = f.Hub.Lease("a");
        var run = (await f.One.NextAsync()).Publish(Video);
        run.Write();
        var (healthyAfter, millisecond) = (new SourceOptions().HealthyAfter, TimeSpan.FromMilliseconds(1));
        f.Time.Advance(healthyAfter - millisecond);
        run.Write();
        f.Time.Advance(healthyAfter + (50 * millisecond)); // whenever it looked first
        await Eventually.Async(() => f.Time.NextDue > f.Time.GetUtcNow() + millisecond, "a look that is not the next millisecond's");
        Assert.That(f.Sources[0].Failures, Is.Zero);
    }

    [Test]
    public async Task What_a_source_throws_when_it_is_told_to_end_is_looked_at()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var lease = f.Hub.Lease("a");
        var run = await f.One.NextAsync();
        var isTold = false;
        await using var told = run.Token.Register(() =>
        {
            isTold = true;
            throw new InvalidOperationException("the source's own affair"); // the assembly's setup finds it if nobody does
        });
        lease.Dispose();
        await f.AdvanceUntilAsync(0, SourceState.Idle);
        Assert.That(isTold);
    }
}
