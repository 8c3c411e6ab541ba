using System.Buffers.Binary;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>The parts together: packets of a camera in, packets for viewers out. Rows: P5, P9.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class PipelineTests
{
    [Test]
    public void P9_a_camera_that_starts_over_is_still_one_source_with_one_sequence_to_its_viewers()
    {
        var time = new FakeTimeProvider();
        using var viewer = new PacketizerBench(o => new H264Packetizer(o));
        var seen = new List<(int Sequence, uint Timestamp)>();
        var synchronizer = new RtpSynchronizer(time);
        var clock = synchronizer.AddTrack(90_000);
        var reception = new RtpReception(90_000, time, TimeSpan.FromSeconds(1));
        var window = new ReorderWindow<(byte[] Packet, long Timestamp)>(16, TimeSpan.FromMilliseconds(100), time);
        var pool = new PacketPool();
        using var depacketizer = new H264Depacketizer(Vectors.H264, new DepacketizerOptions(pool, 90_000, Show, clock));

        Run(ssrc: 1, first: 65_530, timestamp: uint.MaxValue - 5000, count: 20);
        time.Advance(TimeSpan.FromSeconds(2));
        Run(ssrc: 2, first: 4, timestamp: 77, count: 20);

        // The first packet of the new source only tells that there is one.
        Assert.That(seen, Has.Count.EqualTo(39 * 2), "parameter sets and picture");
        Assert.That(seen.Select(p => p.Sequence), Is.EqualTo(Enumerable.Range(0, 39 * 2).Select(i => (65_535 + i) & 0xFFFF)));
        var steps = seen.Where((_, i) => i % 2 == 0).Select(p => p.Timestamp).ToArray();
        Assert.That(steps[0], Is.EqualTo(100));
        Assert.That(steps.Zip(steps.Skip(1), (a, b) => b - a).Where(step => step != 3600).Single(), Is.EqualTo(180_000 + (2 * 3600)));
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);

        // Each two packets the wrong way round.
        void Run(uint ssrc, ushort first, uint timestamp, int count)
        {
            for (var i = 0; i < count; i++)
            {
                var index = i < 2 ? i : i ^ 1;
                var packet = new byte[RtpHeader.Length + 4];
                new RtpHeader(96, true, (ushort)(first + index), timestamp + (uint)(index * 3600), ssrc).Write(packet);
                Vectors.Hex("6588AABB").CopyTo(packet, RtpHeader.Length);
                Receive(packet);
                time.Advance(TimeSpan.FromMilliseconds(40));
            }
        }

        void Receive(byte[] packet)
        {
            Assert.That(RtpHeader.TryParse(packet, out var header, out _));
            switch (reception.Accept(header, out var sequence, out var timestamp))
            {
                case RtpArrival.Ignored:
                    return;
                case RtpArrival.Restarted:
                    window.Flush();
                    Drain();
                    depacketizer.Interrupt();
                    clock.Restart();
                    break;
            }

            window.TryAdd(sequence, (packet, timestamp));
            Drain();
        }

        void Drain()
        {
            while (window.TryTake(out var item, out var sequence))
            {
                Assert.That(RtpHeader.TryParse(item.Packet, out var header, out var payload));
                depacketizer.Push(sequence, item.Timestamp, header.Marker, payload);
            }
        }

        void Show(in RtpFrame frame)
        {
            var payload = Convert.ToHexString(frame.Buffer.Span[..frame.Length]);
            frame.Buffer.Release();
            seen.AddRange(viewer.Cut(payload, frame.Codec, frame.IsKeyframe, presentationTime: frame.PresentationTime)
                .Select(p => (p.Sequence, p.Timestamp)));
        }
    }

    [Test]
    public void A_frame_in_and_out_allocates_nothing_in_steady_state()
    {
        var pool = new PacketPool(new PacketPoolOptions { Diagnostics = false });
        using var run = new RtpRun(pool);
        var packetizer = new H264Packetizer(new RtpSenderOptions { Ssrc = 1, PayloadType = 96, ClockRate = 90_000 });
        var reception = new RtpReception(90_000, TimeProvider.System, TimeSpan.Zero);
        var clock = new RtpSynchronizer(TimeProvider.System).AddTrack(90_000);
        var delivered = 0;
        using var depacketizer = new H264Depacketizer(Vectors.H264Bare, new DepacketizerOptions(pool, 90_000, Release, clock));
        var frame = new byte[20_000];
        BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - 4);
        (frame[4], frame[5]) = (0x65, 0x88);
        frame.AsSpan(6).Fill(0xAB);
        long time = 0;
        for (var i = 0; i < 100; i++)
            Pass();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Pass();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That((delivered, allocated), Is.EqualTo((1100, 0L)));

        void Pass()
        {
            var packet = pool.CreatePacket(frame, Vectors.H264, time, time, PacketFlags.Keyframe);
            packetizer.Packetize(packet, run);
            packet.Release();
            time += 3000;
            for (var j = 0; j < run.Count; j++)
            {
                if (!RtpHeader.TryParse(run[j], out var header, out var payload))
                    return;
                reception.Accept(header, out var sequence, out var timestamp);
                depacketizer.Push(sequence, timestamp, header.Marker, payload);
            }
        }

        void Release(in RtpFrame received)
        {
            delivered++;
            received.Buffer.Release();
        }
    }
}
