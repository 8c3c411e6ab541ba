using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Delivery;

// Row: R4.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class HoldTests
{
    private readonly PacketPool _pool = TestMedia.Pool(diagnostics: true);
    private readonly Receiver _video = new(Track.Of(TestMedia.Video));

    [TearDown]
    public void NothingIsLeft()
    {
        _video.Close(CloseReason.Requested);
        Assert.That(_pool.GetStatistics().OutstandingBuffers, Is.Zero, _pool.DescribeOutstanding);
    }

    [Test]
    public async Task R4_replies_go_before_the_media_that_are_held([Values] bool hasGroup, [Values] bool canTrySend)
    {
        await using var consumer = new WireConsumer(_pool, canTrySend: canTrySend);
        if (hasGroup)
            _video.Push(_pool, 0, isKeyframe: true);
        consumer.Writer.Hold();
        consumer.Join(_video);
        if (!hasGroup)
            _video.Push(_pool, 0, isKeyframe: true);
        _video.Push(_pool, 1);
        consumer.Writer.Send(WireUnit.Reply(7));
        _video.Push(_pool, 2);
        consumer.Writer.Send(WireUnit.Reply(8));
        var text = "";
        await Eventually.Async(() => (text = consumer.Text()).Count(c => c == 'R') == 2, "the replies are there");
        Assert.That(text, Is.EqualTo("R7 R8").Or.EqualTo("CV R7 R8"), "no frame, while it is held");

        consumer.Writer.ReleaseHold();
        consumer.Writer.ReleaseHold();
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Does.EndWith("R7 R8 PV0 FV1 FV2").Or.EndWith("R7 R8 FV0 FV1 FV2"));
        _video.Push(_pool, 3);
        await consumer.SettledAsync();
        Assert.That(consumer.Text(), Does.EndWith("FV2 FV3"));
    }

    [Test]
    public async Task The_first_packet_that_is_held_is_known([Values] bool hasGroup)
    {
        await using var consumer = new WireConsumer(_pool);
        if (hasGroup)
            _video.Push(_pool, 5, isKeyframe: true);
        consumer.Writer.Hold();
        var sender = consumer.Join(_video);
        Assert.That(First(), hasGroup ? Is.EqualTo(5) : Is.Null);
        _video.Push(_pool, hasGroup ? 6 : 5, isKeyframe: !hasGroup);
        Assert.That(First(), Is.EqualTo(5));
        consumer.Writer.ReleaseHold();
        await consumer.SettledAsync();
        Assert.That(First(), Is.Null, "nothing waits any more");

        int? First()
        {
            var first = consumer.Writer.RetainFirst(sender);
            var number = first is null ? (int?)null : TestMedia.NumberOf(first);
            first?.Release();
            return number;
        }
    }

    [Test]
    public async Task A_queue_that_is_closed_while_it_is_held_keeps_nothing()
    {
        await using var consumer = new WireConsumer(_pool);
        consumer.Writer.Hold();
        consumer.Join(_video);
        _video.Push(_pool, 0, isKeyframe: true);
        consumer.Writer.Close();
        consumer.Writer.ReleaseHold();
        Assert.That(consumer.Writer.GetStatistics().Depth, Is.Zero);
    }
}
