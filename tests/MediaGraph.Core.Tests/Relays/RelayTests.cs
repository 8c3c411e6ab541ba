using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Relays;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Sources;
using MediaGraph.Tests.Talk;
using NUnit.Framework;

namespace MediaGraph.Tests.Relays;

// Rows: S16, S17, S18, S20, M7, M8.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class RelayTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Test]
    public async Task S16_A_destination_that_fails_is_tried_again_after_growing_pauses()
    {
        await using var f = new RelayFixture();
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one?key=secret");
        double[] pauses = [0.5, 1, 2, 4, 8, 16, 30, 30];
        foreach (var pause in pauses)
        {
            (await f.One.NextAsync()).End();
            await RelayFixture.BecomesAsync(relay, RelayState.BackingOff);
            await Eventually.Async(() => relay.GetSnapshot().NextTryIn is not null && f.Time.ActiveTimers == 1, "the next try");
            var snapshot = relay.GetSnapshot();
            Assert.That(snapshot.NextTryIn!.Value.TotalSeconds, Is.EqualTo(pause).Within(0.01));
            Assert.That(snapshot.Reason, Is.EqualTo(new CloseReason(CloseCode.ConnectionLost, "it broke")));
            f.Time.Advance(snapshot.NextTryIn.Value - TimeSpan.FromMilliseconds(1));
            Assert.That(relay.State, Is.EqualTo(RelayState.BackingOff));
            await f.AdvanceUntilAsync(() => relay.State != RelayState.BackingOff, "the next try", 0.01);
        }

        Assert.That((relay.GetSnapshot().Failures, f.Log.Of(1402).Count), Is.EqualTo((8L, 8)));
        Assert.That(f.Log.Entries.Select(entry => entry.ToString()), Has.None.Contains("secret"));
        Assert.That(f.Hub.GetSnapshot().ToString(), Does.Not.Contain("secret"));
    }

    [Test]
    public async Task S16_Only_ten_seconds_of_media_make_the_pause_short_again()
    {
        await using var f = new RelayFixture();
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        (await f.One.NextAsync()).End();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 2, "the second session");
        (await f.One.NextAsync()).End();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 3, "the third session");

        // Agrees, and gets nothing: that is not health.
        var (push, _) = await f.AgreeAsync(f.One);
        await f.AdvanceUntilAsync(() => relay.GetSnapshot().StateAge > 20 * Second, "twenty silent seconds", 1);
        push.End();
        await RelayFixture.BecomesAsync(relay, RelayState.BackingOff);
        await Eventually.EqualAsync(() => relay.GetSnapshot().NextTryIn, 2 * Second, "the pause");

        await f.AdvanceUntilAsync(() => f.One.Sessions == 4, "the fourth session");
        (push, _) = await f.AgreeAsync(f.One);
        var (number, still) = (0, 0);
        await f.AdvanceUntilAsync(
            () =>
            {
                RelayFixture.Write(feed, number++);
                still = f.Time.ActiveTimers == 0 ? still + 1 : 0; // between two looks of its there is none for a moment
                return still == 20;
            },
            "ten seconds with media, after which it is looked at no more", 0.5);
        Assert.That(relay.GetSnapshot().StateAge, Is.GreaterThan(10 * Second));
        push.End();
        await RelayFixture.BecomesAsync(relay, RelayState.BackingOff);
        await Eventually.EqualAsync(() => relay.GetSnapshot().NextTryIn, Second / 2, "the pause after health");
    }

    [Test]
    public async Task S16_Whatever_happens_there_are_not_more_tries_in_a_minute_than_allowed()
    {
        var options = new StreamHubOptions
        {
            Relays = new RelayOptions { MinBackoff = Second / 10, MaxBackoff = Second / 10, MaxSessionsPerMinute = 5 },
        };
        await using var f = new RelayFixture(options);
        f.Targets["one"] = new TestTarget("one") { Instead = () => new CloseReason(CloseCode.Refused, "no") };
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        await f.AdvanceUntilAsync(() => f.One.Sessions == 5, "five tries");
        await RelayFixture.BecomesAsync(relay, RelayState.BackingOff);
        await Eventually.Async(() => relay.GetSnapshot().NextTryIn > 30 * Second, "the rest of the minute");
        f.Time.Advance(30 * Second);
        Assert.That(f.One.Sessions, Is.EqualTo(5));
        await f.AdvanceUntilAsync(() => f.One.Sessions == 6, "the next minute");
    }

    [Test]
    public async Task S17_A_relay_of_an_unknown_stream_waits_visibly_and_takes_up_whenever_a_publisher_comes()
    {
        await using var f = new RelayFixture();
        var relay = f.Hub.AddRelay("a", "push:one");
        await Eventually.EqualAsync(() => relay.GetSnapshot().Reason?.Text, "nobody publishes this stream", "why it waits");
        Assert.That((relay.State, f.Hub.GetSnapshot().Relays.Single().Stream, f.One.Sessions), Is.EqualTo((RelayState.Waiting, "a", 0)));
        for (var round = 1; round <= 3; round++)
        {
            var feed = f.PublishVideo();
            RelayFixture.Write(feed, 0);
            RelayFixture.Write(feed, 1, isKeyframe: false);
            var (push, consumer) = await f.AgreeAsync(f.One);
            Assert.That(await RelayFixture.TextAsync(consumer), Is.EqualTo("PV0 FV1"), "a late joiner");
            Assert.That(relay.State, Is.EqualTo(RelayState.Live));
            await feed.DisposeAsync();
            await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
            Assert.That(f.One.Open, Is.EqualTo(1), "kept while the publisher may come back");
            await f.AdvanceUntilAsync(() => f.One.Open == 0, "the session's end");
            await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
            await Eventually.EqualAsync(() => relay.GetSnapshot().Sessions, round, "sessions");
        }

        await Eventually.EqualAsync(() => relay.GetSnapshot().Packets.Delivered, 6, "packets of all sessions");
        Assert.That((relay.GetSnapshot().Failures, f.Log.Of(1402)), Is.EqualTo((0L, Array.Empty<LogEntry>())));
    }

    [Test]
    public async Task S17_A_publisher_that_comes_back_in_time_finds_the_destination_still_there()
    {
        await using var f = new RelayFixture();
        var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        var (_, consumer) = await f.AgreeAsync(f.One);
        RelayFixture.Write(feed, 0);
        await feed.DisposeAsync();
        await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
        f.Time.Advance(5 * Second);
        feed = f.PublishVideo();
        RelayFixture.Write(feed, 0);
        await RelayFixture.BecomesAsync(relay, RelayState.Live);
        Assert.That(await RelayFixture.TextAsync(consumer), Is.EqualTo("CV FV0 FV0"));
        Assert.That(f.One.Sessions, Is.EqualTo(1));
        await feed.DisposeAsync();
    }

    [Test]
    public async Task S17_A_relay_keeps_the_streams_source_running_until_it_is_stopped()
    {
        await using var f = new RelayFixture();
        await f.Hub.SetStreamAsync(new StreamDefinition("a") { Sources = ["test:one"], Linger = TimeSpan.Zero });
        var relay = f.Hub.AddRelay("a", "push:one");
        var run = (await f.Sources["one"].NextAsync()).PublishVideo();
        Assert.That(f.One.Sessions, Is.Zero, "dialled before the stream was there");
        run.Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 1, "the session");
        var (_, consumer) = await f.AgreeAsync(f.One);
        Assert.That(await RelayFixture.TextAsync(consumer), Is.EqualTo("PV0"));

        // The source fails: the destination waits, and is fed again.
        run.Fail();
        await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
        Assert.That(relay.GetSnapshot().Reason!.Text, Is.EqualTo("it broke"));
        await f.AdvanceUntilAsync(() => f.Sources["one"].Runs == 2, "the source's next session");
        (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        await RelayFixture.BecomesAsync(relay, RelayState.Live);
        Assert.That((f.One.Sessions, f.Hub.Find("a")!.GetSnapshot().Relays.Single().Name), Is.EqualTo((1, "push:one")));

        await relay.DisposeAsync();
        Assert.That((relay.State, f.One.Open, f.Hub.GetSnapshot().Relays.Length), Is.EqualTo((RelayState.Stopped, 0, 0)));
        await Eventually.Async(() => f.Sources["one"].Open == 0, "the source's end");
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Leases, Is.Zero);
    }

    [Test]
    public async Task S17_A_relay_of_a_published_stream_keeps_the_sources_running_that_the_stream_gets_later()
    {
        await using var f = new RelayFixture();
        var feed = f.PublishVideo();
        RelayFixture.Write(feed, 1);
        var relay = f.Hub.AddRelay("a", "push:one");
        var (push, _) = await f.AgreeAsync(f.One);
        await feed.DisposeAsync();
        await f.Hub.SetStreamAsync(new StreamDefinition("a") { Sources = ["test:one"] });
        var run = (await f.Sources["one"].NextAsync()).PublishVideo();
        run.Write();
        await RelayFixture.BecomesAsync(relay, RelayState.Live);

        push.End();
        await RelayFixture.BecomesAsync(relay, RelayState.BackingOff);
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Leases, Is.EqualTo(1), "the relay's own");
        await f.AdvanceUntilAsync(() => f.One.Sessions == 2, "the next session");
        var (_, consumer) = await f.AgreeAsync(f.One);
        Assert.That(await RelayFixture.TextAsync(consumer), Is.EqualTo("PV0"));
    }

    [Test]
    public async Task S18_A_stream_that_is_published_is_pushed_to_the_destinations_of_its_definition()
    {
        await using var f = new RelayFixture();
        var pushed = new StreamDefinition("a") { PushTo = ["push:one"] };
        await f.Hub.SetStreamAsync(pushed);
        Assert.That(f.Hub.Find("a"), Is.Null, "the name is free for a publisher");
        Assert.That(f.Hub.GetSnapshot().Relays.Single().Stream, Is.EqualTo("a"));
        var feed = f.PublishVideo();
        RelayFixture.Write(feed, 0);
        var (first, consumer) = await f.AgreeAsync(f.One);
        Assert.That(await RelayFixture.TextAsync(consumer), Is.EqualTo("PV0"));

        await f.Hub.SetStreamAsync(pushed with { PushTo = ["push:one", "push:two"] });
        Assert.That(first.Token.IsCancellationRequested, Is.False);
        await f.AgreeAsync(f.Targets["two"]);
        Assert.That(await f.Hub.RemoveStreamAsync("a"), Is.True);
        Assert.That((f.One.Open, f.Targets["two"].Open, f.Hub.GetSnapshot().Relays.Length), Is.EqualTo((0, 0, 0)));
        Assert.That(f.Hub.Find("a")!.IsPublished, "it is the publisher's");
        Assert.That(await f.Hub.RemoveStreamAsync("a"), Is.False);
        await feed.DisposeAsync();
    }

    [Test]
    public async Task S18_A_definition_gains_and_loses_its_sources_and_its_destinations_stay()
    {
        await using var f = new RelayFixture();
        var pushed = new StreamDefinition("a") { PushTo = ["push:one"] };
        await f.Hub.SetStreamAsync(pushed);
        await f.Hub.SetStreamAsync(pushed with { Sources = ["test:one"] });
        (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 1, "the session");
        await f.AgreeAsync(f.One);

        await f.Hub.SetStreamAsync(pushed);
        Assert.That((f.Hub.Find("a"), f.Sources["one"].Open), Is.EqualTo(((MediaStream?)null, 0)));
        var relay = f.Hub.GetSnapshot().Relays.Single();
        Assert.That(relay.Failures, Is.Zero);
        var feed = f.PublishVideo();
        RelayFixture.Write(feed, 0);
        await f.AdvanceUntilAsync(() => f.One.Sessions == 2, "the next session");
        await f.AgreeAsync(f.One);

        await f.Hub.SetStreamAsync(pushed with { IsEnabled = false });
        Assert.That((f.One.Open, f.Hub.GetSnapshot().Relays.Length), Is.EqualTo((0, 0)));
        await feed.DisposeAsync();
    }

    [Test]
    public async Task M7_Nothing_is_queued_before_the_destination_has_agreed()
    {
        await using var f = new RelayFixture();
        await using var feed = f.PublishVideo();
        f.Hub.AddRelay("a", "push:one");
        var push = await f.One.NextAsync();
        for (var i = 0; i < 100; i++)
            RelayFixture.Write(feed, i, isKeyframe: i % 50 == 0);
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Consumers, Is.Empty);
        var consumer = f.NewConsumer();
        push.Agree(consumer);
        RelayFixture.Write(feed, 100, isKeyframe: false);
        var text = await RelayFixture.TextAsync(consumer);
        Assert.That(text, Does.StartWith("PV50 FV51 FV52").And.EndsWith(" FV99 FV100"));
    }

    [Test]
    public async Task M8_A_destination_that_says_nothing_has_failed_with_a_reason()
    {
        await using var f = new RelayFixture();
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        var push = await f.One.NextAsync();
        await f.AdvanceUntilAsync(relay, RelayState.BackingOff);
        Assert.That((push.Token.IsCancellationRequested, f.One.Open), Is.EqualTo((true, 0)));
        Assert.That(relay.GetSnapshot().Reason!.Text, Is.EqualTo("the destination did not agree in time"));
        Assert.That(() => push.Agree(f.NewConsumer()), Throws.InstanceOf<StreamException>());
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Consumers, Is.Empty);
        Assert.That(EventsOf<RelayFailed>(f).Single().Reason.Code, Is.EqualTo(CloseCode.Deadline));
    }

    [Test]
    public async Task M8_What_the_destination_cannot_carry_is_told_and_tried_again()
    {
        await using var f = new RelayFixture();
        await using var feed = f.Hub.Publish("a", Track.Of(new Codec(MediaKind.Video, "UNSUITABLE", 1000)));
        var relay = f.Hub.AddRelay("a", "push:one");
        var push = await f.One.NextAsync();
        try
        {
            push.Agree(f.NewConsumer());
            Assert.Fail("It was taken.");
        }
        catch (StreamException e)
        {
            push.Ended.SetException(e);
        }

        await RelayFixture.BecomesAsync(relay, RelayState.BackingOff);
        Assert.That(relay.GetSnapshot().Reason!.Text, Is.EqualTo("codecs not matched: UNSUITABLE ⇒ anything"));
        await f.AdvanceUntilAsync(() => f.One.Sessions == 2, "the next try");
    }

    [Test]
    public async Task A_destination_that_moves_is_subscribed_again_and_its_packets_count_on()
    {
        await using var f = new RelayFixture();
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        var push = await f.One.NextAsync();
        var (before, after) = (f.NewConsumer(), f.NewConsumer());
        push.Agree(before);
        RelayFixture.Write(feed, 0);
        Assert.That(await RelayFixture.TextAsync(before), Is.EqualTo("CV FV0"));
        push.Agree(after);
        Assert.That(await RelayFixture.TextAsync(after), Is.EqualTo("PV0"));
        RelayFixture.Write(feed, 1);
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Consumers, Has.Length.EqualTo(1));
        await Eventually.EqualAsync(() => relay.GetSnapshot().Packets.Delivered, 3, "0 twice, 1 once");
        Assert.That(relay.State, Is.EqualTo(RelayState.Live));
    }

    [Test]
    public async Task Failing_and_hanging_destinations_change_nothing_for_a_viewer_and_a_healthy_one()
    {
        await using var f = new RelayFixture();
        f.Targets["failing"] = new TestTarget("failing") { Instead = () => throw new InvalidOperationException("a secret") };
        f.Targets["hanging"] = new TestTarget("hanging") { IgnoresCancellation = true };
        await using var feed = f.PublishVideo();
        var viewer = f.NewConsumer();
        f.Hub.Subscribe(new SubscribeRequest("a"), viewer.Writer, WireConsumer.Format).Start();
        var failing = f.Hub.AddRelay("a", "push:failing");
        var hanging = f.Hub.AddRelay("a", "push:hanging");
        f.Hub.AddRelay("a", "push:one");
        var (_, healthy) = await f.AgreeAsync(f.One);
        var hung = await f.Targets["hanging"].NextAsync();
        var number = 0;
        await f.AdvanceUntilAsync(
            () =>
            {
                RelayFixture.Write(feed, number++, isKeyframe: number % 10 == 1);
                return hanging.State == RelayState.Stuck && f.Targets["failing"].Sessions > 3;
            },
            "a destination that is left behind");
        var expected = "CV " + string.Join(' ', Enumerable.Range(0, number).Select(i => $"FV{i}"));
        Assert.That(await RelayFixture.TextAsync(viewer), Is.EqualTo(expected));
        Assert.That(await RelayFixture.TextAsync(healthy), Is.EqualTo(expected));
        Assert.That(failing.GetSnapshot().Reason!.Text, Is.EqualTo("the destination failed"));
        Assert.That(f.Log.Of(1403), Has.Count.EqualTo(1));

        hung.End();
        await f.AdvanceUntilAsync(() => f.Targets["hanging"].Sessions == 2, "the next session");
        Assert.That(f.Targets["hanging"].HadTwo, Is.False);
        (await f.Targets["hanging"].NextAsync()).End();
    }

    [Test]
    public async Task S16_A_thousand_failures_leave_nothing_behind()
    {
        var options = new StreamHubOptions
        {
            Relays = new RelayOptions { MinBackoff = Second / 10, MaxBackoff = Second / 10, MaxSessionsPerMinute = 6000 },
        };
        await using var f = new RelayFixture(options);
        f.Targets["one"] = new TestTarget("one") { Instead = () => new CloseReason(CloseCode.Refused, "no") };
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        var start = TimeProvider.System.GetTimestamp();
        while (f.One.Sessions < 1000)
        {
            Assert.That(TimeProvider.System.GetElapsedTime(start), Is.LessThan(TimeSpan.FromMinutes(5)), "a thousand failures");
            f.Time.Advance(Second / 10);
            await Task.Yield();
        }

        await relay.DisposeAsync();
        Assert.That((f.One.Open, f.One.HadTwo), Is.EqualTo((0, false)));
        await Eventually.EqualAsync(() => f.Time.ActiveTimers, 0, "timers");
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Consumers, Is.Empty);
    }

    [Test]
    public async Task S18_Changing_a_stream_ends_the_destinations_that_are_gone_and_lets_the_others_go_on()
    {
        await using var f = new RelayFixture();
        await SetAsync("push:one", "push:two");
        (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions + f.Targets["two"].Sessions == 2, "both sessions");
        await f.AgreeAsync(f.One);
        await f.AgreeAsync(f.Targets["two"]);

        await SetAsync("push:two", "push:three");
        Assert.That((f.One.Open, f.Targets["two"].Open, f.Targets["two"].Sessions), Is.EqualTo((0, 1, 1)));
        await f.AgreeAsync(f.Targets["three"]);
        Assert.That(
            f.Hub.Find("a")!.GetSnapshot().Relays.Select(relay => (relay.Name, relay.State)),
            Is.EqualTo([("push:three", RelayState.Live), ("push:two", RelayState.Live)]));

        // All that is wrong is told, and nothing changes.
        Assert.That(
            async () => await SetAsync("push:two", "push:two", "push:bad", "nothing:one", "push:one#media=video"),
            Throws.ArgumentException.With.Message.Contain("Destination 2: it is there twice.").And.Message.Contain("Destination 3: It is bad.")
                .And.Message.Contain("Destination 4: No protocol pushes to addresses with the scheme nothing.")
                .And.Message.Contain("Destination 5:"));
        Assert.That(f.Hub.GetSnapshot().Relays, Has.Length.EqualTo(2));

        Assert.That(await f.Hub.RemoveStreamAsync("a"), Is.True);
        Assert.That((f.Targets["two"].Open, f.Targets["three"].Open, f.Sources["one"].Open), Is.EqualTo((0, 0, 0)));
        Assert.That(f.Hub.GetSnapshot().Relays, Is.Empty);

        Task SetAsync(params string[] destinations) =>
            f.Hub.SetStreamAsync(new StreamDefinition("a") { Sources = ["test:one"], PushTo = [.. destinations] });
    }

    [Test]
    public async Task S18_Removing_a_stream_ends_also_what_was_added_at_run_time_and_disabling_lets_it_wait()
    {
        await using var f = new RelayFixture();
        var definition = new StreamDefinition("a") { Sources = ["test:one"] };
        await f.Hub.SetStreamAsync(definition);
        var relay = f.Hub.AddRelay("a", "push:one");
        (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 1, "the session");
        await f.AgreeAsync(f.One);

        await f.Hub.SetStreamAsync(definition with { IsEnabled = false });
        await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
        await Eventually.Async(() => f.One.Open == 0, "the session's end");
        await f.Hub.SetStreamAsync(definition);
        (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 2, "the session of the stream that is enabled again");
        Assert.That(relay.GetSnapshot().Failures, Is.Zero);

        await f.Hub.RemoveStreamAsync("a");
        Assert.That((relay.State, relay.GetSnapshot().Reason!.Text), Is.EqualTo((RelayState.Stopped, "the stream was removed")));
        await relay.DisposeAsync();
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task S18_Who_connects_for_a_stream_that_nobody_feeds_any_more_stops_at_once(bool hasSources)
    {
        await using var f = new RelayFixture();
        var definition = new StreamDefinition("a") { Sources = ["test:one"] };
        Feed? feed = null;
        if (hasSources)
            await f.Hub.SetStreamAsync(definition);
        else
            feed = f.PublishVideo();
        await using var relay = f.Hub.AddRelay("a", "push:one");
        if (hasSources)
            (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 1, "the session");
        await f.One.NextAsync();
        Assert.That(relay.State, Is.EqualTo(RelayState.Connecting));

        // Time stands still: it is no limit that ends it.
        if (hasSources)
            await f.Hub.SetStreamAsync(definition with { IsEnabled = false });
        else
            await feed!.DisposeAsync();
        await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
        Assert.That((f.One.Open, relay.GetSnapshot().Failures), Is.EqualTo((0, 0L)));

        await using var again = hasSources ? null : f.PublishVideo();
        if (hasSources)
        {
            await f.Hub.SetStreamAsync(definition);
            (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        }

        await f.AdvanceUntilAsync(() => f.One.Open == 1, "the next session");
        await f.AgreeAsync(f.One);
        await RelayFixture.BecomesAsync(relay, RelayState.Live);
    }

    [Test]
    public async Task S18_A_stream_that_went_while_the_destination_made_up_its_mind_is_no_failure_of_the_destination()
    {
        await using var f = new RelayFixture();
        var definition = new StreamDefinition("a") { Sources = ["test:one"] };
        await f.Hub.SetStreamAsync(definition);
        var consumer = f.NewConsumer();
        var changing = Task.CompletedTask;
        f.Targets["one"] = new TestTarget("one")
        {
            Run = (session, _) =>
            {
                changing = f.Hub.SetStreamAsync(definition with { IsEnabled = false }, CancellationToken.None);
                session.Subscribe(new SubscribeRequest("a"), consumer.Writer, WireConsumer.Format);
                return Task.FromResult(CloseReason.Requested);
            },
        };
        await using var relay = f.Hub.AddRelay("a", "push:one");
        (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions > 0, "the session");
        await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
        await changing;
        Assert.That((f.One.Open, relay.GetSnapshot().Failures), Is.EqualTo((0, 0L)));
    }

    [Test]
    public async Task S20_The_hubs_end_ends_relays_in_time_whatever_they_do()
    {
        await using var f = new RelayFixture();
        f.Targets["hanging"] = new TestTarget("hanging") { IgnoresCancellation = true };
        await using var feed = f.PublishVideo();
        f.Hub.AddRelay("a", "push:one");
        f.Hub.AddRelay("b", "push:two");
        var hanging = f.Hub.AddRelay("a", "push:hanging");
        var push = await f.Targets["hanging"].NextAsync();
        await f.AgreeAsync(f.One);
        var disposing = f.Hub.DisposeAsync().AsTask();
        Assert.That(disposing.IsCompleted, Is.False);
        await f.AdvanceUntilAsync(() => disposing.IsCompleted, "the hub's end");
        Assert.That((f.One.Open, hanging.State, hanging.GetSnapshot().Reason), Is.EqualTo((0, RelayState.Stopped, CloseReason.Stopping)));
        Assert.That(() => f.Hub.AddRelay("a", "push:three"), Throws.InstanceOf<StreamException>());
        push.End();
        await Eventually.Async(() => f.Targets["hanging"].Open == 0, "the end of what was left behind");
    }

    [Test]
    public async Task The_same_stream_is_not_pushed_twice_to_the_same_place_and_a_wrong_address_is_refused()
    {
        await using var f = new RelayFixture();
        var relay = f.Hub.AddRelay("a", "push:one");
        Assert.That(() => f.Hub.AddRelay("a", "push:one"), Throws.InvalidOperationException);
        Assert.That(() => f.Hub.AddRelay("a", "push:bad"), Throws.ArgumentException.With.Message.Contain("It is bad."));
        Assert.That(() => f.Hub.AddRelay("a", "other:one"), Throws.ArgumentException);
        Assert.That(() => f.Hub.AddRelay("a", "none"), Throws.ArgumentException);
        Assert.That(() => f.Hub.AddRelay("a b", "push:one"), Throws.InstanceOf<StreamException>());
        Assert.That(() => f.Hub.AddRelayProtocol(f.Targets), Throws.InvalidOperationException);
        await using var other = f.Hub.AddRelay("b", "push:one");
        await relay.DisposeAsync();
        await relay.DisposeAsync();
        await using var again = f.Hub.AddRelay("a", "push:one");
    }

    [Test]
    public async Task Its_states_are_told_in_order()
    {
        await using var f = new RelayFixture();
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        (await f.One.NextAsync()).End();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 2, "the second session");
        await f.AgreeAsync(f.One);
        await relay.DisposeAsync();
        Assert.That(
            EventsOf<RelayStateChanged>(f).Select(e => e.State),
            Is.EqualTo([
                RelayState.Connecting, RelayState.BackingOff, RelayState.Connecting, RelayState.Live, RelayState.Stopping,
                RelayState.Stopped,
            ]));
    }

    private static List<T> EventsOf<T>(RelayFixture f)
    {
        var events = new List<T>();
        while (f.Events.Reader.TryRead(out var e))
        {
            if (e is T wanted)
                events.Add(wanted);
        }

        return events;
    }

    [Test]
    public async Task S17_A_relay_that_has_given_up_waiting_takes_up_when_a_feed_for_talk_gets_pictures()
    {
        await using var f = new RelayFixture(new StreamHubOptions { Sources = new SourceOptions { SilenceLimit = TimeSpan.FromHours(1) } });
        f.Sources["one"] = new TestSource("one") { IsSelective = true };
        await f.Hub.SetStreamAsync(new StreamDefinition("a") { Sources = ["test:one"] });
        using var talk = f.Hub.Lease("a", SourceMedia.Talk);
        var feed = (await f.Sources["one"].NextAsync()).Session.Publish(new PublishRequest("a") { Speaker = new TestSpeaker() });
        await using var relay = f.Hub.AddRelay("a", "push:one");
        await f.AdvanceUntilAsync(() => relay.GetSnapshot().Reason?.Text == "nobody feeds the stream", "why it waits");
        feed.AddTrack(Track.Of(TestMedia.Video));
        RelayFixture.Write(feed, 0);
        await f.AdvanceUntilAsync(() => f.One.Sessions == 1, "the session");
    }

    [Test]
    public async Task S16_A_session_that_was_left_behind_keeps_out_those_of_a_relay_that_is_added_again()
    {
        await using var f = new RelayFixture();
        f.Targets["one"] = new TestTarget("one") { IgnoresCancellation = true };
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        var push = await f.One.NextAsync();
        var ended = relay.DisposeAsync().AsTask();
        await f.AdvanceUntilAsync(() => ended.IsCompleted, "the relay's end");
        await ended;
        var again = f.Hub.AddRelay("a", "push:one");
        await RelayFixture.BecomesAsync(again, RelayState.Stuck);
        Assert.That((f.One.Sessions, f.One.HadTwo), Is.EqualTo((1, false)));

        push.End();
        push = await f.One.NextAsync();
        Assert.That(f.One.HadTwo, Is.False);
        push.End();
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task S16_A_relay_that_takes_the_place_of_one_that_is_ending_waits_for_its_end(bool isConfigured)
    {
        await using var f = new RelayFixture();
        f.Targets["one"] = new TestTarget("one") { IgnoresCancellation = true };
        await using var feed = f.PublishVideo();
        var relay = f.Hub.AddRelay("a", "push:one");
        var push = await f.One.NextAsync();
        var ended = relay.DisposeAsync().AsTask();
        if (isConfigured)
            await f.Hub.SetStreamAsync(new StreamDefinition("a") { PushTo = ["push:one"] });
        else
            f.Hub.AddRelay("a", "push:one");
        Assert.That(ended.IsCompleted, Is.False);
        push.End();
        push = await f.One.NextAsync();
        await ended;
        Assert.That((f.One.HadTwo, f.Hub.GetSnapshot().Relays.Length), Is.EqualTo((false, 1)));
        push.End();
    }
}
