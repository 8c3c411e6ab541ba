using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Scheduling;
using NUnit.Framework;

namespace MediaGraph.Tests.Graph;

// Rows: C1, C2, C11, C12.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class StressTests
{
    private const int Packets = 300_000;

    [Test]
    public void C1_C2_C11_C12_Threads_that_join_and_leave_while_packets_flow_lose_and_change_nothing()
    {
        var pool = TestMedia.Pool();
        var receiver = new Receiver(Track.Of(TestMedia.Video));
        var (missed, changed, afterClose, churned) = (0, 0, 0, 0L);
        var next = 0;
        var witness = new Probe(onPacket: packet =>
        {
            if (TestMedia.NumberOf(packet) != next++)
                missed++;
            if (!packet.Payload.Span.SequenceEqual(TestMedia.Payload(TestMedia.NumberOf(packet), packet.Length)))
                changed++;
        });
        Assert.That(receiver.TryAttach(witness));
        using var done = new CancellationTokenSource();
        var joiners = Enumerable.Range(0, 3).Select(i => new Thread(() => Churn(viaConverter: i == 0))).ToList();
        var reader = new Thread(() =>
        {
            for (var packets = 0L; !done.IsCancellationRequested;)
            {
                var now = receiver.Packets;
                if (now < packets)
                    Interlocked.Increment(ref afterClose);
                packets = now;
                _ = receiver.Children.Length;
            }
        });
        joiners.Add(reader);
        joiners.ForEach(thread => thread.Start());
        for (var number = 0; number < Packets; number++)
            receiver.Push(pool, number, isKeyframe: number % 30 == 0, length: 64);
        done.Cancel();
        joiners.ForEach(thread => thread.Join());
        Assert.That((missed, changed, afterClose, witness.Numbers.Count), Is.EqualTo((0, 0, 0, Packets)));
        Assert.That(Interlocked.Read(ref churned), Is.Positive);
        Assert.That(receiver.Children, Is.EqualTo(new Node[] { witness }), "ghost children");
        receiver.Close(CloseReason.Requested);
        Assert.That(pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 }, pool.GetStatistics().ToString());

        void Churn(bool viaConverter)
        {
            while (!done.IsCancellationRequested)
            {
                var consumer = new WireConsumer(pool);
                var sender = consumer.Writer.CreateSender(receiver.Track, WireConsumer.Format);
                var joined = viaConverter
                    ? receiver.TryAttach(sender, "format", () => new PassThrough())
                    : receiver.TryAttach(sender);
                sender.Close(CloseReason.Requested);
                var offered = sender.GetStatistics().Offered;
                var numbers = consumer.Units().Select(u => u.Number).ToList();
                if (!joined || !numbers.IsContiguous())
                    Interlocked.Increment(ref missed);
                consumer.DisposeAsync().AsTask().GetAwaiter().GetResult();
                var counts = sender.GetStatistics();
                if (counts.Offered != offered)
                    Interlocked.Increment(ref afterClose);
                if (counts.Offered != counts.Delivered + counts.DroppedByClose + counts.DroppedAwaitingKeyframe || counts.Queued != 0)
                    Interlocked.Increment(ref missed);
                Interlocked.Increment(ref churned);
            }
        }
    }
}
