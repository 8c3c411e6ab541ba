using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Scheduling;
using NUnit.Framework;

namespace MediaGraph.Tests.Talk;

// Rows: T1, T6, R3, S8.

/// <summary>Talks under a scheduler that chooses the interleaving.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class TalkSchedules
{
    [Test]
    public void T1_Of_two_talkers_that_race_for_the_place_one_is_heard() => Explorer.Run<TalkTalk>(3000);

    [Test]
    public void T1_A_talker_that_leaves_while_the_device_opens_leaves_the_place() => Explorer.Run<LeaveOpening>(3000);

    [Test]
    public void A_feed_that_ends_while_the_device_opens_ends_its_talks() => Explorer.Run<EndOpening>(3000);

    [Test]
    public void S8_A_speaker_offered_or_asked_for_at_the_end_of_its_feed_keeps_nobody() => Explorer.Run<OfferEnd>(3000);

    [Test]
    public void A_talker_at_the_edge_of_silence_is_heard_or_starts_anew() => Explorer.Run<SilenceWrite>(3000);

    [Test]
    public void A_device_that_fails_while_talkers_come_and_go_is_left_alone() => Explorer.Run<FailTalk>(3000);

    private abstract class TalkScenario : Scenario
    {
        private EventSubscription _events = null!;

        protected ControlledScheduler Scheduler { get; private set; } = null!;

        protected FakeTimeProvider Time { get; } = new();

        protected StreamHub Hub { get; private set; } = null!;

        protected Feed Feed { get; private set; } = null!;

        protected ScheduledSpeaker Speaker { get; private set; } = null!;

        /// <summary>Packets that were taken, over all talkers.</summary>
        protected int Taken { get; private set; }

        public sealed override void Start(ControlledScheduler scheduler)
        {
            Scheduler = scheduler;
            Speaker = new ScheduledSpeaker(scheduler);
            Hub = new StreamHub(new StreamHubOptions { Pool = new PacketPoolOptions { Diagnostics = false } }, timeProvider: Time)
            {
                NextRandom = () => 0.5,
            };
            _events = Hub.Events.Subscribe();
            Feed = Hub.Publish("a");
            Prepare();
        }

        public sealed override void Finish()
        {
            Speaker.IsOpen = true;
            BeforeEnd();
            Feed.Close(CloseReason.Requested);
            Scheduler.WaitUntil(() => Hub.TalkPlaces == 0, "the last call to the speaker to end");
            Ensure(Hub.DisposeAsync().AsTask().IsCompletedSuccessfully, "the hub's end waits for something");
        }

        public sealed override void Check()
        {
            Ensure(Time.ActiveTimers == 0, "a timer is left");
            Ensure(Speaker.Lines == 0, "a line is left");
            Ensure(Hub.Pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {Hub.Pool.GetStatistics()}");
            var (isTalking, packets) = (false, 0L);
            while (_events.Reader.TryRead(out var mediaEvent))
            {
                switch (mediaEvent)
                {
                    case TalkStarted:
                        Ensure(!isTalking, "two talks at once");
                        isTalking = true;
                        break;
                    case TalkStopped stopped:
                        Ensure(isTalking, "a talk stopped before it had started");
                        (isTalking, packets) = (false, packets + stopped.Packets);
                        break;
                }
            }

            Ensure(!isTalking, "a talk did not stop");
            Ensure(packets == Speaker.Heard.Count, $"{packets} packets were told of, {Speaker.Heard.Count} heard");
            Ensure(Speaker.Heard.Count <= Taken && Speaker.Heard.Distinct().Count() == Speaker.Heard.Count, "packets from nowhere");
        }

        protected abstract void Prepare();

        protected abstract void BeforeEnd();

        protected TalkResult Write(TalkSession talk, int number)
        {
            var result = talk.Write(TestMedia.Payload(number), TimeSpan.FromMilliseconds(number));
            if (result == TalkResult.Taken)
                Taken++;
            return result;
        }

        /// <summary>Someone who comes now is heard: the place is free, the device well.</summary>
        protected void EnsureHeard(int number)
        {
            var talk = Hub.Talk(new TalkRequest("a"));
            Ensure(Write(talk, number) == TalkResult.Taken, "the place is not free");
            Scheduler.WaitUntil(() => Speaker.Heard.Contains(number), "the device to hear it");
            Ensure(talk.State == TalkState.Talking, $"{talk.State} while it is heard");
            talk.Close(CloseReason.Requested);
        }
    }

    private sealed class TalkTalk : TalkScenario
    {
        private readonly TalkSession[] _talks = new TalkSession[2];
        private TalkSession? _holder;

        protected override void Prepare()
        {
            Speaker.IsOpen = true;
            Feed.OfferSpeaker(Speaker);
            for (var i = 0; i < 2; i++)
            {
                var self = i;
                _talks[i] = Hub.Talk(new TalkRequest("a"));
                Scheduler.Spawn($"talker {i}", () =>
                {
                    for (var number = 0; number < 3; number++)
                    {
                        var result = Write(_talks[self], (100 * self) + number);
                        Ensure(result is TalkResult.Taken or TalkResult.Busy, $"{result}");
                        if (result == TalkResult.Taken)
                            Ensure((_holder ??= _talks[self]) == _talks[self], "two have the place");
                        else
                            Ensure(_holder != _talks[self], "the holder is told that it is busy");
                    }
                });
            }
        }

        protected override void BeforeEnd()
        {
            Scheduler.WaitUntil(() => Speaker.Heard.Count == Taken, "all that was taken to be heard");
            Ensure(Speaker.Opens == 1, $"opened {Speaker.Opens} times");
            Ensure(Speaker.Heard.Select(number => number / 100).Distinct().Count() == 1, "two were heard");
            _holder!.Close(CloseReason.Requested);
            Ensure(Write(_talks[_holder == _talks[0] ? 1 : 0], 999) == TalkResult.Taken, "the place is not free for the other");
        }
    }

    private sealed class LeaveOpening : TalkScenario
    {
        private TalkSession _first = null!;
        private TalkSession _second = null!;

        protected override void Prepare()
        {
            Feed.OfferSpeaker(Speaker);
            _first = Hub.Talk(new TalkRequest("a"));
            _second = Hub.Talk(new TalkRequest("a"));
            Scheduler.Spawn("first", () =>
            {
                Write(_first, 1);
                GraphLock.Point();
                _first.Close(CloseReason.Requested);
                Ensure(Write(_first, 2) == TalkResult.Ended, "it talks after its end");
            });
            Scheduler.Spawn("second", () =>
            {
                Write(_second, 101);
                _second.Stop();
            });
            Scheduler.Spawn("device", () => Speaker.IsOpen = true);
        }

        protected override void BeforeEnd()
        {
            EnsureHeard(1000);
            Ensure(_first.State == TalkState.Ended, $"{_first.State}");
            Ensure(_second.State == TalkState.Idle, $"{_second.State} after it stopped");
            Ensure(Speaker.Opens <= 3, "it was opened more than once per change");
        }
    }

    private sealed class EndOpening : TalkScenario
    {
        private readonly List<TalkState> _states = [];
        private TalkSession _talk = null!;

        protected override void Prepare()
        {
            Feed.OfferSpeaker(Speaker);
            _talk = Hub.Talk(new TalkRequest("a") { OnStateChanged = (state, _) => _states.Add(state) });
            Scheduler.Spawn("talker", () =>
            {
                Write(_talk, 1);
                Write(_talk, 2);
            });
            Scheduler.Spawn("device", () => Speaker.IsOpen = true);
            Scheduler.Spawn("end", () => Feed.Close(new CloseReason(CloseCode.PeerClosed, "bye")));
        }

        protected override void BeforeEnd()
        {
            Ensure(_talk.State == TalkState.Ended && _talk.Reason!.Code == CloseCode.PublisherLeft, $"{_talk.State}, {_talk.Reason}");
            Scheduler.WaitUntil(() => Hub.TalkPlaces == 0, "the last call to the speaker to end");
            Ensure(_states[^1] == TalkState.Ended && _states.Distinct().Count() == _states.Count, string.Join(' ', _states));
        }
    }

    private sealed class OfferEnd : TalkScenario
    {
        private TalkSession? _talk;

        protected override void Prepare()
        {
            Scheduler.Spawn("offer", () => Feed.OfferSpeaker(Speaker));
            Scheduler.Spawn("end", () => Feed.Close(CloseReason.Requested));
            Scheduler.Spawn("talker", () =>
            {
                try
                {
                    _talk = Hub.Talk(new TalkRequest("a"));
                    Write(_talk, 1);
                }
                catch (StreamException e)
                {
                    Ensure(e.Error is StreamError.NotFound or StreamError.NoSpeaker, e.Message);
                }
            });
        }

        protected override void BeforeEnd()
        {
            Ensure(_talk is null || _talk.State == TalkState.Ended, "a talk outlived its feed");
            Ensure(Hub.Find("a") is null, "the stream is left");
        }
    }

    private sealed class SilenceWrite : TalkScenario
    {
        private TalkSession _talk = null!;

        protected override void Prepare()
        {
            Speaker.IsOpen = true;
            Feed.OfferSpeaker(Speaker);
            _talk = Hub.Talk(new TalkRequest("a"));
            Scheduler.Spawn("talker", () =>
            {
                for (var number = 0; number < 3; number++)
                    Ensure(Write(_talk, number) == TalkResult.Taken, "nobody else talks");
            });
            Scheduler.Spawn("time", () =>
            {
                for (var i = 0; i < 2; i++)
                {
                    Time.Advance(TimeSpan.FromSeconds(10));
                    GraphLock.Point();
                }
            });
        }

        protected override void BeforeEnd()
        {
            Write(_talk, 3);
            Scheduler.WaitUntil(() => Speaker.Heard.Contains(3), "the last packet to be heard");
            Ensure(Speaker.Opens <= 4, $"opened {Speaker.Opens} times");
            Ensure(Time.ActiveTimers == 1, "nobody watches for silence");
            Time.Advance(TimeSpan.FromSeconds(10));
            Scheduler.WaitUntil(() => Speaker.Lines == 0 && Time.ActiveTimers == 0, "silence to end the talk");
            Ensure(_talk.State == TalkState.Idle, $"{_talk.State} after silence");
        }
    }

    private sealed class FailTalk : TalkScenario
    {
        private readonly TalkSession[] _talks = new TalkSession[2];

        protected override void Prepare()
        {
            Speaker.IsOpen = true;
            Speaker.FailsWrites = true;
            Feed.OfferSpeaker(Speaker);
            for (var i = 0; i < 2; i++)
            {
                var self = i;
                _talks[i] = Hub.Talk(new TalkRequest("a"));
                Scheduler.Spawn($"talker {i}", () =>
                {
                    Write(_talks[self], (100 * self) + 1);
                    Write(_talks[self], (100 * self) + 2);
                    if (self == 1)
                        _talks[self].Stop();
                });
            }
        }

        protected override void BeforeEnd()
        {
            Scheduler.WaitUntil(() => Hub.Find("a")!.TalkPlace!.IsResting, "the line to be closed");
            Ensure(Speaker.Lines == 0, "the broken line is open");
            Ensure(Speaker.Opens <= 2, $"a failed device was opened {Speaker.Opens} times");
            Speaker.FailsWrites = false;
            Time.Advance(TimeSpan.FromSeconds(2));
            EnsureHeard(1000);
        }
    }

    /// <summary>A device whose calls wait, as the scheduler sees, until they may go on.</summary>
    private sealed class ScheduledSpeaker(ControlledScheduler scheduler) : ISpeaker, ITalkLine
    {
        public Track Track { get; } = new(MediaKind.Audio, TrackDirection.ReceiveOnly, [TestSpeaker.Pcma]);

        public bool IsOpen { get; set; }

        public bool FailsWrites { get; set; }

        public int Opens { get; private set; }

        public int Lines { get; private set; }

        public List<int> Heard { get; } = [];

        public ValueTask<ITalkLine> OpenAsync(Codec codec, CancellationToken cancellationToken)
        {
            Ensure(++Lines == 1, "two lines at once");
            Opens++;
            scheduler.WaitUntil(() => IsOpen || cancellationToken.IsCancellationRequested, "the device to listen");
            if (IsOpen)
                return new ValueTask<ITalkLine>(this);
            Lines--;
            return ValueTask.FromCanceled<ITalkLine>(cancellationToken);
        }

        public ValueTask WriteAsync(MediaPacket packet, CancellationToken cancellationToken)
        {
            scheduler.Point();
            if (FailsWrites)
                return ValueTask.FromException(new IOException());
            Heard.Add(TestMedia.NumberOf(packet));
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            scheduler.Point();
            Lines--;
            return ValueTask.CompletedTask;
        }

        private static void Ensure(bool holds, string what)
        {
            if (!holds)
                throw new ScheduleException(what);
        }
    }
}
