using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Scheduling;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

// Rows: C1, S4, S5, S6, S8, S10, S12, S13, S18; global laws 4, 6, 10.

/// <summary>Leases, sources and routes under a scheduler that chooses the interleaving.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class SourceSchedules
{
    [Test]
    public void S6_A_lease_that_is_taken_while_the_last_is_released_is_served() => Explorer.Run<ReleaseLease>(3000);

    [Test]
    public void S6_A_source_that_was_only_talked_through_stands_still_some_time_after_the_last_talk() => Explorer.Run<ReleaseTalk>(600);

    [Test]
    public void S10_S13_A_session_that_fails_while_leases_come_and_go_leaves_one_or_none() => Explorer.Run<ReleaseFail>(3000);

    [Test]
    public void S13_A_session_that_does_not_end_is_not_joined_by_another() => Explorer.Run<StuckLease>(2000);

    [Test]
    public void S18_A_stream_that_is_removed_while_it_is_leased_watched_and_fed_leaves_nothing() => Explorer.Run<RemoveRace>(3000);

    [Test]
    public void S6_A_source_is_told_what_is_wanted_of_it_in_the_end() => Explorer.Run<TwoKinds>(3000);

    [Test]
    public void C1_Two_sources_that_take_over_from_each_other_never_mix() => Explorer.Run<RouteChange>(3000);

    [Test]
    public void S12_Whoever_joins_while_a_stream_is_disabled_is_told() => Explorer.Run<DisableJoin>(3000);

    [Test]
    public void S12_Whoever_joins_while_a_source_comes_to_its_end_is_told_or_served() => Explorer.Run<FinishJoin>(3000);

    [Test]
    public void S12_Who_waits_when_the_last_source_of_all_kinds_ends_while_another_is_let_go_is_told() => Explorer.Run<FinishBeside>(1000);

    [Test]
    public void S13_A_source_that_stands_in_and_takes_the_end_of_its_feed_for_its_own_stands_in_again() => Explorer.Run<FinishStop>(2000);

    [Test]
    public void S13_Sessions_of_two_streams_that_do_not_end_keep_a_third_out() => Explorer.Run<StuckTwice>(1000);

    [Test]
    public void S12_Whoever_joins_while_a_source_tells_that_it_has_nothing_for_them_is_told() => Explorer.Run<MismatchJoin>(3000);

    [Test]
    public void S12_Whoever_alone_had_a_source_run_that_has_nothing_for_them_is_told() => Explorer.Run<MismatchAlone>(1000);

    [Test]
    public void S6_Whoever_waits_for_a_publisher_keeps_the_sources_running_that_come_instead() => Explorer.Run<AdoptJoin>(3000);

    [Test]
    public void S13_A_source_that_is_changed_in_its_use_alone_has_one_session() => Explorer.Run<ChangeUse>(2000);

    [Test]
    public void A_task_that_takes_its_signal_after_it_has_looked_is_found()
    {
        var failure = Explorer.Find<SignalAfterLook>(300);
        Assert.That(failure, Is.Not.Null);
        Assert.That(failure!.Message, Does.Contain("Deadlock"));
        Assert.That(Explorer.Find<SignalBeforeLook>(1000), Is.Null);
    }

    private abstract class SourceScenario : Scenario
    {
        private readonly ScheduledProtocol _protocol = new();
        private readonly List<StreamLease> _leases = [];
        private bool _isOver;

        protected ControlledScheduler Scheduler { get; private set; } = null!;

        protected FakeTimeProvider Time { get; } = new();

        protected StreamHub Hub { get; private set; } = null!;

        protected virtual TimeSpan Linger => TimeSpan.Zero;

        protected virtual TimeSpan HealthyAfter => TimeSpan.FromSeconds(10);

        protected ScheduledSource One => _protocol["one"];

        protected ScheduledSource Two => _protocol["two"];

        public sealed override void Start(ControlledScheduler scheduler)
        {
            Scheduler = scheduler;
            Hub = new StreamHub(
                new StreamHubOptions
                {
                    Pool = new PacketPoolOptions { Diagnostics = false },
                    Sources = new SourceOptions { Linger = Linger, HealthyAfter = HealthyAfter },
                },
                timeProvider: Time)
            { NextRandom = () => 0.5 };
            Hub.AddSourceProtocol(_protocol);
            Prepare();
        }

        public sealed override void Finish()
        {
            Scheduler.Rest();
            BeforeEnd();
            foreach (var lease in _leases)
                lease.Dispose();
            Pass(20);
            foreach (var stream in Hub.GetSnapshot().Streams)
            {
                Ensure(stream.Leases == 0 || stream.Consumers.Length > 0, $"{stream.Leases} leases are left");
                foreach (var source in stream.Sources)
                    Ensure(stream.Leases > 0 || source.State == SourceState.Idle, $"{source.State} without a lease");
            }

            _isOver = true;
            Wait(Hub.DisposeAsync().AsTask());
        }

        public sealed override void Check()
        {
            Ensure(Hub.GetSnapshot().Streams.IsEmpty, "a stream is left");
            Ensure(Time.ActiveTimers == 0, "a timer is left");
            Ensure(!_protocol.All.Any(source => source.HadTwo), "two sessions of one source at once");
            Ensure(_protocol.All.All(source => source.Run is null), "a session is left");
            Ensure(Hub.Pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {Hub.Pool.GetStatistics()}");
        }

        protected abstract void Prepare();

        protected virtual void BeforeEnd()
        {
        }

        protected void Set(params string[] sources) => Set(new StreamDefinition("a") { Sources = [.. sources] });

        protected void Set(StreamDefinition definition) => Wait(Hub.SetStreamAsync(definition));

        /// <summary>Somebody's: let go at the end, if not before.</summary>
        protected StreamLease Lease(SourceMedia wants = SourceMedia.Video | SourceMedia.Audio)
        {
            var lease = Hub.Lease("a", wants);
            _leases.Add(lease);
            return lease;
        }

        /// <summary>Waits until it is decided, and returns what was.</summary>
        protected StreamException? AnswerOf(StreamLease lease)
        {
            try
            {
                Wait(lease.WhenReadyAsync(CancellationToken.None));
                return null;
            }
            catch (StreamException e)
            {
                return e;
            }
        }

        /// <summary>Leads every session of a source, beside everything else, until it has ended or the scenario is over.</summary>
        protected void Lead(ScheduledSource source, Action<ScheduledRun> script) => Scheduler.Run(() =>
        {
            while (true)
            {
                Scheduler.WaitUntil(() => _isOver || source.Run is { IsTaken: false }, "a session");
                if (source.Run is not { IsTaken: false } run)
                    return Task.CompletedTask;
                run.IsTaken = true;
                script(run);
            }
        });

        protected static void PublishVideo(ScheduledRun run)
        {
            if (run.TryPublish(Track.Of(TestMedia.Video)))
                run.Write(1);
        }

        protected Viewer View(params Track[] wanted)
        {
            var viewer = new Viewer(new ScheduledConsumer(Scheduler, Hub.Pool));
            viewer.Subscription = Hub.Subscribe(
                new SubscribeRequest("a") { Wanted = wanted is [] ? null : wanted, OnStateChanged = viewer.Note }, viewer.Consumer.Writer,
                ScheduledConsumer.SharedFormat);
            viewer.Subscription.Start();
            return viewer;
        }

        /// <summary>Time goes by, and everybody does what there is to do.</summary>
        protected void Pass(int seconds)
        {
            for (var i = 0; i < 4 * seconds; i++)
            {
                Scheduler.Rest();
                Time.Advance(TimeSpan.FromSeconds(0.25));
            }

            Scheduler.Rest();
        }

        protected SourceSnapshot Source(int number = 0) => Hub.Find("a")!.GetSnapshot().Sources[number];

        protected static void Wait(Task task)
        {
            Ensure(task.IsCompleted, "something waits where the scheduler does not see it");
            task.GetAwaiter().GetResult();
        }

        protected sealed class Viewer(ScheduledConsumer consumer)
        {
            public ScheduledConsumer Consumer => consumer;

            public Subscription Subscription { get; set; } = null!;

            public CloseReason? Reason { get; private set; }

            public SubscriptionState State => Subscription.State;

            public void Note(SubscriptionState state, CloseReason? reason) => Reason = reason;
        }
    }

    private sealed class ReleaseLease : SourceScenario
    {
        private StreamLease _second = null!;

        protected override void Prepare()
        {
            Set("test:one");
            var first = Lease();
            Lead(One, PublishVideo);
            Scheduler.Spawn("first", first.Dispose);
            Scheduler.Spawn("second", () =>
            {
                _second = Lease();
                Ensure(AnswerOf(_second) is null, "it is told that there is nothing");
            });
        }

        protected override void BeforeEnd()
        {
            Ensure(Source().State == SourceState.Live && One.Run?.Feed is not null, $"{Source().State} while it is leased");
            Ensure(One.Runs <= 2, $"{One.Runs} sessions");
            Ensure(Hub.Find("a")!.Receivers.Single().Codec is not null, "its packets go nowhere");
        }
    }

    private sealed class ReleaseTalk : SourceScenario
    {
        protected override TimeSpan Linger => TimeSpan.FromSeconds(5);

        protected override void Prepare()
        {
            Set("test:one");
            Lead(One, run => run.TryPublish());
            var lease = Lease(SourceMedia.Talk);
            Scheduler.Spawn("talker", lease.Dispose);
        }
    }

    private sealed class ReleaseFail : SourceScenario
    {
        private StreamLease _second = null!;

        protected override void Prepare()
        {
            Set("test:one");
            var first = Lease();
            Lead(One, run =>
            {
                PublishVideo(run);
                GraphLock.Point();
                if (One.Runs < 3)
                    run.Fail();
            });
            Scheduler.Spawn("first", first.Dispose);
            Scheduler.Spawn("second", () => _second = Lease());
        }

        protected override void BeforeEnd()
        {
            Pass(4);
            Ensure(Source().State == SourceState.Live, $"{Source().State} while it is leased");
            Ensure(AnswerOf(_second) is null or { Error: StreamError.Unavailable }, "another answer");
            Ensure(One.Runs <= 4, $"{One.Runs} sessions");
        }
    }

    private sealed class StuckLease : SourceScenario
    {
        protected override void Prepare()
        {
            One.IgnoresCancellation = true;
            Set("test:one");
            var first = Lease();
            Lead(One, run =>
            {
                PublishVideo(run);
                Scheduler.WaitUntil(() => run.Token.IsCancellationRequested, "the session to be cancelled");
                Ensure(run.Feed is null || !run.Write(2), "it feeds after its end");
            });
            Scheduler.Spawn("first", first.Dispose);
            Scheduler.Spawn("second", () => Lease());
            Scheduler.Spawn("time", () => Time.Advance(TimeSpan.FromSeconds(5)));
            Scheduler.Spawn("device", () =>
            {
                Scheduler.WaitUntil(
                    () => One.Run?.Token.IsCancellationRequested == true || Source().State == SourceState.Live, "the session");
                if (One.Run?.Token.IsCancellationRequested == true)
                    One.Run.End();
            });
        }

        protected override void BeforeEnd()
        {
            One.IgnoresCancellation = false;
            if (One.Run?.Token.IsCancellationRequested == true)
                One.Run.End();
            Pass(6);
            Ensure(Source().State == SourceState.Live, $"{Source().State} while it is leased");
        }
    }

    private sealed class RemoveRace : SourceScenario
    {
        private Viewer? _viewer;
        private StreamException? _answer;

        protected override void Prepare()
        {
            Set("test:one");
            Lead(One, PublishVideo);
            var waiting = Lease();
            Scheduler.Spawn("waits", () => _answer = AnswerOf(waiting));
            Scheduler.Spawn("viewer", () =>
            {
                try
                {
                    _viewer = View();
                }
                catch (StreamException e)
                {
                    Ensure(e.Error == StreamError.NotFound, e.Message);
                }
            });
            Scheduler.Spawn("leaser", () =>
            {
                try
                {
                    _ = AnswerOf(Lease());
                }
                catch (StreamException e)
                {
                    Ensure(e.Error == StreamError.NotFound, e.Message);
                }
            });
            Scheduler.Spawn("remover", () =>
            {
                var removed = Hub.RemoveStreamAsync("a");
                Wait(removed);
                Ensure(One.Run is null, "a session outlives its stream");
            });
        }

        protected override void BeforeEnd()
        {
            Ensure(Hub.Find("a") is null, "the stream is left");
            Ensure(_answer is null or { Error: StreamError.Ended }, "another answer");
            Ensure(_viewer is null || _viewer.State == SubscriptionState.Ended, "a viewer outlives the stream");
            Ensure(_viewer is null || _viewer.Reason is not null, "ended without a word");
            _viewer?.Consumer.End();
        }
    }

    private sealed class TwoKinds : SourceScenario
    {
        private StreamLease _talk = null!;

        protected override void Prepare()
        {
            One.IsSelective = true;
            Set("test:one");
            Lead(One, run => run.TryPublish(Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio)));
            var video = Lease(SourceMedia.Video);
            Scheduler.Spawn("video", video.Dispose);
            Scheduler.Spawn("audio", () => Lease(SourceMedia.Audio));
            Scheduler.Spawn("talk", () =>
            {
                _talk = Lease(SourceMedia.Talk);
                _talk.Dispose();
            });
        }

        protected override void BeforeEnd() =>
            Ensure(One.Run?.Session.Wanted == SourceMedia.Audio, $"{One.Run?.Session.Wanted} is what the source believes");
    }

    private sealed class RouteChange : SourceScenario
    {
        private readonly List<int> _seen = [];
        private Viewer _viewer = null!;
        private TimeSpan _latest = TimeSpan.MinValue;

        protected override void Prepare()
        {
            Set("test:one", "test:two");
            Lease();
            Lead(One, run => Feed(run, 1000 * One.Runs, fails: One.Runs == 1));
            Lead(Two, run => Feed(run, 100_000 + (1000 * Two.Runs), fails: false));
            Scheduler.Spawn("viewer", () =>
            {
                _viewer = View();
                Scheduler.WaitUntil(() => Hub.Find("a")!.Receivers.Length > 0, "the track");
                var probe = new Probe(wantsReplay: false, packet =>
                {
                    Ensure(packet.DecodeTimestamp > _latest, "time goes back");
                    _latest = packet.DecodeTimestamp;
                    _seen.Add(TestMedia.NumberOf(packet));
                });
                Hub.Find("a")!.Receivers[0].TryAttach(probe);
            });
            Scheduler.Spawn("time", () =>
            {
                Scheduler.WaitUntil(() => Source().State == SourceState.BackingOff, "the first source to fail");
                Time.Advance(TimeSpan.FromSeconds(1));
            });
        }

        protected override void BeforeEnd()
        {
            Scheduler.WaitUntil(() => _viewer.Consumer.Writer.GetStatistics().Depth == 0, "the queue to be empty");
            CheckNumbers(_seen);
            CheckNumbers(_viewer.Consumer.Numbers());
            _viewer.Subscription.Close(CloseReason.Requested);
            _viewer.Consumer.End();
        }

        // Each session's packets in one piece: what comes back from another is a new session's.
        private static void CheckNumbers(List<int> numbers)
        {
            var sessions = numbers.Select(number => number / 1000).ToList();
            var pieces = sessions.Where((session, i) => i == 0 || sessions[i - 1] != session).ToList();
            Ensure(pieces.Distinct().Count() == pieces.Count, $"mixed: {numbers.Text()}");
            foreach (var piece in numbers.GroupBy(number => number / 1000))
                Ensure(piece.ToList().IsContiguous(), $"a gap: {numbers.Text()}");
        }

        private static void Feed(ScheduledRun run, int number, bool fails)
        {
            if (!run.TryPublish(Track.Of(TestMedia.Video)))
                return;
            for (var i = 0; i < 4; i++)
            {
                GraphLock.Point();
                var hasEnded = run.HasEnded;
                Ensure(!(run.Write(number + i) && hasEnded), "a packet after the end of its feed");
            }

            if (fails)
                run.Fail();
        }
    }

    private sealed class DisableJoin : SourceScenario
    {
        private Viewer? _viewer;

        protected override void Prepare()
        {
            Set("test:one");
            Lead(One, PublishVideo);
            Scheduler.Spawn("viewer", () =>
            {
                try
                {
                    _viewer = View();
                }
                catch (StreamException e)
                {
                    Ensure(e.Error == StreamError.Unavailable, e.Message);
                }
            });
            Scheduler.Spawn("change", () => Set(new StreamDefinition("a") { Sources = ["test:one"], IsEnabled = false }));
        }

        protected override void BeforeEnd()
        {
            Ensure(One.Run is null, "a disabled source runs");
            Ensure(_viewer is null or { State: SubscriptionState.Ended, Reason: not null }, "a viewer of a disabled stream is not told");
            _viewer?.Consumer.End();
        }
    }

    private sealed class FinishJoin : SourceScenario
    {
        private Viewer _viewer = null!;
        private bool _comesAnew; // after the source has come to its end

        protected override TimeSpan Linger => TimeSpan.FromSeconds(5);

        protected override void Prepare()
        {
            Set("test:one");
            Lead(One, run =>
            {
                PublishVideo(run);
                if (One.Runs > 1)
                    return;
                run.Session.Finish();
                run.End();
            });
            var before = Lease();
            Scheduler.Spawn("viewer", () =>
            {
                _comesAnew = Source() is { Runs: 1, Feed: null, Wanted: SourceMedia.None };
                _viewer = View();
            });
            Scheduler.Spawn("before", before.Dispose);
        }

        protected override void BeforeEnd()
        {
            Pass(1);
            Ensure(
                _viewer.State == SubscriptionState.Fed || (_viewer is { State: SubscriptionState.Ended, Reason: not null } && !_comesAnew),
                $"{_viewer.State} with a source that is {Source().State}");
            var next = View();
            Pass(1);
            Ensure(next.State == SubscriptionState.Fed, $"{next.State} with a source that is {Source().State}, who asked for it anew");
            foreach (var viewer in (Viewer[])[_viewer, next])
            {
                viewer.Subscription.Close(CloseReason.Requested);
                viewer.Consumer.End();
            }
        }
    }

    // The first source comes back with all that the second one brought meanwhile, which is let go, and has nothing more.
    private sealed class FinishBeside : SourceScenario
    {
        private Viewer _viewer = null!;

        protected override void Prepare()
        {
            Set("test:one", "test:two");
            Lead(One, run =>
            {
                if (One.Runs == 1)
                {
                    run.Fail();
                    return;
                }

                PublishBoth(run);
                run.Session.Finish();
                run.End();
            });
            Lead(Two, PublishBoth);
            _viewer = View();
            Scheduler.Spawn("time", () =>
            {
                Scheduler.WaitUntil(
                    () => Two.Run?.Feed is not null && Source().State == SourceState.BackingOff, "the second source in place of the first");
                while (One.Runs < 2)
                {
                    Scheduler.Rest();
                    Time.Advance(TimeSpan.FromSeconds(0.5));
                }
            });
        }

        protected override void BeforeEnd()
        {
            Ensure(One.Runs == 2 && Two.Run is null, $"{One.Runs} sessions, and the second source is {Source(1).State}");
            Ensure(_viewer.State == SubscriptionState.Ended, $"a viewer is {_viewer.State}, and nothing comes");
            Ensure(_viewer.Reason?.Code == CloseCode.PublisherLeft, $"it is told {_viewer.Reason?.Text}");
            _viewer.Consumer.End();
        }

        private static void PublishBoth(ScheduledRun run)
        {
            if (run.TryPublish(Track.Of(TestMedia.Video), Track.Of(TestMedia.Audio)))
                run.Write(1);
        }
    }

    // The first source comes back and is healthy; the second one is stopped, and may believe before it is told so that it has come to its
    // end.
    private sealed class FinishStop : SourceScenario
    {
        private ScheduledRun? _first;
        private int _number = 1;

        protected override TimeSpan HealthyAfter => TimeSpan.FromSeconds(1);

        protected override void Prepare()
        {
            Set(new StreamDefinition("a") { Sources = ["test:one", "test:two"], Mode = SourceMode.Fallback });
            Lead(One, run =>
            {
                PublishVideo(run);
                if (One.Runs == 1)
                    run.Fail();
                else
                    _first = run;
            });
            Lead(Two, run =>
            {
                PublishVideo(run);
                if (run.Feed is null || Two.Runs > 1)
                    return;
                Scheduler.WaitUntil(() => run.HasEnded || Source(1).Feed is null, "the end of its feed");
                Ensure(!run.Write(2), "it feeds after its end");
                run.Session.Finish();
                run.End();
            });
            Lease();
            Scheduler.Spawn("time", () =>
            {
                Scheduler.WaitUntil(() => Two.Run?.Feed is not null && Source().State == SourceState.BackingOff, "the second source");
                while (_first?.Feed is null)
                {
                    Scheduler.Rest();
                    Time.Advance(TimeSpan.FromSeconds(0.5));
                }

                FeedFirst(4);
            });
        }

        protected override void BeforeEnd()
        {
            FeedFirst(8);
            Ensure(Source(1).State == SourceState.Idle, $"the second source is {Source(1).State}");
            _first!.Fail();
            Scheduler.Rest();
            Ensure(Two.Run is not null, $"nothing stands in: {Source(1).State}");
        }

        private void FeedFirst(int halfSeconds)
        {
            for (; halfSeconds > 0; halfSeconds--)
            {
                Time.Advance(TimeSpan.FromSeconds(0.5));
                _first!.Write(++_number);
                GraphLock.Point();
            }

            Scheduler.Rest();
        }
    }

    private sealed class StuckTwice : SourceScenario
    {
        protected override void Prepare()
        {
            One.IgnoresCancellation = true;
            Set("test:one");
            Set(new StreamDefinition("b") { Sources = ["test:one"] });
            var left = new List<ScheduledRun>();
            Lead(One, run =>
            {
                if (left.Count < 2)
                    left.Add(run);
            });
            var first = Hub.Lease("a");
            Scheduler.Rest();
            var second = Hub.Lease("b");
            Scheduler.Rest();
            first.Dispose();
            second.Dispose();
            Pass(6);
            Ensure(left.Count == 2, $"{left.Count} sessions");
            One.HadTwo = false; // of two streams, which may
            One.IgnoresCancellation = false;
            Scheduler.Spawn("first ends", left[0].End);
            Scheduler.Spawn("second ends", left[1].End);
            Scheduler.Spawn("lease", () =>
            {
                Lease();
                Scheduler.WaitUntil(() => One.Runs == 3, "the next session");
                Ensure(left.TrueForAll(run => run.HasEnded), "a session beside one that was left behind");
            });
        }
    }

    private sealed class MismatchJoin : SourceScenario
    {
        private Viewer? _viewer;

        protected override void Prepare()
        {
            Set("test:one");
            Lead(One, PublishVideo);
            Lease();
            Scheduler.Spawn("viewer", () =>
            {
                try
                {
                    _viewer = View(new Track(MediaKind.Audio, TrackDirection.ReceiveOnly, []));
                }
                catch (StreamException e)
                {
                    Ensure(e.Error == StreamError.CodecsNotMatched, e.Message);
                }
            });
        }

        protected override void BeforeEnd()
        {
            Ensure(
                _viewer is null or { State: SubscriptionState.Ended, Reason.Code: CloseCode.CodecMismatch }, "it waits for what does not come");
            _viewer?.Consumer.End();
        }
    }

    private sealed class MismatchAlone : SourceScenario
    {
        private Viewer? _viewer;

        protected override void Prepare()
        {
            Set("test:one");
            Lead(One, PublishVideo);
            Scheduler.Spawn("viewer", () =>
            {
                try
                {
                    _viewer = View(new Track(MediaKind.Audio, TrackDirection.ReceiveOnly, []));
                }
                catch (StreamException e)
                {
                    Ensure(e.Error == StreamError.CodecsNotMatched, e.Message);
                }
            });
        }

        protected override void BeforeEnd()
        {
            Ensure(_viewer is null or { State: SubscriptionState.Ended, Reason.Code: CloseCode.CodecMismatch }, $"{_viewer?.State}");
            _viewer?.Consumer.End();
        }
    }

    private sealed class AdoptJoin : SourceScenario
    {
        private readonly Viewer?[] _viewers = new Viewer?[2];

        protected override void Prepare()
        {
            var feed = Hub.Publish("a", Track.Of(TestMedia.Video));
            Lead(One, PublishVideo);
            _viewers[0] = View();
            feed.Close(CloseReason.Requested);
            Scheduler.Spawn("viewer", () =>
            {
                try
                {
                    _viewers[1] = View();
                }
                catch (StreamException e)
                {
                    Ensure(e.Error == StreamError.NotFound, e.Message);
                }
            });
            Scheduler.Spawn("change", () => Set("test:one"));
        }

        protected override void BeforeEnd()
        {
            foreach (var viewer in _viewers.OfType<Viewer>())
                Ensure(viewer.State == SubscriptionState.Fed, $"{viewer.State} with a source that is {Source().State}");
            Ensure(Hub.Find("a")!.GetSnapshot().Leases == _viewers.Count(viewer => viewer is not null), "not every viewer has a lease");
            foreach (var viewer in _viewers.OfType<Viewer>())
            {
                viewer.Subscription.Close(CloseReason.Requested);
                viewer.Consumer.End();
            }
        }
    }

    private sealed class ChangeUse : SourceScenario
    {
        protected override void Prepare()
        {
            Set("test:one");
            Lead(One, PublishVideo);
            Lease();
            Scheduler.Spawn("change", () => Set("test:one#media=video"));
            Scheduler.Spawn("lease", () => Lease(SourceMedia.Video));
        }

        protected override void BeforeEnd() => Ensure(Source().State == SourceState.Live, $"{Source().State} while it is leased");
    }

    // What a source's task does with its signal, in short; and the mistake that it must not make.
    private abstract class MiniTask : Scenario
    {
        protected readonly Signal _signal = new();
        protected bool _isWished;

        public sealed override void Start(ControlledScheduler scheduler)
        {
            scheduler.Spawn("task", () =>
            {
                while (!TakeAndLook(out var woken))
                    scheduler.WaitUntil(() => woken.IsCompleted, "the signal");
            });
            scheduler.Spawn("wish", () =>
            {
                _isWished = true;
                GraphLock.Point();
                _signal.Set();
            });
            scheduler.Spawn("other", _signal.Set);
        }

        public sealed override void Check()
        {
        }

        protected abstract bool TakeAndLook(out Task woken);
    }

    private sealed class SignalBeforeLook : MiniTask
    {
        protected override bool TakeAndLook(out Task woken)
        {
            woken = _signal.Take();
            GraphLock.Point();
            return _isWished;
        }
    }

    private sealed class SignalAfterLook : MiniTask
    {
        protected override bool TakeAndLook(out Task woken)
        {
            var isWished = _isWished;
            GraphLock.Point();
            woken = _signal.Take();
            return isWished;
        }
    }
}
