using MediaGraph.Delivery;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Scheduling;
using NUnit.Framework;

namespace MediaGraph.Tests.Delivery;

// Rows: C9, C13, C16, G4, G9.

/// <summary>The queue of a connection under a scheduler that chooses the interleaving; the transport takes a few bytes at a time.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class QueueSchedules
{
    [Test]
    public void C9_C13_G4_Offering_removing_draining_and_closing_race_and_every_unit_is_whole() => Explorer.Run<OfferRemoveDrainClose>(4500);

    [Test]
    public void G9_Short_writes_lose_and_tear_nothing() => Explorer.Run<ShortWrites>(3000);

    [Test]
    public void C16_After_drops_the_next_picture_is_a_keyframe_under_any_schedule() => Explorer.Run<Overflow>(4500);

    [Test]
    public void Two_senders_that_join_late_start_together_in_order() => Explorer.Run<JoinOfTwo>(4500);

    private static Receiver NewReceiver(Codec codec) => new(Track.Of(codec));

    private sealed class OfferRemoveDrainClose : Scenario
    {
        private readonly PacketPool _pool = TestMedia.Pool();
        private readonly Receiver _video = NewReceiver(TestMedia.Video);
        private readonly Receiver _audio = NewReceiver(TestMedia.Audio);
        private ScheduledConsumer _consumer = null!;
        private long _offeredAtRemoval;
        private int _sentAtEnd;

        public override void Start(ControlledScheduler scheduler)
        {
            _consumer = new ScheduledConsumer(scheduler, _pool, allowance: 13);
            var (video, audio) = (_consumer.CreateSender(TestMedia.Video), _consumer.CreateSender(TestMedia.Audio));
            _video.TryAttach(video);
            _audio.TryAttach(audio);
            scheduler.Spawn("publish", () =>
            {
                for (var number = 0; number < 4; number++)
                {
                    _video.Push(_pool, number, isKeyframe: number == 0);
                    _audio.Push(_pool, number, isKeyframe: true);
                }
            });
            scheduler.Spawn("remove the video", () =>
            {
                video.Close(CloseReason.Requested);
                _offeredAtRemoval = video.GetStatistics().Offered;
            });
            scheduler.Spawn("reply", () => _consumer.Writer.Send(WireUnit.Reply(7)));
            scheduler.Spawn("read", () =>
            {
                _consumer.Transport.Allow(17);
                GraphLock.Point();
                _consumer.Transport.Allow(5);
            });
            scheduler.Spawn("close", () =>
            {
                _consumer.End();
                _sentAtEnd = _consumer.Transport.Sent.Count;
            });
        }

        public override void Finish()
        {
            Ensure(!_consumer.Writer.Send(WireUnit.Reply(8)), "a closed writer took a reply");
            _video.Close(CloseReason.Requested);
            _audio.Close(CloseReason.Requested);
        }

        public override void Check()
        {
            Ensure(_consumer.Senders[0].GetStatistics().Offered == _offeredAtRemoval, "a packet reached a sender that was removed");
            Ensure(_consumer.Transport.Sent.Count == _sentAtEnd, "something was sent after the dispose had returned");
            Ensure(_consumer.Numbers('V').IsContiguous() && _consumer.Numbers('A').IsContiguous(), "gap or duplicate");
            Ensure(_consumer.AddsUp(), "the counts do not add up");
            Ensure(_consumer.Writer.GetStatistics() is { Depth: 0, QueuedBytes: 0 }, $"left over: {_consumer.Writer.GetStatistics()}");
            Ensure(_pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {_pool.GetStatistics()}");
        }
    }

    private sealed class ShortWrites : Scenario
    {
        private readonly PacketPool _pool = TestMedia.Pool();
        private readonly Receiver _video = NewReceiver(TestMedia.Video);
        private readonly Receiver _audio = NewReceiver(TestMedia.Audio);
        private ControlledScheduler _scheduler = null!;
        private ScheduledConsumer _consumer = null!;

        public override void Start(ControlledScheduler scheduler)
        {
            _scheduler = scheduler;
            _consumer = new ScheduledConsumer(scheduler, _pool, allowance: 3);
            _video.TryAttach(_consumer.CreateSender(TestMedia.Video));
            _audio.TryAttach(_consumer.CreateSender(TestMedia.Audio));
            scheduler.Spawn("video", () =>
            {
                for (var number = 0; number < 3; number++)
                    _video.Push(_pool, number, isKeyframe: number == 0);
            });
            scheduler.Spawn("audio", () =>
            {
                for (var number = 0; number < 3; number++)
                    _audio.Push(_pool, number, isKeyframe: true);
            });
            scheduler.Spawn("replies", () =>
            {
                Ensure(_consumer.Writer.Send(WireUnit.Reply(1)), "refused");
                Ensure(_consumer.Writer.Send(WireUnit.Reply(2)), "refused");
            });
            scheduler.Spawn("read", () =>
            {
                for (var i = 0; i < 12; i++)
                {
                    _consumer.Transport.Allow(11);
                    GraphLock.Point();
                }
            });
        }

        public override void Finish()
        {
            _consumer.Transport.Allow(1000);
            _scheduler.WaitUntil(() => _consumer.Writer.GetStatistics().Depth == 0, "the queue to be empty");
            _video.Close(CloseReason.Requested);
            _audio.Close(CloseReason.Requested);
            _consumer.End();
        }

        public override void Check()
        {
            Ensure(_consumer.Numbers('V') is [0, 1, 2] && _consumer.Numbers('A') is [0, 1, 2], string.Join(' ', _consumer.Units()));
            Ensure(_consumer.Units().Where(u => u.Mark == 'R').Select(u => u.Number).ToList() is [1, 2], "replies");
            Ensure(_consumer.Senders[0].GetStatistics().Delivered == 3, "the counts are wrong");
            Ensure(_consumer.Failures == 0, "the writer failed");
            Ensure(_pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {_pool.GetStatistics()}");
        }
    }

    private sealed class Overflow : Scenario
    {
        private static readonly int[] Keyframes = [0, 4, 8];
        private readonly PacketPool _pool = TestMedia.Pool();
        private readonly Receiver _video = NewReceiver(TestMedia.Video);
        private readonly Receiver _audio = NewReceiver(TestMedia.Audio);
        private ControlledScheduler _scheduler = null!;
        private ScheduledConsumer _consumer = null!;

        public override void Start(ControlledScheduler scheduler)
        {
            _scheduler = scheduler;
            _consumer = new ScheduledConsumer(scheduler, _pool, allowance: 3, new PacketQueueOptions { MaxBytes = 12 });
            _video.Push(_pool, 0, isKeyframe: true);
            var (video, audio) = (_consumer.CreateSender(TestMedia.Video), _consumer.CreateSender(TestMedia.Audio));
            scheduler.Spawn("join", () =>
            {
                _video.TryAttach(video);
                GraphLock.Point();
                _audio.TryAttach(audio);
            });
            scheduler.Spawn("publish", () =>
            {
                for (var number = 1; number < 10; number++)
                {
                    _video.Push(_pool, number, isKeyframe: Keyframes.Contains(number));
                    if (number % 4 == 0)
                        _audio.Push(_pool, number, isKeyframe: true);
                }
            });
            scheduler.Spawn("read", () =>
            {
                for (var i = 0; i < 12; i++)
                {
                    _consumer.Transport.Allow(9);
                    GraphLock.Point();
                }
            });
        }

        public override void Finish()
        {
            _consumer.Transport.Allow(1000);
            _scheduler.WaitUntil(() => _consumer.AddsUp(), "the queue to be empty");
            _video.Close(CloseReason.Requested);
            _audio.Close(CloseReason.Requested);
            _consumer.End();
        }

        public override void Check()
        {
            var numbers = _consumer.Numbers('V');
            for (var i = 0; i < numbers.Count; i++)
            {
                Ensure(
                    (i > 0 && numbers[i] == numbers[i - 1] + 1) || Keyframes.Contains(numbers[i]),
                    $"no keyframe after a gap: {numbers.Text()}");
                Ensure(i == 0 || numbers[i] > numbers[i - 1], $"back in time: {numbers.Text()}");
            }

            Ensure(_pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {_pool.GetStatistics()}");
        }
    }

    private sealed class JoinOfTwo : Scenario
    {
        private readonly PacketPool _pool = TestMedia.Pool();
        private readonly Receiver _video = NewReceiver(TestMedia.Video);
        private readonly Receiver _audio = NewReceiver(TestMedia.Audio);
        private ControlledScheduler _scheduler = null!;
        private ScheduledConsumer _consumer = null!;

        public override void Start(ControlledScheduler scheduler)
        {
            _scheduler = scheduler;
            _consumer = new ScheduledConsumer(scheduler, _pool);
            for (var number = 0; number < 3; number++)
            {
                _video.Push(_pool, number, isKeyframe: number == 0);
                _audio.Push(_pool, number, isKeyframe: number == 0);
            }

            var (video, audio) = (_consumer.CreateSender(TestMedia.Video), _consumer.CreateSender(TestMedia.Audio));
            scheduler.Spawn("join", () =>
            {
                _video.TryAttach(video);
                GraphLock.Point();
                _audio.TryAttach(audio);
            });
            scheduler.Spawn("publish", () =>
            {
                for (var number = 3; number < 6; number++)
                {
                    _video.Push(_pool, number);
                    _audio.Push(_pool, number);
                }
            });
        }

        public override void Finish()
        {
            _scheduler.WaitUntil(() => _consumer.AddsUp(), "the queue to be empty");
            _video.Close(CloseReason.Requested);
            _audio.Close(CloseReason.Requested);
            _consumer.End();
        }

        public override void Check()
        {
            Ensure(_consumer.Numbers('V') is [0, 1, 2, 3, 4, 5], "video: " + _consumer.Numbers('V').Text());
            Ensure(_consumer.Numbers('A') is [0, 1, 2, 3, 4, 5], "audio: " + _consumer.Numbers('A').Text());
            var replay = _consumer.Units().Take(6).Select(u => u.Number).ToList();
            Ensure(replay.SequenceEqual(replay.Order()), "the replays are not merged in time: " + replay.Text());
            Ensure(_consumer.Units().Where(u => u.Mark == 'P').Select(u => u.Number).ToList() is [0, 0], "parameters once, and first");
            Ensure(_pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {_pool.GetStatistics()}");
        }
    }
}
