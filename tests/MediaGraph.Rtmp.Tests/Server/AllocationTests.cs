using System.IO.Pipelines;
using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

/// <summary>What a packet costs per viewer.</summary>
[NonParallelizable]
public sealed class AllocationTests
{
    private const int Viewers = 50;
    private const int Packets = 500;

    [Test]
    public async Task A_packet_costs_no_allocation_in_steady_state_for_all_its_viewers()
    {
        await using var hub = new StreamHub(new StreamHubOptions { Pool = new PacketPoolOptions { Diagnostics = false } });
        await using var feed = hub.Publish("cam", Track.Of(Codec.FromAvcConfiguration(Samples.VideoHeader.AsSpan(5))));
        var format = new RtmpWireFormat(new RtmpImages(1, 65_536), RtmpCapabilities.Classic);
        var transports = new List<NullTransport>();
        var writers = new List<ConnectionWriter>();
        for (var i = 0; i < Viewers; i++)
        {
            transports.Add(new NullTransport());
            writers.Add(new ConnectionWriter(transports[^1], hub.Pool, static _ => { }));
            var subscription = await hub.SubscribeAsync(new SubscribeRequest("cam"), writers[^1], format, CancellationToken.None);
            subscription.Start();
        }

        await Eventually.Async(() => writers.TrueForAll(writer => writer.GetStatistics().Depth == 0), "each has what it begins with");
        var keyframe = Samples.Keyframe(size: 20_000)[5..];
        var interFrame = Samples.InterFrame(size: 5000)[5..];
        var time = 0;
        Write(2 * Packets); // groups, images and pools have their size now
        var sent = transports.Sum(t => t.Bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Write(Packets);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That(transports.Sum(t => t.Bytes) - sent, Is.GreaterThan((long)Viewers * Packets * 5000));
        Assert.That(allocated, Is.Zero, $"bytes for {Viewers * Packets} packets of viewers");
        foreach (var writer in writers)
            await writer.DisposeAsync();

        void Write(int packets)
        {
            for (var i = 0; i < packets; i++)
                feed.Write(i % 50 == 0 ? keyframe : interFrame, TimeSpan.FromMilliseconds(time += 40));
        }
    }

    private sealed class NullTransport : ITransport
    {
        public long Bytes { get; private set; }

        public PipeReader Input => PipeReader.Create(Stream.Null);

        public EndPoint? RemoteEndPoint => null;

        public int TrySend(ReadOnlySpan<byte> data)
        {
            Bytes += data.Length;
            return data.Length;
        }

        public ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            Bytes += data.Length;
            return ValueTask.CompletedTask;
        }

        public void CompleteOutput()
        {
        }

        public void Abort(CloseReason reason)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
