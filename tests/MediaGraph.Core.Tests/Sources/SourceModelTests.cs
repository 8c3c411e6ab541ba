using System.Collections.Immutable;
using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Scheduling;
using MediaGraph.Tests.Talk;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

// Rows: S4, S6, S10, S12, S13, S15, S18, T1; global laws 4, 6, 10.

/// <summary>
/// Whatever happens to a stream with a source, in whatever order: what is visible is what <see cref="SourceModel"/> says. Between two
/// steps everybody does what there is to do, in an order that is part of the story. <c>MEDIAGRAPH_FUZZ_SECONDS</c> makes it longer, with
/// other stories each run; a failure tells the shortest story that fails.
/// </summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class SourceModelTests
{
    private const int Stories = 500;

    private static readonly Gen<SourceStep> Steps =
        from kind in Gen.Frequency(
            Of(6, SourceStepKind.Join), Of(4, SourceStepKind.Leave), Of(2, SourceStepKind.Lease), Of(2, SourceStepKind.Release),
            Of(6, SourceStepKind.Publish), Of(4, SourceStepKind.Write), Of(2, SourceStepKind.Fail), Of(1, SourceStepKind.Return),
            Of(1, SourceStepKind.Finish), Of(2, SourceStepKind.Talk), Of(1, SourceStepKind.Hush), Of(1, SourceStepKind.Disable),
            Of(2, SourceStepKind.Enable), Of(1, SourceStepKind.Delete), Of(2, SourceStepKind.Add), Of(8, SourceStepKind.Pass))
        from number in Gen.Choose(0, 23)
        select new SourceStep(kind, number);

    private static readonly Arbitrary<Story> AllStories = Arb.From(
        from seed in Gen.Choose(0, int.MaxValue)
        from length in Gen.Choose(1, 40)
        from steps in Steps.ListOf(length)
        select new Story(seed, [.. steps]),
        story => story.Shorter());

    [Test]
    public void S6_S12_S18_What_a_stream_with_a_source_shows_is_what_the_model_says()
    {
        var isLong = double.TryParse(Environment.GetEnvironmentVariable("MEDIAGRAPH_FUZZ_SECONDS"), out var seconds);
        var watch = Stopwatch.StartNew();
        using var threads = new WorkerThreads();
        var seed = isLong ? (ulong)Environment.TickCount64 : 20_260;
        do
        {
            Prop.ForAll(AllStories, story => Tell(threads, story))
                .Check(Config.QuickThrowOnFailure.WithMaxTest(Stories).WithReplay(seed, 2 * seed + 1));
            seed += 1;
        }
        while (isLong && watch.Elapsed.TotalSeconds < seconds);
    }

    private static (int Weight, Gen<SourceStepKind> Gen) Of(int weight, SourceStepKind kind) => (weight, Gen.Constant(kind));

    private static void Tell(WorkerThreads threads, Story story)
    {
        var scheduler = new ControlledScheduler(threads, new RandomWalk(story.Seed), maxSteps: 1_000_000);
        var teller = new Teller(scheduler);
        scheduler.Spawn("story", () => teller.Tell(story.Steps));
        scheduler.Run(isLast: true);
        teller.CheckEnd();
    }

    /// <param name="Seed">Of the order in which the tasks run.</param>
    /// <param name="Steps">What happens.</param>
    private sealed record Story(int Seed, ImmutableArray<SourceStep> Steps)
    {
        public IEnumerable<Story> Shorter()
        {
            for (var size = Steps.Length / 2; size > 0; size /= 2)
            {
                for (var at = 0; at + size <= Steps.Length; at += size)
                    yield return this with { Steps = Steps.RemoveRange(at, size) };
            }

            for (var i = 0; i < Steps.Length; i++)
            {
                if (Steps[i].Number > 0)
                    yield return this with { Steps = Steps.SetItem(i, Steps[i] with { Number = 0 }) };
            }
        }

        public override string ToString() => $"(schedule {Seed})\n{string.Join('\n', Steps)}";
    }

    /// <summary>Does to a hub and to the model what a story says, and compares them after each step.</summary>
    private sealed class Teller
    {
        private static readonly Codec OtherVideo = new(MediaKind.Video, "OTHERVIDEO", 1000);

        private readonly ControlledScheduler _scheduler;
        private readonly FakeTimeProvider _time = new();
        private readonly ScheduledProtocol _protocol = new();
        private readonly SourceModel _model = new();
        private readonly List<(SourceModel.Party Model, Subscription Real, ScheduledConsumer Consumer)> _viewers = [];
        private readonly List<(SourceModel.Party Model, StreamLease Real)> _leases = [];
        private readonly List<(SourceModel.Party Model, TalkSession Real)> _talkers = [];
        private int _frame;
        private int _runsBefore; // of runners that are gone

        public Teller(ControlledScheduler scheduler)
        {
            _scheduler = scheduler;
            Hub = new StreamHub(
                new StreamHubOptions { Pool = new PacketPoolOptions { Diagnostics = false } }, timeProvider: _time)
            {
                NextRandom = () => 0.5,
            };
            Hub.AddSourceProtocol(_protocol);
        }

        private StreamHub Hub { get; }

        private ScheduledSource Source => _protocol["one"];

        public void Tell(ImmutableArray<SourceStep> steps)
        {
            Do(new SourceStep(SourceStepKind.Add, 0));
            for (var i = 0; i < steps.Length; i++)
            {
                Do(steps[i]);
                _scheduler.Rest();
                if (Difference() is { } difference)
                    throw new ScheduleException($"After step {i + 1}, \"{steps[i]}\": {difference}");
            }

            foreach (var (_, lease) in _leases)
                lease.Dispose();
            Wait(Hub.DisposeAsync().AsTask());
            foreach (var (_, subscription, consumer) in _viewers)
            {
                Ensure(subscription.State == SubscriptionState.Ended, "a viewer outlives the hub");
                consumer.End();
            }
        }

        public void CheckEnd()
        {
            Ensure(_time.ActiveTimers == 0, $"{_time.ActiveTimers} timers are left");
            Ensure(Source is { Run: null, HadTwo: false }, "sessions: one is left, or there were two at once");
            Ensure(Hub.Pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {Hub.Pool.GetStatistics()}");
            Ensure(Hub.GetSnapshot().Streams.IsEmpty, "a stream is left");
        }

        private void Do(SourceStep step)
        {
            switch (step.Kind)
            {
                case SourceStepKind.Join:
                    Join(step.Wanted);
                    break;
                case SourceStepKind.Leave:
                    if (Pick(_viewers, viewer => viewer.Model, step.Number) is { Real: not null } viewer)
                    {
                        _model.Leave(viewer.Model);
                        viewer.Real.Close(CloseReason.Requested);
                    }

                    break;
                case SourceStepKind.Lease:
                    var lease = Try(() => Hub.Lease("a", step.Leased));
                    var party = _model.Lease(step.Leased);
                    Ensure(lease is null == party is null, $"a lease is {(lease is null ? "refused" : "granted")}");
                    if (lease is not null)
                        _leases.Add((party!, lease));
                    break;
                case SourceStepKind.Release:
                    if (Pick(_leases, held => held.Model, step.Number) is { Real: not null } held)
                    {
                        _model.Leave(held.Model);
                        held.Real.Dispose();
                    }

                    break;
                case SourceStepKind.Publish when Source.Run is { Feed: null } run:
                    Publish(run, step.Offer.Media, step.Offer.IsOtherCodec);
                    _model.Publish(step.Offer.Media, step.Offer.IsOtherCodec);
                    break;
                case SourceStepKind.Write when Source.Run is { Feed: not null } run:
                    Ensure(run.Write(++_frame), "a frame goes nowhere");
                    _model.Write();
                    break;
                case SourceStepKind.Fail when Source.Run is { } run:
                    run.Fail();
                    _model.Fail();
                    break;
                case SourceStepKind.Return when Source.Run is { } run:
                    run.End();
                    _model.Fail();
                    break;
                case SourceStepKind.Finish when Source.Run is { } run:
                    run.Session.Finish();
                    run.End();
                    _model.Finish();
                    break;
                case SourceStepKind.Talk:
                    var talk = Try(() => Hub.Talk(new TalkRequest("a")));
                    var talker = _model.Talk();
                    Ensure(talk is null == talker is null, $"a talker is {(talk is null ? "refused" : "let in")}");
                    if (talk is not null)
                        _talkers.Add((talker!, talk));
                    break;
                case SourceStepKind.Hush:
                    if (Pick(_talkers, talking => talking.Model, step.Number) is { Real: not null } talking)
                    {
                        _model.Leave(talking.Model);
                        talking.Real.Close(CloseReason.Requested);
                    }

                    break;
                case SourceStepKind.Disable or SourceStepKind.Enable when _model.Exists:
                case SourceStepKind.Add:
                    var isEnabled = step.Kind != SourceStepKind.Disable;
                    Wait(Hub.SetStreamAsync(new StreamDefinition("a") { Sources = ["test:one"], IsEnabled = isEnabled }));
                    _model.Set(isEnabled);
                    break;
                case SourceStepKind.Delete:
                    _runsBefore = Source.Runs;
                    Ensure(GetResult(Hub.RemoveStreamAsync("a")) == _model.Exists, "another stream was deleted");
                    if (_model.Exists)
                        _model.Delete();
                    break;
                case SourceStepKind.Pass:
                    for (var i = 0; i < step.Time; i++)
                    {
                        _scheduler.Rest();
                        _time.Advance(TimeSpan.FromSeconds(0.25));
                        _model.Pass();
                    }

                    break;
            }
        }

        private void Join(SourceMedia wants)
        {
            var consumer = new ScheduledConsumer(_scheduler, Hub.Pool);
            IReadOnlyList<Track>? wanted = wants switch
            {
                SourceMedia.Video => [new Track(MediaKind.Video, TrackDirection.ReceiveOnly, [TestMedia.Video])],
                SourceMedia.Audio => [new Track(MediaKind.Audio, TrackDirection.ReceiveOnly, [])],
                _ => null,
            };
            var subscription = Try(() => GetResult(Hub.SubscribeAsync(
                new SubscribeRequest("a") { Wanted = wanted }, consumer.Writer, ScheduledConsumer.SharedFormat, default).AsTask()));
            subscription?.Start();
            var party = _model.Join(wants);
            if (subscription is not null && party is not null)
                _viewers.Add((party, subscription, consumer));
            else
                consumer.End();
            var isIn = subscription is not null && subscription.State != SubscriptionState.Ended;
            Ensure(isIn == party is { HasEnded: false }, $"a viewer is {(isIn ? "let in" : "refused")}");
        }

        private static void Publish(ScheduledRun run, SourceMedia media, bool isOtherCodec)
        {
            var tracks = new List<Track>();
            if (media.HasFlag(SourceMedia.Video))
                tracks.Add(Track.Of(isOtherCodec ? OtherVideo : TestMedia.Video, "video"));
            if (media.HasFlag(SourceMedia.Audio))
                tracks.Add(Track.Of(TestMedia.Audio, "audio"));
            var isLive = run.TryPublish(new PublishRequest("a")
            {
                Tracks = tracks,
                Speaker = media.HasFlag(SourceMedia.Talk) ? new TestSpeaker() : null,
            });
            Ensure(isLive, "a session that is not over cannot publish");
        }

        private string? Difference()
        {
            var stream = Hub.Find("a")?.GetSnapshot();
            if (stream is not null != _model.Exists)
                return $"the stream is {(stream is null ? "gone" : "there")}";
            for (var i = 0; i < _viewers.Count; i++)
            {
                if (_viewers[i].Real.State != _model.StateOf(_viewers[i].Model))
                    return $"viewer {i} is {_viewers[i].Real.GetSnapshot()}, not {_model.StateOf(_viewers[i].Model)}";
            }

            for (var i = 0; i < _talkers.Count; i++)
            {
                if (_talkers[i].Real.State == TalkState.Ended != _talkers[i].Model.HasEnded)
                    return $"talker {i} is {_talkers[i].Real.State}";
            }

            if (stream is null)
                return Source.Run is null ? null : "a session outlives its stream";
            var source = stream.Sources[0];
            return source.State != _model.State ? $"the source is {source}, not {_model.State}"
                : stream.Leases != _model.Held ? $"{stream.Leases} leases, not {_model.Held}"
                : Source.Runs != _model.Runs ? $"{Source.Runs} sessions, not {_model.Runs}"
                : null;
        }

        private static T? Pick<T>(List<T> all, Func<T, SourceModel.Party> model, int number)
        {
            var there = all.Where(one => !model(one).HasEnded).ToList();
            return there.Count == 0 ? default : there[number % there.Count];
        }

        private static T? Try<T>(Func<T> action) where T : class
        {
            try
            {
                return action();
            }
            catch (StreamException)
            {
                return null;
            }
        }

        private static void Wait(Task task) => GetResult(Task.FromResult(task)).GetAwaiter().GetResult();

        private static T GetResult<T>(Task<T> task)
        {
            Ensure(task.IsCompleted, "something waits where the scheduler does not see it");
            return task.GetAwaiter().GetResult();
        }

        private static void Ensure(bool holds, string what)
        {
            if (!holds)
                throw new ScheduleException(what);
        }
    }
}
