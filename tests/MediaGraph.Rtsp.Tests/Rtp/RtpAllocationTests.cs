using System.IO.Pipelines;
using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>What a packet costs, from the socket that it came by to all its viewers.</summary>
[NonParallelizable]
public sealed class RtpAllocationTests
{
    private const int Viewers = 20;
    private const int Frames = 500;

    [Test]
    public async Task A_packet_costs_no_allocation_in_steady_state([Values] bool isPassedOn, [Values] bool isOrdered)
    {
        await using var hub = new StreamHub(new StreamHubOptions { Pool = new PacketPoolOptions { Diagnostics = false } });
        await using var feed = hub.Publish("cam");
        using var source = new RtpFeed(hub.Pool, TimeProvider.System);
        var track = source.AddTrack(MediaKind.Video, GraphBench.FormatOf(Vectors.H264), "video", isOrdered);
        source.Start(feed);
        var report = new byte[RtcpWriter.MaxLength];
        track.TakeRtcp(report.AsSpan(0, RtcpWriter.Write(report, new SenderReport(1, 1, 0, 0, 0), "camera")));

        // Longer than a viewer's path: each frame is cut anew.
        var packets = MakePackets(isPassedOn ? 1400 : 1600);
        var transports = new List<NullTransport>();
        var writers = new List<ConnectionWriter>();
        var time = 0u;
        ushort sequence = 0;
        Send(1);
        for (var i = 0; i < Viewers; i++)
        {
            transports.Add(new NullTransport());
            writers.Add(new ConnectionWriter(transports[^1], hub.Pool, static _ => { }));
            var output = new RtpOutput(hub.Pool, "viewer");
            output.Add(RtpOffer.Of(hub.Find("cam")!)[0], (byte)(i % 2 * 2)); // half of them take the payload as it is, half an image
            hub.Subscribe(new SubscribeRequest("cam"), writers[^1], output.Format).Start();
        }

        await Eventually.Async(() => writers.TrueForAll(writer => writer.GetStatistics().Depth == 0), "each has what it begins with");
        Send(2 * Frames); // groups, images and pools have their size now
        var sent = transports.Sum(t => t.Bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Send(Frames);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That(transports.Sum(t => t.Bytes) - sent, Is.GreaterThan((long)Viewers * Frames * 4000));
        Assert.That(allocated, Is.Zero, $"bytes for {Viewers * Frames} frames of viewers");
        foreach (var writer in writers)
            await writer.DisposeAsync();

        void Send(int frames)
        {
            for (var i = 0; i < frames; i++, time += 3600)
            {
                for (var j = 0; j < packets.Length; j++)
                {
                    var packet = packets[j];
                    packet[RtpHeader.Length + 1] = (byte)((j == 0 ? 0x80 : j == packets.Length - 1 ? 0x40 : 0) | (i % 50 == 0 ? 5 : 1));
                    new RtpHeader(96, j == packets.Length - 1, sequence++, time, 1).Write(packet);
                    track.TakeRtp(packet);
                }
            }
        }
    }

    private static byte[][] MakePackets(int length)
    {
        var packets = new byte[3][];
        for (var i = 0; i < packets.Length; i++)
        {
            packets[i] = new byte[length];
            packets[i].AsSpan().Fill(0xAB);
            packets[i][RtpHeader.Length] = 0x7C; // FU-A
        }

        return packets;
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
