using System.Threading.Channels;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Scheduling;
using NUnit.Framework;

namespace MediaGraph.Tests.Streams;

// Rows: G5, G10.

/// <summary>Streams under a scheduler that chooses the interleaving.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class StreamSchedules
{
    [Test]
    public void G10_Of_two_publishers_one_wins() => Explorer.Run<PublishPublish>(3000);

    [Test]
    public void G10_Of_two_publishers_that_may_replace_one_stays_and_the_other_is_told() => Explorer.Run<ReplaceReplace>(3000);

    [Test]
    public void G10_No_packet_of_a_revoked_feed_is_on_its_way() => Explorer.Run<RevokeWrite>(3000);

    [Test]
    public void A_subscriber_at_the_end_of_a_feed_waits_or_is_told() => Explorer.Run<SubscribeEndTimer>(4500);

    [Test]
    public void A_publisher_that_returns_while_the_last_consumer_leaves_is_heard() => Explorer.Run<LeaveReturn>(4500);

    [Test]
    public void A_consumer_of_a_publisher_that_returned_is_fed_and_knows_it() => Explorer.Run<EndReturn>(4500);

    [Test]
    public void G5_A_subscription_that_everyone_closes_ends_once() => Explorer.Run<EveryoneCloses>(3000);

    [Test]
    public void A_late_track_reaches_a_consumer_that_is_just_starting() => Explorer.Run<LateTrack>(3000);

    [Test]
    public void G9_Sound_and_pictures_of_a_joiner_begin_together() => Explorer.Run<JoinBetweenGroups>(3000);

    private abstract class StreamScenario : Scenario
    {
        private EventSubscription _events = null!;

        protected ControlledScheduler Scheduler { get; private set; } = null!;

        protected FakeTimeProvider Time { get; } = new();

        protected StreamHub Hub { get; private set; } = null!;

        protected virtual StreamHubOptions Options => new();

        public sealed override void Start(ControlledScheduler scheduler)
        {
            Scheduler = scheduler;
            Hub = new StreamHub(Options with { Pool = new PacketPoolOptions { Diagnostics = false } }, timeProvider: Time);
            _events = Hub.Events.Subscribe();
            Prepare();
        }

        public sealed override void Finish()
        {
            BeforeEnd();
            var disposed = Hub.DisposeAsync().AsTask();
            Ensure(disposed.IsCompletedSuccessfully, "the hub's end waits for something");
        }

        public sealed override void Check()
        {
            Ensure(Hub.GetSnapshot().Streams.IsEmpty, "a stream is left");
            Ensure(Time.ActiveTimers == 0, "a timer is left");
            CheckEvents(Read(_events.Reader));
            AfterEnd();
            Ensure(Hub.Pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {Hub.Pool.GetStatistics()}");
        }

        protected abstract void Prepare();

        protected abstract void BeforeEnd();

        protected virtual void AfterEnd()
        {
        }

        protected Feed Publish(string who = "code", Action<CloseReason>? onRevoked = null)
        {
            var started = Hub.PublishAsync(
                new PublishRequest("a") { Peer = new Peer(who), Tracks = [Track.Of(TestMedia.Video)], OnRevoked = onRevoked }, default).AsTask();
            Ensure(started.IsCompleted, "publishing waits for something");
            return started.GetAwaiter().GetResult();
        }

        protected Subscription Subscribe(ScheduledConsumer consumer, Action<SubscriptionState, CloseReason?>? onStateChanged = null)
        {
            var started = Hub.SubscribeAsync(
                new SubscribeRequest("a") { OnStateChanged = onStateChanged }, consumer.Writer, ScheduledConsumer.SharedFormat,
                default).AsTask();
            Ensure(started.IsCompleted, "subscribing waits for something");
            return started.GetAwaiter().GetResult();
        }

        protected bool Write(Feed feed, int number, bool isKeyframe = false) =>
            feed.Tracks[0].Write(TestMedia.Payload(number), TimeSpan.FromMilliseconds(number), isKeyframe: isKeyframe);

        protected ScheduledConsumer NewConsumer() => new(Scheduler, Hub.Pool);

        // Of each publisher and player: started, then stopped. Counts change by one.
        private static void CheckEvents(List<MediaEvent> events)
        {
            var publishing = new HashSet<string>();
            var (playing, count) = (0, 0);
            foreach (var mediaEvent in events)
            {
                switch (mediaEvent)
                {
                    case PublishStarted started:
                        Ensure(publishing.Add(started.Protocol), $"{started.Protocol} started twice: {Text(events)}");
                        break;
                    case PublishStopped stopped:
                        Ensure(publishing.Remove(stopped.Protocol), $"{stopped.Protocol} stopped before it had started: {Text(events)}");
                        break;
                    case PlayStarted:
                        playing++;
                        break;
                    case PlayStopped:
                        Ensure(--playing >= 0, $"a player stopped before it had started: {Text(events)}");
                        break;
                    case ConsumerCountChanged changed:
                        Ensure(Math.Abs(changed.Count - count) == 1 && changed.Count >= 0, $"I13: {count} consumers, then {changed.Count}");
                        count = changed.Count;
                        break;
                }
            }

            Ensure(publishing.Count == 0 && playing == 0 && count == 0, $"not everything ended: {Text(events)}");
        }

        private static string Text(List<MediaEvent> events) => string.Join(", ", events.Select(e => e switch
        {
            PublishStarted s => $"+{s.Protocol}",
            PublishStopped s => $"-{s.Protocol}",
            ConsumerCountChanged c => $"={c.Count}",
            _ => e.GetType().Name,
        }));

        private static List<MediaEvent> Read(ChannelReader<MediaEvent> reader)
        {
            var events = new List<MediaEvent>();
            while (reader.TryRead(out var mediaEvent))
                events.Add(mediaEvent);
            return events;
        }
    }

    private sealed class PublishPublish : StreamScenario
    {
        private readonly Feed?[] _feeds = new Feed?[3];

        protected override void Prepare()
        {
            for (var i = 0; i < 3; i++)
            {
                var self = i;
                Scheduler.Spawn($"publisher {self}", () =>
                {
                    try
                    {
                        _feeds[self] = Publish($"p{self}", _ => throw new ScheduleException("a winner was revoked"));
                        Ensure(Write(_feeds[self]!, 0, isKeyframe: true), "the winner cannot write");
                    }
                    catch (StreamException e)
                    {
                        Ensure(e.Error == StreamError.AlreadyPublished, e.Message);
                    }
                });
            }
        }

        protected override void BeforeEnd()
        {
            var winner = _feeds.Single(feed => feed is not null)!;
            Ensure(Hub.Find("a")!.IsPublished, "nobody publishes");
            winner.Close(CloseReason.Requested);
            Publish("next").Close(CloseReason.Requested);
        }
    }

    private sealed class ReplaceReplace : StreamScenario
    {
        private readonly Feed[] _feeds = new Feed[3];
        private readonly int[] _revoked = new int[3];

        protected override StreamHubOptions Options => new() { OnPublisherConflict = PublisherConflict.Replace };

        protected override void Prepare()
        {
            for (var i = 0; i < 3; i++)
            {
                var self = i;
                Scheduler.Spawn($"publisher {self}", () => _feeds[self] = Publish($"p{self}", _ => _revoked[self]++));
            }
        }

        protected override void BeforeEnd()
        {
            var live = Enumerable.Range(0, 3).Where(i => Write(_feeds[i], 0, isKeyframe: true)).ToList();
            Ensure(live.Count == 1, $"{live.Count} feeds are live");
            Ensure(_revoked.Sum() == 2 && _revoked[live[0]] == 0, "not exactly the others were told");
            _feeds[live[0]].Close(CloseReason.Requested);
            Ensure(_revoked.Sum() == 2, "a feed's own end is no revocation");
        }
    }

    private sealed class RevokeWrite : StreamScenario
    {
        private ScheduledConsumer _consumer = null!;
        private bool _revoked;

        protected override StreamHubOptions Options => new() { OnPublisherConflict = PublisherConflict.Replace };

        protected override void Prepare()
        {
            _consumer = NewConsumer();
            var first = Publish("first");
            Subscribe(_consumer).Start();
            Scheduler.Spawn("first", () =>
            {
                for (var number = 0; number < 4; number++)
                {
                    var revoked = _revoked;
                    Ensure(!(Write(first, number, isKeyframe: true) && revoked), "a revoked feed wrote");
                }
            });
            Scheduler.Spawn("second", () =>
            {
                var second = Publish("second");
                _revoked = true;
                Ensure(Write(second, 100, isKeyframe: true), "the second feed cannot write");
                Ensure(Write(second, 101), "the second feed cannot write");
            });
        }

        protected override void BeforeEnd()
        {
            Scheduler.WaitUntil(
                () => _consumer.Writer.GetStatistics().Depth == 0, "the queue to be empty");
            var numbers = _consumer.Numbers();
            Ensure(numbers is [.., 100, 101] && numbers[..^2].IsContiguous(), numbers.Text());
            _consumer.End();
        }
    }

    private sealed class SubscribeEndTimer : StreamScenario
    {
        private readonly List<string> _states = [];
        private readonly CloseReason?[] _ended = new CloseReason?[2];
        private readonly Subscription?[] _subscriptions = new Subscription?[2];

        protected override void Prepare()
        {
            var feed = Publish();
            for (var i = 0; i < 2; i++)
            {
                var self = i;
                Scheduler.Spawn($"subscriber {self}", () =>
                {
                    try
                    {
                        _subscriptions[self] = Subscribe(NewConsumer(), (state, reason) =>
                        {
                            _states.Add($"{self} {state}");
                            if (state == SubscriptionState.Ended)
                                _ended[self] = reason;
                        });
                        GraphLock.Point();
                        _subscriptions[self]!.Start();
                    }
                    catch (StreamException e)
                    {
                        Ensure(e.Error == StreamError.NotFound, e.Message);
                    }
                });
            }

            Scheduler.Spawn("end", () => feed.Close(new CloseReason(CloseCode.PeerClosed, "bye")));
            Scheduler.Spawn("time", () =>
            {
                Time.Advance(TimeSpan.FromSeconds(5));
                GraphLock.Point();
                Time.Advance(TimeSpan.FromSeconds(5));
            });
        }

        protected override void BeforeEnd()
        {
            for (var i = 0; i < 2; i++)
            {
                var state = _subscriptions[i]?.State;
                Ensure(state is null or SubscriptionState.Waiting or SubscriptionState.Ended, $"{state} without a publisher");
                Ensure(state != SubscriptionState.Ended || _ended[i] is { Code: CloseCode.PublisherLeft }, "ended without a word");
            }

            var isWaiting = _subscriptions.Any(s => s?.State == SubscriptionState.Waiting);
            Ensure(Time.ActiveTimers == (isWaiting ? 1 : 0), $"{Time.ActiveTimers} timers");
            Ensure((Hub.Find("a") is not null) == isWaiting, "the name is kept for nobody");
            Time.Advance(TimeSpan.FromSeconds(10));
            for (var i = 0; i < 2; i++)
                Ensure(_subscriptions[i] is null || _ended[i] is not null, "waits for ever");
            Ensure(_states.Count(s => s == "0 Ended") <= 1, "told twice");
        }
    }

    private sealed class LeaveReturn : StreamScenario
    {
        private ScheduledConsumer _late = null!;
        private Feed _second = null!;
        private Subscription _subscription = null!;

        protected override void Prepare()
        {
            var first = Publish("first");
            _subscription = Subscribe(NewConsumer());
            _subscription.Start();
            Write(first, 0, isKeyframe: true);
            _late = NewConsumer();
            first.Close(CloseReason.Requested);
            Scheduler.Spawn("leave", () => _subscription.Close(CloseReason.Requested));
            Scheduler.Spawn("return", () =>
            {
                _second = Publish("second");
                Ensure(Write(_second, 1, isKeyframe: true), "the returned feed cannot write");
            });
            Scheduler.Spawn("time", () => Time.Advance(TimeSpan.FromSeconds(10)));
        }

        protected override void BeforeEnd()
        {
            Ensure(Hub.Find("a") is { IsPublished: true }, "the returned publisher is not found");
            Ensure(Time.ActiveTimers == 0, "a timer is left");
            Subscribe(_late).Start();
            Ensure(Write(_second, 2), "the returned feed cannot write");
            Scheduler.WaitUntil(() => _late.Writer.GetStatistics().Depth == 0, "the queue to be empty");
            Ensure(_late.Numbers() is [1, 2], _late.Numbers().Text());
            _late.End();
        }
    }

    private sealed class EndReturn : StreamScenario
    {
        private readonly List<SubscriptionState> _told = [];
        private ScheduledConsumer _consumer = null!;
        private Subscription _subscription = null!;
        private Feed _second = null!;

        protected override void Prepare()
        {
            _consumer = NewConsumer();
            var first = Publish("first");
            _subscription = Subscribe(_consumer, (state, _) => _told.Add(state));
            _subscription.Start();
            Write(first, 0, isKeyframe: true);
            Scheduler.Spawn("end", () => first.Close(CloseReason.Requested));
            Scheduler.Spawn("return", () =>
            {
                while (true)
                {
                    try
                    {
                        _second = Publish("second");
                        break;
                    }
                    catch (StreamException)
                    {
                        Scheduler.WaitUntil(() => Hub.Find("a") is not { IsPublished: true }, "the name to be free");
                    }
                }

                Write(_second, 1, isKeyframe: true);
            });
        }

        protected override void BeforeEnd()
        {
            Ensure(_subscription.State == SubscriptionState.Fed, $"{_subscription.State} while it is fed");
            Ensure(_told.Count == 0 || _told[^1] == SubscriptionState.Fed, "last told: " + string.Join(' ', _told));
            Ensure(Time.ActiveTimers == 0, "a timer is left");
            Write(_second, 2);
            Scheduler.WaitUntil(() => _consumer.Writer.GetStatistics().Depth == 0, "the queue to be empty");
            Ensure(_consumer.Numbers() is [0, 1, 2], _consumer.Numbers().Text());
            _consumer.End();
        }
    }

    private sealed class EveryoneCloses : StreamScenario
    {
        private readonly List<CloseReason?> _ended = [];
        private ScheduledConsumer _consumer = null!;
        private Subscription _subscription = null!;

        protected override StreamHubOptions Options => new() { WaitForPublisher = TimeSpan.Zero };

        protected override void Prepare()
        {
            _consumer = NewConsumer();
            var feed = Publish();
            _subscription = Subscribe(_consumer, (state, reason) =>
            {
                if (state == SubscriptionState.Ended)
                    _ended.Add(reason);
            });
            Scheduler.Spawn("start", _subscription.Start);
            Scheduler.Spawn("subscription", () => _subscription.Close(CloseReason.Requested));
            Scheduler.Spawn("feed", () => feed.Close(CloseReason.Requested));
            Scheduler.Spawn("hub", () => Ensure(Hub.DisposeAsync().AsTask().IsCompletedSuccessfully, "the hub waits"));
            Scheduler.Spawn("publish", () => Write(feed, 0, isKeyframe: true));
        }

        protected override void BeforeEnd()
        {
            Ensure(_ended.Count == 1, $"told {_ended.Count} times that it ended");
            Ensure(_subscription.State == SubscriptionState.Ended, "not ended");
            _consumer.End();
        }
    }

    private sealed class LateTrack : StreamScenario
    {
        private ScheduledConsumer _consumer = null!;
        private Feed _feed = null!;

        protected override void Prepare()
        {
            _consumer = NewConsumer();
            _feed = Publish();
            Write(_feed, 0, isKeyframe: true);
            var subscription = Subscribe(_consumer);
            Scheduler.Spawn("start", subscription.Start);
            Scheduler.Spawn("late track", () =>
            {
                var audio = _feed.AddTrack(Track.Of(TestMedia.Audio));
                audio.Write(TestMedia.Payload(1), TimeSpan.FromMilliseconds(1));
                audio.Write(TestMedia.Payload(2), TimeSpan.FromMilliseconds(2));
            });
        }

        protected override void BeforeEnd()
        {
            Write(_feed, 3);
            _feed.Tracks[1].Write(TestMedia.Payload(3), TimeSpan.FromMilliseconds(3));
            Scheduler.WaitUntil(() => _consumer.Writer.GetStatistics().Depth == 0, "the queue to be empty");
            Ensure(_consumer.Numbers() is [0, 3], _consumer.Numbers().Text());
            Ensure(_consumer.Numbers('A') is [.., 3] && _consumer.Numbers('A').IsContiguous(), _consumer.Numbers('A').Text());
            _consumer.End();
        }
    }

    private sealed class JoinBetweenGroups : StreamScenario
    {
        private ScheduledConsumer _consumer = null!;
        private Subscription _subscription = null!;
        private Feed _feed = null!;

        protected override void Prepare()
        {
            _consumer = NewConsumer();
            _feed = Publish();
            _feed.AddTrack(Track.Of(TestMedia.Audio));
            Group(0);
            _subscription = Subscribe(_consumer);
            Scheduler.Spawn("start", _subscription.Start);
            Scheduler.Spawn("publish", () => Group(4));
        }

        protected override void BeforeEnd()
        {
            WriteOne(0, 8);
            WriteOne(1, 9);
            Scheduler.WaitUntil(() => _consumer.Writer.GetStatistics().Depth == 0, "the queue to be empty");
            var (video, audio) = (_consumer.Numbers(), _consumer.Numbers('A'));
            Ensure(video is [0, 2, 4, 6, 8] or [4, 6, 8], video.Text());
            Ensure(audio.SequenceEqual(video.Select(number => number + 1)), $"{audio.Text()} with {video.Text()}");
            var packets = _subscription.GetSnapshot().Packets;
            Ensure((packets.Offered, packets.Delivered, packets.Queued) == (video.Count * 2, video.Count * 2, 0), packets.ToString());
            _consumer.End();
        }

        private void Group(int first)
        {
            for (var number = first; number < first + 4; number++)
                WriteOne(number & 1, number);
        }

        private void WriteOne(int track, int number) => _feed.Tracks[track].Write(
            TestMedia.Payload(number), TimeSpan.FromMilliseconds(number), isKeyframe: track == 0 && number % 4 == 0);
    }
}
