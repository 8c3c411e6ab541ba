using System.IO.Pipelines;
using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Kit;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tests.Delivery;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class SteadyStateTests
{
    [Test]
    public void A_packet_to_100_viewers_allocates_nothing()
    {
        var pool = TestMedia.Pool();
        var receiver = new Receiver(Track.Of(TestMedia.Video));
        var format = new TestWireFormat();
        var writers = Enumerable.Range(0, 100).Select(_ => new ConnectionWriter(new Sink(), pool, _ => { })).ToList();
        foreach (var writer in writers)
            Assert.That(receiver.TryAttach(writer.CreateSender(receiver.Track, format)));
        Push(0, 500);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Push(500, 1000);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(writers, Has.All.Property(nameof(ConnectionWriter.SentBytes)).EqualTo(1000 * 106));
        receiver.Close(CloseReason.Requested);
        Assert.That(pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 });

        void Push(int from, int to)
        {
            for (var number = from; number < to; number++)
            {
                var packet = pool.CreatePacket(
                    pool.Rent(100), 0, 100, TestMedia.Video, number, number,
                    number % 50 == 0 ? PacketFlags.Keyframe | PacketFlags.StartsGroup : PacketFlags.None);
                receiver.Push(packet);
                packet.Release();
            }
        }
    }

    private sealed class Sink : ITransport
    {
        public PipeReader Input => throw new NotSupportedException();

        public EndPoint? RemoteEndPoint => null;

        public int TrySend(ReadOnlySpan<byte> data) => data.Length;

        public ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public void CompleteOutput()
        {
        }

        public void Abort(CloseReason reason)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
