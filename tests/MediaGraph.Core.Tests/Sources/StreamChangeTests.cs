using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

// Rows: S2, S3, S13, S14, S17, S18, S20.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class StreamChangeTests
{
    [Test]
    public async Task S18_A_change_restarts_the_sources_that_changed_and_no_others()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one", "test:two");
        var viewer = await f.ViewAsync();
        var one = (await f.One.NextAsync()).PublishVideo();
        var two = (await f.Two.NextAsync()).Publish(Track.Of(TestMedia.Audio));
        one.Write();
        await f.SetAsync("test:one", "test:three");
        Assert.That((f.One.Open, f.Two.Open, two.Write()), Is.EqualTo((1, 0, false)));
        (await f.Protocol["three"].NextAsync()).Publish(Track.Of(TestMedia.Audio)).Write();
        one.Write();
        Assert.That(await viewer.TextAsync(), Is.EqualTo("CV CA FV0 FA0 FV1"));
        Assert.That(viewer.Last!.Value.State, Is.EqualTo(SubscriptionState.Fed));
    }

    [Test]
    public async Task S18_Removing_a_stream_returns_when_its_source_has_ended_and_its_viewers_are_told()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        var run = (await f.One.NextAsync()).PublishVideo();
        Assert.That(await f.Hub.RemoveStreamAsync("a"), Is.True);
        Assert.That((f.One.Open, f.Hub.Find("a"), run.Write()), Is.EqualTo((0, (MediaStream?)null, false)));
        Assert.That(viewer.Last, Is.EqualTo((SubscriptionState.Ended, "the stream was removed")));
        Assert.That(await f.Hub.RemoveStreamAsync("a"), Is.False);
        await using var feed = f.Hub.Publish("a", Track.Of(TestMedia.Video)); // the name is free
    }

    [Test]
    public async Task S18_A_stream_can_be_removed_while_its_source_connects()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        var run = await f.One.NextAsync();
        await f.Hub.RemoveStreamAsync("a");
        Assert.That((f.One.Open, run.Token.IsCancellationRequested, viewer.Last!.Value.State),
            Is.EqualTo((0, true, SubscriptionState.Ended)));
    }

    [Test]
    public async Task A_disabled_stream_stands_still_and_says_so()
    {
        await using var f = new SourceFixture();
        var definition = new StreamDefinition("a") { Sources = ["test:one"], Preload = true };
        await f.SetAsync(definition);
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).PublishVideo();
        await f.SetAsync(definition with { IsEnabled = false });
        await f.BecomesAsync(0, SourceState.Idle);
        Assert.That(viewer.Last, Is.EqualTo((SubscriptionState.Ended, "the stream was disabled")));
        Assert.That(
            async () => await f.ViewAsync(), Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.Unavailable));
        await f.SetAsync(definition);
        await f.One.NextAsync();
    }

    [Test]
    public async Task S17_A_preloaded_stream_runs_without_viewers_and_comes_back()
    {
        await using var f = new SourceFixture();
        var definition = new StreamDefinition("a") { Sources = ["test:one"], Preload = true };
        await f.SetAsync(definition);
        (await f.One.NextAsync()).PublishVideo().Fail();
        await f.AdvanceUntilAsync(() => f.One.Runs == 2, "the second session");
        await f.SetAsync(definition with { Preload = false });
        await f.AdvanceUntilAsync(0, SourceState.Idle);
    }

    [Test]
    public async Task S13_A_source_that_does_not_end_is_left_behind_and_never_runs_twice()
    {
        await using var f = new SourceFixture(new StreamHubOptions { Sources = new SourceOptions { Linger = TimeSpan.Zero } });
        f.One.IgnoresCancellation = true;
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        var run = await f.One.NextAsync();
        await viewer.Subscription.DisposeAsync();
        await f.AdvanceUntilAsync(0, SourceState.Idle);
        var again = await f.ViewAsync();
        await Eventually.Async(() => again.Last?.State == SubscriptionState.Ended, "the viewer's end");
        Assert.That((again.Last!.Value.Reason, f.One.Runs), Is.EqualTo(("the source does not deliver: it hangs", 1)));

        using var lease = f.Hub.Lease("a");
        await f.BecomesAsync(0, SourceState.Stuck);
        f.One.IgnoresCancellation = false;
        run.End();
        await f.One.NextAsync();
        Assert.That(f.One.HadTwo, Is.False);
    }

    [Test]
    public async Task S20_The_end_of_the_hub_ends_sources_and_viewers()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        await f.Hub.SetStreamAsync(new StreamDefinition("b") { Sources = ["test:two"], Preload = true });
        var viewer = await f.ViewAsync();
        (await f.One.NextAsync()).PublishVideo();
        await f.Two.NextAsync();
        await f.Hub.DisposeAsync();
        Assert.That((f.One.Open, f.Two.Open, viewer.Last!.Value.State), Is.EqualTo((0, 0, SubscriptionState.Ended)));
        Assert.That(async () => await f.SetAsync("test:one"), Throws.InstanceOf<StreamException>());
    }

    [Test]
    public async Task All_that_is_wrong_with_a_definition_is_told_and_nothing_has_changed()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        Assert.That(
            async () => await f.SetAsync(new StreamDefinition("a")
            {
                Sources = ["nothing:here", "test:bad", "stream:a", "no scheme", "test:one#media=smell", "test:broken"],
                Linger = TimeSpan.FromDays(2),
            }),
            Throws.ArgumentException.With.Message.Contains("no protocol has the scheme nothing").And.Message.Contains("It is bad.")
                .And.Message.Contains("taken from itself: a from a").And.Message.Contains("must begin with a scheme")
                .And.Message.Contains("Behind #media=").And.Message.Contains("Linger is")
                .And.Message.Contains("Source 6: the protocol failed on it.").And.Message.Not.Contains("secret"));
        Assert.That(f.Sources.Select(source => source.Name), Is.EqualTo(new[] { "test:one" }));
    }

    [Test]
    public async Task A_stream_can_be_taken_from_another_and_never_from_itself_however_long_the_way()
    {
        await using var f = new SourceFixture();
        await f.SetAsync("test:one");
        await f.Hub.SetStreamAsync(new StreamDefinition("b") { Sources = ["stream:a"] });
        await f.Hub.SetStreamAsync(new StreamDefinition("c") { Sources = ["stream:b"] });
        Assert.That(async () => await f.SetAsync("test:one", "stream:c"), Throws.ArgumentException.With.Message.Contains("a from c from b from a"));

        var consumer = new WireConsumer(f.Hub.Pool);
        await using (consumer)
        {
            await using var subscription = await f.Hub.SubscribeAsync(
                new SubscribeRequest("c"), consumer.Writer, WireConsumer.Format, CancellationToken.None);
            subscription.Start();
            var run = (await f.One.NextAsync()).PublishVideo();
            run.Write(number: 1);
            await Eventually.Async(() => f.Hub.Find("c")!.IsPublished, "the third stream");
            await Eventually.Async(
                () =>
                {
                    run.Write(number: 2);
                    return consumer.Text().Contains("FV2", StringComparison.Ordinal);
                },
                "pictures of the third stream");
        }
    }

    [Test]
    public async Task A_published_name_gets_no_sources_and_a_name_with_sources_no_publisher()
    {
        await using var f = new SourceFixture();
        await using (f.Hub.Publish("a", Track.Of(TestMedia.Video)))
        {
            Assert.That(
                async () => await f.SetAsync("test:one"),
                Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.AlreadyPublished));
        }

        await f.SetAsync("test:one");
        Assert.That(
            () => f.Hub.Publish("a", Track.Of(TestMedia.Video)),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.AlreadyPublished));
    }

    [Test]
    public async Task S14_Viewers_of_a_publisher_that_left_get_what_sources_bring()
    {
        await using var f = new SourceFixture();
        var feed = f.Hub.Publish("a", Track.Of(TestMedia.Video));
        var viewer = await f.ViewAsync();
        await feed.DisposeAsync();
        await f.SetAsync(new StreamDefinition("a") { Sources = ["test:one"], Preload = true });
        (await f.One.NextAsync()).PublishVideo().Write(number: 3);
        Assert.That(await viewer.TextAsync(), Does.EndWith("FV3"));
    }

    [Test]
    public async Task A_file_that_is_played_once_ends_its_viewers_and_is_played_again_for_who_comes_then()
    {
        await using var f = new SourceFixture();
        f.Protocol["one"] = new TestSource("one");
        await f.SetAsync("test:one");
        var viewer = await f.ViewAsync();
        var run = (await f.One.NextAsync()).PublishVideo();
        run.Write();
        run.Session.Finish();
        run.End();
        await Eventually.Async(() => viewer.Last?.State == SubscriptionState.Ended, "the viewer's end");
        Assert.That(viewer.Last!.Value.Reason, Is.EqualTo("the source has nothing more"));
        await f.AdvanceUntilAsync(0, SourceState.Idle);
        await f.ViewAsync();
        await f.One.NextAsync();
        Assert.That(f.Sources[0].Failures, Is.Zero);
    }
}
