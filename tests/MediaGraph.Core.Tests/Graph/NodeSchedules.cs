using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Scheduling;
using NUnit.Framework;

namespace MediaGraph.Tests.Graph;

// Rows: C1, C3, C4, C6, C7, G2, G3, G4, G5, G9, G11.

/// <summary>Nodes under a scheduler that chooses the interleaving.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class NodeSchedules
{
    [Test]
    public void C1_C4_G2_G3_G4_G9_Publishing_joining_leaving_and_closing_race_without_a_ghost_or_a_gap() =>
        Explorer.Run<PublishJoinLeaveClose>(4500);

    [Test]
    public void C7_A_converter_that_loses_its_last_child_loses_no_joiner() => Explorer.Run<ConverterJoinLeave>(4500);

    [Test]
    public void C3_A_node_gets_one_parent_of_two() => Explorer.Run<TwoParents>(3000);

    [Test]
    public void C3_C6_A_node_that_closes_while_it_is_attached_is_listed_nowhere() => Explorer.Run<AttachWhileClosing>(3000);

    [Test]
    public void G11_Attaches_that_would_form_a_cycle_do_not_all_succeed() => Explorer.Run<Cycle>(3000);

    [Test]
    public void G5_Closers_at_every_level_do_the_work_once() => Explorer.Run<ManyClosers>(3000);

    private static Receiver NewReceiver() => new(Track.Of(TestMedia.Video));

    private sealed class PublishJoinLeaveClose : Scenario
    {
        private readonly PacketPool _pool = TestMedia.Pool();
        private readonly Receiver _receiver = NewReceiver();
        private readonly List<ScheduledConsumer> _consumers = [];
        private readonly List<Sender> _senders = [];
        private readonly bool[] _joined = new bool[4];
        private int _pushed;
        private SenderStatistics _afterLeave;

        private ScheduledConsumer Witness => _consumers[0];

        public override void Start(ControlledScheduler scheduler)
        {
            for (var i = 0; i < 4; i++)
            {
                _consumers.Add(new ScheduledConsumer(scheduler, _pool));
                _senders.Add(_consumers[i].CreateSender(TestMedia.Video));
            }

            _joined[0] = _receiver.TryAttach(_senders[0]);
            _joined[1] = _receiver.TryAttach(_senders[1]);
            scheduler.Spawn("publish", () =>
            {
                for (var number = 0; number < 6; number++)
                {
                    var closed = _receiver.IsClosed;
                    _receiver.Push(_pool, number, isKeyframe: number is 0 or 3);
                    if (!closed)
                        _pushed++;
                }
            });
            scheduler.Spawn("leave", () =>
            {
                _senders[1].Close(CloseReason.Requested);
                _afterLeave = _senders[1].GetStatistics();
            });
            scheduler.Spawn("join", () => _joined[2] = _receiver.TryAttach(_senders[2]));
            scheduler.Spawn("join too", () => _joined[3] = _receiver.TryAttach(_senders[3]));
            scheduler.Spawn("close", () => _receiver.Close(CloseReason.Stopping));
        }

        public override void Finish()
        {
            for (var i = 0; i < 4; i++)
            {
                Ensure(!_joined[i] || _senders[i].IsClosed, $"{i} joined, and was not closed with its receiver");
                Ensure(_senders[i].Parent is null, $"{i} has a parent that is closed");
            }

            foreach (var consumer in _consumers)
                consumer.End();
        }

        public override void Check()
        {
            Ensure(_receiver.Children.IsEmpty, "ghost child");
            Ensure(_senders[1].GetStatistics().Offered == _afterLeave.Offered, "a packet reached who had left");
            foreach (var consumer in _consumers)
            {
                var numbers = consumer.Numbers();
                Ensure(numbers.IsContiguous(), $"gap or duplicate: {numbers.Text()}");
                Ensure(numbers.Count == 0 || numbers[0] is 0 or 3, $"no keyframe first: {numbers.Text()}");
                Ensure(consumer.AddsUp(), $"the counts do not add up: {consumer.Senders[0].GetStatistics()}");
            }

            Ensure(Witness.Numbers().Count <= _pushed, "a packet from nowhere");
            Ensure(_pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {_pool.GetStatistics()}");
        }
    }

    private sealed class ConverterJoinLeave : Scenario
    {
        private readonly PacketPool _pool = TestMedia.Pool();
        private readonly Receiver _receiver = NewReceiver();
        private readonly List<ScheduledConsumer> _consumers = [];
        private readonly List<Sender> _senders = [];
        private readonly bool[] _joined = new bool[3];

        public override void Start(ControlledScheduler scheduler)
        {
            for (var i = 0; i < 3; i++)
            {
                _consumers.Add(new ScheduledConsumer(scheduler, _pool));
                _senders.Add(_consumers[i].CreateSender(TestMedia.Video));
            }

            _receiver.Push(_pool, 0, isKeyframe: true);
            _receiver.Push(_pool, 1);
            Join(0);
            scheduler.Spawn("last child leaves", () => _senders[0].Close(CloseReason.Requested));
            scheduler.Spawn("join", () => Join(1));
            scheduler.Spawn("join too", () => Join(2));
            scheduler.Spawn("publish", () =>
            {
                _receiver.Push(_pool, 2);
                _receiver.Push(_pool, 3, isKeyframe: true);
            });
        }

        public override void Finish()
        {
            var converters = _receiver.Children.OfType<PassThrough>().ToList();
            Ensure(converters.Count == 1 && !converters[0].IsClosed, $"{converters.Count} converters, for one format");
            Ensure(_joined[1] && _joined[2], "a joiner was turned away");
            Ensure(_senders[1].Parent == converters[0] && _senders[2].Parent == converters[0], "a joiner is below nothing");
            _receiver.Push(_pool, 4);
            _receiver.Push(_pool, 5);
            foreach (var consumer in _consumers)
                consumer.Writer.CompleteAsync(TimeSpan.Zero).IsCompleted.Equals(true);
            foreach (var consumer in _consumers)
                consumer.End();
            Ensure(_receiver.Children.IsEmpty, "the converter outlives its last child");
            _receiver.Close(CloseReason.Requested);
        }

        public override void Check()
        {
            for (var i = 1; i < 3; i++)
            {
                var numbers = _consumers[i].Numbers();
                Ensure(numbers.IsContiguous(), $"gap or duplicate: {numbers.Text()}");
                Ensure(numbers.Count == 0 || numbers[0] is 0 or 3, $"no keyframe first: {numbers.Text()}");
                Ensure(_consumers[i].AddsUp(), "the counts do not add up");
                Ensure(_senders[i].GetStatistics().Offered >= 2, "a packet was lost before the joiner");
            }

            Ensure(_pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {_pool.GetStatistics()}");
        }

        private void Join(int i) => _joined[i] = _receiver.TryAttach(_senders[i], "format", () => new PassThrough());
    }

    private sealed class TwoParents : Scenario
    {
        private readonly Receiver[] _parents = [NewReceiver(), NewReceiver()];
        private readonly Probe _child = new();
        private readonly bool[] _attached = new bool[2];

        public override void Start(ControlledScheduler scheduler)
        {
            scheduler.Spawn("first", () => _attached[0] = _parents[0].TryAttach(_child));
            scheduler.Spawn("second", () => _attached[1] = _parents[1].TryAttach(_child, "format", () => new PassThrough()));
            scheduler.Spawn("other child of the second", () =>
            {
                var other = new Probe();
                Ensure(_parents[1].TryAttach(other, "format", () => new PassThrough()), "refused");
                other.Close(CloseReason.Requested);
            });
        }

        public override void Finish()
        {
            Ensure(_attached[0] != _attached[1], "attached to none, or to both");
            Ensure(_parents[0].Children.Contains(_child) == _attached[0], "the list and the answer differ");
            Ensure((_parents[1].Children.Length == 1) == _attached[1], "the second keeps a converter that nobody needs");
            _child.Close(CloseReason.Requested);
        }

        public override void Check() =>
            Ensure(_parents[0].Children.IsEmpty && _parents[1].Children.IsEmpty && _child.Parent is null, "ghost child");
    }

    private sealed class AttachWhileClosing : Scenario
    {
        private readonly Receiver[] _parents = [NewReceiver(), NewReceiver()];
        private readonly Probe _child = new();
        private readonly bool[] _attached = new bool[2];

        public override void Start(ControlledScheduler scheduler)
        {
            scheduler.Spawn("first", () => _attached[0] = _parents[0].TryAttach(_child));
            scheduler.Spawn("second", () => _attached[1] = _parents[1].TryAttach(_child, "format", () => new PassThrough()));
            scheduler.Spawn("close", () => _child.Close(CloseReason.Requested));
            scheduler.Spawn("close the first parent", () => _parents[0].Close(CloseReason.Requested));
        }

        public override void Finish()
        {
            Ensure(!(_attached[0] && _attached[1]), "attached to both");
            Ensure(!_parents[0].TryAttach(_child) && !_parents[1].TryAttach(_child), "closed is terminal");
        }

        public override void Check() =>
            Ensure(_parents[0].Children.IsEmpty && _parents[1].Children.IsEmpty && _child.Parent is null, "ghost child");
    }

    private sealed class Cycle : Scenario
    {
        private readonly Receiver[] _nodes = [NewReceiver(), NewReceiver(), NewReceiver()];
        private readonly bool[] _attached = new bool[3];

        public override void Start(ControlledScheduler scheduler)
        {
            for (var i = 0; i < 3; i++)
            {
                var self = i;
                scheduler.Spawn($"attach {self}", () => _attached[self] = _nodes[self].TryAttach(_nodes[(self + 1) % 3]));
            }
        }

        public override void Check()
        {
            Ensure(!_attached.All(a => a), "a cycle");
            for (var i = 0; i < 3; i++)
            {
                var child = _nodes[(i + 1) % 3];
                Ensure(_nodes[i].Children.Contains(child) == _attached[i], "the list and the answer differ");
                Ensure((child.Parent == _nodes[i]) == _attached[i], "the parent and the answer differ");
            }
        }
    }

    private sealed class ManyClosers : Scenario
    {
        private readonly PacketPool _pool = TestMedia.Pool();
        private readonly Receiver _receiver = NewReceiver();
        private ScheduledConsumer _consumer = null!;
        private Sender _sender = null!;

        public override void Start(ControlledScheduler scheduler)
        {
            _consumer = new ScheduledConsumer(scheduler, _pool);
            _sender = _consumer.CreateSender(TestMedia.Video);
            _receiver.TryAttach(_sender, "format", () => new PassThrough());
            var converter = _receiver.Children[0];
            Closer("sender", _sender);
            Closer("sender too", _sender);
            Closer("converter", converter);
            Closer("receiver", _receiver);
            scheduler.Spawn("publish", () => _receiver.Push(_pool, 0, isKeyframe: true));

            void Closer(string name, Node node) => scheduler.Spawn(name, () =>
            {
                node.Close(new CloseReason(CloseCode.Requested, name));
                var reason = node.Reason!;
                node.Close(CloseReason.Stopping);
                Ensure(node.IsClosed && ReferenceEquals(node.Reason, reason), "the reason changed after the close");
            });
        }

        public override void Finish()
        {
            Ensure(_sender.IsClosed && _sender.Parent is null, "the sender is not closed");
            Ensure(_receiver.Children.IsEmpty, "ghost child");
            _consumer.End();
        }

        public override void Check()
        {
            Ensure(_consumer.AddsUp(), "the counts do not add up");
            Ensure(_pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, $"leak: {_pool.GetStatistics()}");
        }
    }
}
