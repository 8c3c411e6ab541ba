using System.Collections.Immutable;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Relays;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Relays;

// Rows: S4, S17, S19.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class UpstreamTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Test]
    public async Task A_name_that_is_asked_for_is_fetched_once_for_all_and_gone_some_time_after_the_last_one()
    {
        await using var f = New();
        var source = f.Sources["//origin/live/cam?x"];
        await using var first = await WatchAsync(f, "live/cam");
        await using var second = await WatchAsync(f, "live/cam");
        var run = (await source.NextAsync()).PublishVideo();
        run.Write();
        Assert.That(await RelayFixture.TextAsync(first.Consumer), Is.EqualTo("CV FV0"));
        Assert.That(await RelayFixture.TextAsync(second.Consumer), Is.EqualTo("CV FV0"));
        Assert.That((source.Runs, f.Hub.GetSnapshot().Streams.Single().Sources.Length), Is.EqualTo((1, 1)));
        Assert.That(
            () => f.PublishVideo("live/cam"),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.AlreadyPublished));

        await first.DisposeAsync();
        await second.DisposeAsync();
        f.Time.Advance(4 * Second);
        Assert.That(source.Open, Is.EqualTo(1));
        await f.AdvanceUntilAsync(() => f.Hub.GetSnapshot().Streams.IsEmpty, "the stream's end");
        await Eventually.EqualAsync(() => (source.Open, source.Runs), (0, 1), "sessions");
        await Eventually.Async(() => f.Hub.Fetched.IsEmpty, "nothing is fetched");
        await using var feed = f.PublishVideo("live/cam");
    }

    [Test]
    public async Task S19_A_name_that_the_other_server_has_not_is_told_and_leaves_nothing()
    {
        await using var f = New();
        var source = f.Sources["//origin/no?x"];
        await using var viewer = await WatchAsync(f, "no");
        await using var other = f.Hub.Subscribe("no").GetAsyncEnumerator();
        var reading = other.MoveNextAsync().AsTask();
        var lease = f.Hub.Lease("no");
        (await source.NextAsync()).Fail("the server refused (404)");
        Assert.That(
            async () => await lease.WhenReadyAsync(CancellationToken.None),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.Unavailable).And.Message.Contains("404"));
        Assert.That(async () => await reading, Throws.InstanceOf<StreamException>().With.Message.Contains("404"));
        await Eventually.Async(() => viewer.Subscription.State == SubscriptionState.Ended, "the viewer's end");
        Assert.That(viewer.Subscription.GetSnapshot().Reason!.Text, Does.Contain("the server refused (404)"));
        await Eventually.Async(() => f.Hub.GetSnapshot().Streams.IsEmpty && f.Hub.Fetched.IsEmpty, "nothing is left");
        lease.Dispose();

        // For a moment who asks is told the same, and the other server is not asked.
        Assert.That(() => f.Hub.Lease("no"), Throws.InstanceOf<StreamException>().With.Message.Contains("404"));
        Assert.That(source.Runs, Is.EqualTo(1));
        f.Time.Advance(Second);
        using var again = f.Hub.Lease("no");
        (await source.NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => again.WhenReadyAsync(CancellationToken.None).IsCompletedSuccessfully, "the stream");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task S19_A_name_is_asked_for_so_many_times_a_minute_at_most_whoever_comes_and_goes(bool isThere)
    {
        await using var f = new RelayFixture(new StreamHubOptions
        {
            Upstream = new UpstreamOptions("test://origin/{name}") { RetryAfter = TimeSpan.Zero },
            Sources = new SourceOptions { MaxSessionsPerMinute = 3, Linger = TimeSpan.Zero },
        });
        var source = f.Sources["//origin/a"];
        for (var round = 0; round < 3; round++)
        {
            using (f.Hub.Lease("a"))
            {
                var run = await source.NextAsync();
                if (isThere)
                    run.PublishVideo().Write();
                else
                    run.Fail();
            }

            await f.AdvanceUntilAsync(() => f.Hub.Fetched.IsEmpty && f.Hub.Find("a") is null, "the stream's end");
        }

        var refused = Assert.Throws<StreamException>(() => f.Hub.Lease("a"))!;
        Assert.That((refused.Error, source.Runs), Is.EqualTo((StreamError.Unavailable, 3)));
        Assert.That(refused.Message, Does.StartWith("the other server was asked for it 3 times within a minute; the next try is in "));
        Assert.That(refused.RetryAfter, Is.GreaterThan(TimeSpan.Zero).And.LessThanOrEqualTo(TimeSpan.FromMinutes(1)));
        f.Time.Advance(refused.RetryAfter!.Value);
        using var lease = f.Hub.Lease("a");
        (await source.NextAsync()).PublishVideo();
    }

    [Test]
    public async Task S19_However_many_names_are_asked_for_the_other_server_is_asked_so_many_times_a_minute_at_most()
    {
        await using var f = new RelayFixture(new StreamHubOptions
        {
            Upstream = new UpstreamOptions("no://origin/{name}") { MaxStreams = 2000, MaxTriesPerMinute = 600 },
        });
        var source = new NoSource();
        f.Hub.AddSourceProtocol(source);
        var refused = 0;
        StreamException? last = null;
        for (var i = 0; i < 1000; i++)
        {
            try
            {
                using var lease = f.Hub.Lease($"made-up-{i}");
                await lease.WhenReadyAsync(CancellationToken.None);
            }
            catch (StreamException e)
            {
                if (e.RetryAfter is not null && e.Message.Contains("asked for streams 600 times within a minute", StringComparison.Ordinal))
                    refused++;
                last = e;
            }
        }

        Assert.That((source.Runs, refused), Is.EqualTo((600, 400)));
        f.Time.Advance(last!.RetryAfter!.Value);
        using (f.Hub.Lease("another"))
            await Eventually.EqualAsync(() => source.Runs, 601, "sessions in the next minute");
        await f.AdvanceUntilAsync(() => f.Hub.Fetched.IsEmpty, "nothing is left");
    }

    [Test]
    public void The_address_of_the_other_server_is_not_printed()
    {
        var options = new StreamHubOptions { Upstream = new UpstreamOptions("test://user:secret@origin/{name}") };
        Assert.That(options.ToString(), Does.Contain("MaxStreams = 100").And.Not.Contain("secret"));
    }

    [Test]
    public async Task A_stream_whose_last_viewer_leaves_while_its_source_fails_does_not_linger()
    {
        await using var f = New();
        await using var viewer = await WatchAsync(f, "cam");
        var run = (await f.Sources["//origin/cam?x"].NextAsync()).PublishVideo();
        run.Write();
        run.Fail();
        await Eventually.Async(() => f.Hub.Find("cam")!.GetSnapshot().Sources[0].State == SourceState.BackingOff, "the pause");
        Assert.That(viewer.Subscription.State, Is.EqualTo(SubscriptionState.Waiting), "what it had may come back");
        await viewer.DisposeAsync();
        await Eventually.Async(() => f.Hub.GetSnapshot().Streams.IsEmpty, "nothing is left");
    }

    [Test]
    public async Task A_stream_that_does_not_come_back_is_given_up_after_the_time_that_publishers_have()
    {
        await using var f = New();
        await using var viewer = await WatchAsync(f, "cam");
        var source = f.Sources["//origin/cam?x"];
        var run = (await source.NextAsync()).PublishVideo();
        run.Write();
        run.Fail();
        while (viewer.Subscription.State != SubscriptionState.Ended)
        {
            var runs = source.Runs;
            await f.AdvanceUntilAsync(
                () => source.Runs > runs || viewer.Subscription.State == SubscriptionState.Ended, "the next try");
            if (source.Runs > runs)
            {
                (await source.NextAsync()).Fail("gone");
                await Eventually.Async(
                    () => source.Open == 0 && f.Hub.Find("cam")?.GetSnapshot().Sources[0].State != SourceState.Connecting, "the failure");
            }
        }

        Assert.That(source.Runs, Is.InRange(3, 8));
        Assert.That(viewer.Subscription.GetSnapshot().Reason!.Text, Does.Contain("gone"));
        await Eventually.Async(() => f.Hub.GetSnapshot().Streams.IsEmpty, "nothing is left");
    }

    [Test]
    public async Task S19_A_flood_of_names_is_bounded_and_told_so()
    {
        await using var f = New(new UpstreamOptions("test://origin/{name}?x") { MaxStreams = 5 });
        var leases = new List<StreamLease>();
        var refused = 0;
        for (var i = 0; i < 100; i++)
        {
            try
            {
                leases.Add(f.Hub.Lease($"n{i}"));
            }
            catch (StreamException e) when (e.Error == StreamError.Unavailable)
            {
                Assert.That(e.Message, Does.Contain("too many streams"));
                refused++;
            }
        }

        Assert.That((leases.Count, refused, f.Hub.GetSnapshot().Streams.Length), Is.EqualTo((5, 95, 5)));
        foreach (var lease in leases)
            lease.Dispose();
        await f.AdvanceUntilAsync(() => f.Hub.Fetched.IsEmpty, "room");
        f.Hub.Lease("n99").Dispose();
    }

    [Test]
    public async Task S19_Names_that_are_refused_as_there_are_too_many_use_up_no_tries()
    {
        await using var f = new RelayFixture(new StreamHubOptions
        {
            Upstream = new UpstreamOptions("test://origin/{name}?x") { MaxStreams = 1, MaxTriesPerMinute = 5 },
            Sources = new SourceOptions { Linger = TimeSpan.Zero },
        });
        using (f.Hub.Lease("n0"))
        {
            for (var i = 0; i < 20; i++)
                Assert.That(() => f.Hub.Lease("n1"), Throws.InstanceOf<StreamException>().With.Message.Contains("too many streams"));
        }

        await Eventually.Async(() => f.Hub.Fetched.IsEmpty, "room");
        using var lease = f.Hub.Lease("n1");
        await f.Sources["//origin/n1?x"].NextAsync();
    }

    [TestCase("other")]
    [TestCase("live/")]
    [TestCase("live/a/../b")]
    [TestCase("live/a@evil.example")]
    [TestCase("live/a?b=c")]
    [TestCase("live/cam\n")]
    [TestCase("xlive/cam")]
    public async Task S19_Only_allowed_names_reach_the_other_server(string name)
    {
        await using var f = New(new UpstreamOptions("test://origin/{name}?x") { Names = "live/[a-z]+|x" });
        Assert.That(() => f.Hub.Lease(name), Throws.InstanceOf<StreamException>());
        Assert.That(f.Hub.GetSnapshot().Streams, Is.Empty);
    }

    [Test]
    public async Task S19_Who_may_not_watch_causes_nothing()
    {
        var options = new StreamHubOptions
        {
            Upstream = new UpstreamOptions("test://origin/{name}?x"),
            Authorizer = new No(),
            AuthorizationFailures = new AuthorizationFailureOptions { MinDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
        };
        await using var f = new RelayFixture(options);
        var consumer = f.NewConsumer();
        Assert.That(
            async () => await f.Hub.SubscribeAsync(new SubscribeRequest("cam"), consumer.Writer, WireConsumer.Format, CancellationToken.None),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.Unauthorized));
        Assert.That(
            async () => await f.Hub.TalkAsync(new TalkRequest("cam"), CancellationToken.None), Throws.InstanceOf<StreamException>());
        Assert.That((f.Hub.GetSnapshot().Streams.Length, f.Sources["//origin/cam?x"].Runs), Is.EqualTo((0, 0)));
        Assert.That(f.Hub.Find("cam"), Is.Null, "to look changes nothing");
    }

    [Test]
    public async Task S4_One_who_leaves_while_it_is_fetched_leaves_nothing()
    {
        var options = new StreamHubOptions
        {
            Upstream = new UpstreamOptions("test://origin/{name}?x"),
            Sources = new SourceOptions { Linger = TimeSpan.Zero },
        };
        await using var f = new RelayFixture(options);
        var viewer = await WatchAsync(f, "cam");
        var run = await f.Sources["//origin/cam?x"].NextAsync();
        await viewer.DisposeAsync();
        await Eventually.Async(() => f.Hub.GetSnapshot().Streams.IsEmpty && f.Hub.Fetched.IsEmpty, "nothing is left");
        Assert.That((run.Token.IsCancellationRequested, f.Sources["//origin/cam?x"].Open), Is.EqualTo((true, 0)));
        Assert.That(() => run.PublishVideo(), Throws.InstanceOf<StreamException>());
        Assert.That(f.Hub.GetSnapshot().Streams, Is.Empty, "a late feed makes no stream");
    }

    [Test]
    public async Task A_stream_that_is_published_or_configured_wins()
    {
        await using var f = New();
        await using (var feed = f.PublishVideo("cam"))
        {
            using var lease = f.Hub.Lease("cam");
            Assert.That(f.Sources["//origin/cam?x"].Runs, Is.Zero);
        }

        await using var viewer = await WatchAsync(f, "cam");
        (await f.Sources["//origin/cam?x"].NextAsync()).PublishVideo().Write();
        await f.Hub.SetStreamAsync(new StreamDefinition("cam") { Sources = ["test:own"] });
        Assert.That((f.Sources["//origin/cam?x"].Open, f.Hub.Fetched.Count), Is.EqualTo((0, 0)));
        (await f.Sources["own"].NextAsync()).PublishVideo().Write();
        await Eventually.Async(() => viewer.Subscription.GetSnapshot().Packets.Delivered == 2, "the stream's own source");
        await viewer.DisposeAsync();
        await f.AdvanceUntilAsync(() => f.Sources["own"].Open == 0, "its end");
        Assert.That(f.Hub.Find("cam"), Is.Not.Null, "it stays");
    }

    [Test]
    public async Task One_who_talks_has_the_stream_fetched_too()
    {
        await using var f = New();
        var talking = f.Hub.TalkAsync(new TalkRequest("cam"), CancellationToken.None).AsTask();
        var run = await f.Sources["//origin/cam?x"].NextAsync();
        Assert.That(run.Session.Wanted, Is.EqualTo(SourceMedia.Talk));
        run.Fail("no loudspeaker");
        Assert.That(async () => await talking, Throws.InstanceOf<StreamException>());
        await Eventually.Async(() => f.Hub.GetSnapshot().Streams.IsEmpty, "nothing is left");
    }

    [Test]
    public async Task A_relay_has_its_stream_fetched_and_asks_for_it_again_after_pauses()
    {
        await using var f = New();
        var source = f.Sources["//origin/cam?x"];
        var relay = f.Hub.AddRelay("cam", "push:one");
        for (var i = 1; i <= 3; i++)
        {
            (await source.NextAsync()).Fail("not there");
            await Eventually.Async(() => f.Hub.GetSnapshot().Streams.IsEmpty, "nothing is left");
            Assert.That((relay.State, source.Runs), Is.EqualTo((RelayState.Waiting, i)));
            await f.AdvanceUntilAsync(() => source.Runs > i, "the next time");
        }

        (await source.NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 1, "the session");
        var (_, consumer) = await f.AgreeAsync(f.One);
        Assert.That(await RelayFixture.TextAsync(consumer), Is.EqualTo("PV0"));
        await relay.DisposeAsync();
        await f.AdvanceUntilAsync(() => f.Hub.GetSnapshot().Streams.IsEmpty, "nothing is left");
    }

    [Test]
    public async Task Joining_leaving_and_failing_at_once_end_with_nothing_left()
    {
        var options = new StreamHubOptions
        {
            Upstream = new UpstreamOptions("test://origin/{name}?x") { RetryAfter = TimeSpan.Zero },
            Sources = new SourceOptions
            {
                Linger = TimeSpan.Zero,
                MinBackoff = Second / 10,
                MaxBackoff = Second / 10,
                MaxSessionsPerMinute = 6000,
            },
        };
        await using var f = new RelayFixture(options);
        var source = f.Sources["//origin/cam?x"];
        using var stop = new CancellationTokenSource();
        var leading = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var run = await source.NextAsync(stop.Token);
                try
                {
                    if (i % 3 > 0)
                        run.PublishVideo().Write();
                    if (i % 3 == 2)
                        run.Fail();
                }
                catch (StreamException)
                {
                    // its session was ended meanwhile
                }

                if (i % 3 == 0)
                    run.Fail();
            }
        });
        var viewers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++)
            {
                try
                {
                    using var lease = f.Hub.Lease("cam");
                    if (i % 2 == 0)
                    {
                        var ready = lease.WhenReadyAsync(CancellationToken.None).Quietly();
                        await Task.WhenAny(ready, Task.Run(() => f.Time.Advance(Second / 5)));
                    }
                }
                catch (StreamException)
                {
                    // it failed
                }
            }
        })).ToArray();
        await Task.WhenAll(viewers);
        await f.AdvanceUntilAsync(() => f.Hub.GetSnapshot().Streams.IsEmpty && f.Hub.Fetched.IsEmpty, "nothing is left");
        await stop.CancelAsync();
        await leading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.That(leading.IsFaulted, Is.False);
    }

    [Test]
    public async Task An_edge_shows_what_the_origin_has_and_takes_each_stream_once()
    {
        await using var origin = new StreamHub();
        await using var edge = new RelayFixture(new StreamHubOptions { Upstream = new UpstreamOptions("origin://main/{name}") });
        edge.Hub.AddSourceProtocol(new OriginProtocol(origin));
        await using var feed = origin.Publish("cam", Track.Of(TestMedia.Video));
        RelayFixture.Write(feed, 0);
        await using var first = await WatchAsync(edge, "cam");
        await using var second = await WatchAsync(edge, "cam");
        await using var vain = await WatchAsync(edge, "other");
        await Eventually.Async(() => second.Subscription.GetSnapshot().Packets.Delivered == 1, "what the origin had");
        RelayFixture.Write(feed, 1, isKeyframe: false);
        await Eventually.Async(() => second.Subscription.GetSnapshot().Packets.Delivered == 2, "what comes live");
        Assert.That((await RelayFixture.TextAsync(first.Consumer))[^7..], Is.EqualTo("FV0 FV1"));
        Assert.That(origin.GetSnapshot().Streams.Single().Consumers, Has.Length.EqualTo(1));
        await Eventually.Async(() => vain.Subscription.State == SubscriptionState.Ended, "what the origin has not");
        Assert.That(edge.Hub.GetSnapshot().Streams, Has.Length.EqualTo(1));
        await first.DisposeAsync();
        await second.DisposeAsync();
        await edge.AdvanceUntilAsync(() => edge.Hub.GetSnapshot().Streams.IsEmpty, "nothing is left");
        await Eventually.EqualAsync(() => origin.GetSnapshot().Streams.Single().Consumers.Length, 0, "consumers of the origin's");
    }

    [TestCase("rtsp://origin:8554/live", "there must be {name} in it")]
    [TestCase("rtsp://{name}:8554/live", "behind scheme://host")]
    [TestCase("rtsp://{name}@origin/{name}", "behind scheme://host")]
    [TestCase("rtsp://origin{name}", "behind scheme://host")]
    [TestCase("{name}://origin/live", "behind scheme://host")]
    [TestCase("file:/media/{name}", "behind scheme://host")]
    [TestCase("rtsp://origin/{name}#transport={name}", "behind scheme://host")]
    [TestCase("rtsp:///{name}", "behind scheme://host")]
    public void A_wrong_address_is_told(string url, string error) =>
        Assert.That(
            () => new StreamHub(new StreamHubOptions { Upstream = new UpstreamOptions(url) }),
            Throws.ArgumentException.With.Message.Contains(error));

    [Test]
    public void All_that_is_wrong_is_told()
    {
        var options = new UpstreamOptions("rtsp://origin/{name}") { Names = "(", MaxStreams = 0, RetryAfter = -Second };
        Assert.That(
            options.Validate("Upstream.").Select(error => error.Split(' ', ':')[0]),
            Is.EqualTo(["Upstream.Names", "Upstream.MaxStreams", "Upstream.RetryAfter"]));
        Assert.That((options with { Names = @"(a)\1" }).Validate().First(), Does.Contain("not supported"));
        Assert.That(new UpstreamOptions("rtsps://user:secret@[::1]:322/a/{name}/b?c={name}#transport=udp").Validate(), Is.Empty);
    }

    [Test]
    public void A_name_is_escaped_where_it_would_mean_something() =>
        Assert.That(
            new Upstream(new UpstreamOptions("rtsp://origin/a/{name}?b={name}#transport=tcp"), 30, TimeProvider.System)
                .AddressOf("live/cam~1"),
            Is.EqualTo("rtsp://origin/a/live/cam~1?b=live%2Fcam~1#transport=tcp"));

    private static RelayFixture New(UpstreamOptions? upstream = null) =>
        new(new StreamHubOptions { Upstream = upstream ?? new UpstreamOptions("test://origin/{name}?x") });

    private static async Task<Viewer> WatchAsync(RelayFixture f, string stream)
    {
        var consumer = f.NewConsumer();
        var subscription = await f.Hub.SubscribeAsync(
            new SubscribeRequest(stream), consumer.Writer, WireConsumer.Format, CancellationToken.None);
        subscription.Start();
        return new Viewer(subscription, consumer);
    }

    private sealed record Viewer(Subscription Subscription, WireConsumer Consumer) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Subscription.DisposeAsync();
    }

    // Of another hub in this process.
    private sealed class OriginProtocol(StreamHub origin) : ISourceProtocol
    {
        public ImmutableArray<string> Schemes => ["origin"];

        public ISource CreateSource(string url) => new StreamSource(origin, url["origin://main/".Length..]);
    }

    private sealed class NoSource : ISourceProtocol, ISource
    {
        private int _runs;

        public ImmutableArray<string> Schemes => ["no"];

        public string Name => "no";

        public int Runs => Volatile.Read(ref _runs);

        public ISource CreateSource(string url) => this;

        public Task RunAsync(SourceSession session, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _runs);
            throw new SourceException(new CloseReason(CloseCode.Refused, "there is no such stream"));
        }
    }

    private sealed class No : IStreamAuthorizer
    {
        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
            new(AuthorizationResult.Deny("no"));
    }
}
