using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Graph;

// Rows: C3, C4, C5, C6, G11.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class NodeTests
{
    private static readonly CloseReason Bye = new(CloseCode.PeerClosed, "bye");

    [Test]
    public void C4_C5_Closing_a_receiver_closes_every_child_of_any_number([Values(0, 1, 2, 3, 17)] int count)
    {
        var receiver = NewReceiver();
        var children = Enumerable.Range(0, count).Select(_ => new Probe()).ToList();
        foreach (var child in children)
            Assert.That(receiver.TryAttach(child));
        receiver.Close(Bye);
        Assert.That(receiver.Children, Is.Empty);
        Assert.That(children, Has.All.Property(nameof(Node.IsClosed)).True.And.All.Property(nameof(Node.Parent)).Null);
        Assert.That(children, Has.All.Property(nameof(Node.Reason)).SameAs(Bye));
    }

    [Test]
    public void C6_Closed_is_terminal_and_a_refused_attach_changes_nothing()
    {
        var (closed, open, child, closedChild) = (NewReceiver(), NewReceiver(), new Probe(), new Probe());
        closed.Close(Bye);
        closedChild.Close(Bye);
        Assert.That(closed.TryAttach(child), Is.False);
        Assert.That(closed.TryAttach(child, "format", () => new PassThrough()), Is.False);
        Assert.That(open.TryAttach(closedChild), Is.False);
        Assert.That(open.TryAttach(closedChild, "format", () => new PassThrough()), Is.False);
        Assert.That((child.Parent, child.IsClosed, open.Children.Length), Is.EqualTo(((Node?)null, false, 0)));
        closed.Close(CloseReason.Stopping);
        Assert.That(closed.Reason, Is.SameAs(Bye), "the first close does the work");
    }

    [Test]
    public void C3_A_node_has_one_parent_at_most()
    {
        var (first, second, child) = (NewReceiver(), NewReceiver(), new Probe());
        Assert.That(first.TryAttach(child));
        Assert.That(first.TryAttach(child), Is.False);
        Assert.That(second.TryAttach(child), Is.False);
        Assert.That(second.TryAttach(child, "format", () => new PassThrough()), Is.False);
        Assert.That(second.Children, Is.Empty);
        child.Close(Bye);
        Assert.That(first.Children, Is.Empty);
    }

    [Test]
    public void G11_A_node_is_never_below_itself()
    {
        var (top, middle, bottom) = (NewReceiver(), NewReceiver(), NewReceiver());
        Assert.That(top.TryAttach(middle) && middle.TryAttach(bottom));
        Assert.That(bottom.TryAttach(top), Is.False);
        Assert.That(top.TryAttach(top), Is.False);
        Assert.That(bottom.TryAttach(top, "format", () => new PassThrough()), Is.False);
        Assert.That((top.Parent, bottom.Children.Length), Is.EqualTo(((Node?)null, 0)));
    }

    [Test]
    public void A_joiner_gets_the_group_and_then_every_packet_once()
    {
        var (pool, receiver) = (TestMedia.Pool(diagnostics: true), NewReceiver());
        Push(receiver, pool, 0, 6, keyframes: [0, 3]);
        var (late, uninterested) = (new Probe(), new Probe(wantsReplay: false));
        Assert.That(receiver.TryAttach(late) && receiver.TryAttach(uninterested));
        Push(receiver, pool, 6, 8, keyframes: []);
        Assert.That(late.Numbers, Is.EqualTo(new[] { 3, 4, 5, 6, 7 }));
        Assert.That(late.Replayed, Is.EqualTo(3));
        Assert.That(uninterested.Numbers, Is.EqualTo(new[] { 6, 7 }));
        Assert.That((receiver.Packets, receiver.Bytes), Is.EqualTo((8, 32)));
        receiver.Close(Bye);
        AssertNothingLeft(pool);
    }

    [Test]
    public void A_converter_is_shared_filled_before_it_is_published_and_closed_by_its_last_child()
    {
        var (pool, receiver, made) = (TestMedia.Pool(diagnostics: true), NewReceiver(), new List<PassThrough>());
        Push(receiver, pool, 0, 3, keyframes: [0]);
        var (first, second, other) = (new Probe(), new Probe(), new Probe());
        Assert.That(receiver.TryAttach(first, "a", Create) && receiver.TryAttach(second, "a", Create));
        Assert.That(made, Has.Count.EqualTo(1));
        Assert.That(made[0].Numbers, Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(first.Numbers, Is.EqualTo(new[] { 0, 1, 2 }), "its own output is replayed");
        Assert.That(receiver.TryAttach(other, "b", Create));
        Assert.That(receiver.Children, Is.EqualTo(made));
        Push(receiver, pool, 3, 4, keyframes: []);
        Assert.That(second.Numbers, Is.EqualTo(new[] { 0, 1, 2, 3 }));

        first.Close(Bye);
        Assert.That(made[0].IsClosed, Is.False);
        second.Close(Bye);
        Assert.That(made[0].IsClosed);
        Assert.That(receiver.Children, Is.EqualTo(new[] { made[1] }));
        var again = new Probe();
        Assert.That(receiver.TryAttach(again, "a", Create));
        Assert.That(again.Parent, Is.SameAs(made[2]));
        receiver.Close(Bye);
        AssertNothingLeft(pool);

        PassThrough Create()
        {
            made.Add(new PassThrough());
            return made[^1];
        }
    }

    [TestCase(false, 100, 0)]
    [TestCase(true, 100, 3)]
    [TestCase(true, 1, 0)]
    public void A_converter_keeps_as_much_as_its_parent_does(bool isEnabled, int milliseconds, int replayed)
    {
        var pool = TestMedia.Pool(diagnostics: true);
        var options = new GroupCacheOptions { IsEnabled = isEnabled, MaxDuration = TimeSpan.FromMilliseconds(milliseconds) };
        var receiver = new Receiver(Track.Of(TestMedia.Video), options);
        Assert.That(receiver.TryAttach(new Probe(), "format", () => new PassThrough()));
        Push(receiver, pool, 0, 3, keyframes: [0]);
        var (second, own) = (new Probe(), new Probe());
        Assert.That(receiver.TryAttach(second, "format", () => new PassThrough()));
        Assert.That(second.Replayed, Is.EqualTo(replayed));
        var ownCache = new PassThrough(new GroupCacheOptions());
        Assert.That(receiver.TryAttach(new Probe(), "of its own", () => ownCache));
        Push(receiver, pool, 3, 5, keyframes: [3]);
        Assert.That(receiver.TryAttach(own, "of its own", () => new PassThrough()));
        Assert.That(own.Replayed, Is.EqualTo(2));
        receiver.Close(Bye);
        AssertNothingLeft(pool);
    }

    [Test]
    public void A_new_converter_whose_parents_group_ends_while_it_is_filled_replays_no_gap()
    {
        var pool = TestMedia.Pool(diagnostics: true);
        var receiver = new Receiver(Track.Of(TestMedia.Video), new GroupCacheOptions { MaxBytes = 12 });
        Push(receiver, pool, 0, 2, keyframes: [0]);
        var child = new Probe();

        // While packet 1 is converted, two more come in, of which the second is more than the cache holds.
        var converter = new Interrupted(number: 1, () => Push(receiver, pool, 2, 5, keyframes: []));
        Assert.That(receiver.TryAttach(child, "format", () => converter));
        Push(receiver, pool, 5, 6, keyframes: []);
        Assert.That(child.Replayed, Is.Zero, "a group with a hole");
        Assert.That(child.Numbers, Is.EqualTo(new[] { 5 }));
        receiver.Close(Bye);
        AssertNothingLeft(pool);
    }

    [Test]
    public void A_converter_that_fails_while_it_is_filled_leaves_nothing_behind()
    {
        var (pool, receiver, child) = (TestMedia.Pool(diagnostics: true), NewReceiver(), new Probe());
        Push(receiver, pool, 0, 2, keyframes: [0]);
        Assert.That(
            () => receiver.TryAttach(child, "format", () => new Interrupted(1, () => throw new FormatException("bad"))),
            Throws.InstanceOf<FormatException>());
        Assert.That((receiver.Children.Length, child.Parent), Is.EqualTo((0, (Node?)null)));
        Assert.That(receiver.TryAttach(child));
        receiver.Close(Bye);
        AssertNothingLeft(pool);
    }

    private static Receiver NewReceiver() => new(Track.Of(TestMedia.Video));

    private static void Push(Receiver receiver, PacketPool pool, int from, int to, int[] keyframes)
    {
        for (var number = from; number < to; number++)
            receiver.Push(pool, number, keyframes.Contains(number));
    }

    private static void AssertNothingLeft(PacketPool pool) =>
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero, pool.DescribeOutstanding);

    private sealed class Interrupted(int number, Action action) : Converter
    {
        private bool _done;

        protected override void Convert(MediaPacket packet)
        {
            Emit(packet);
            if (_done || TestMedia.NumberOf(packet) != number)
                return;
            _done = true;
            action();
        }
    }
}
