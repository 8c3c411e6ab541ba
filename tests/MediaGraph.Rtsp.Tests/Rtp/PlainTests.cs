using MediaGraph.Media;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>Opus (RFC 7587), G.711, L16 and G.722 (RFC 3551). Rows: P3.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class PlainTests
{
    private static readonly Codec Opus = new(MediaKind.Audio, CodecNames.Opus, 48_000, 2);
    private static readonly Codec Pcma = new(MediaKind.Audio, CodecNames.Pcma, 8000, 1);

    [Test]
    public void A_packet_is_a_frame_at_its_own_time_also_after_a_loss()
    {
        using var bench = new DepacketizerBench(o => new PlainDepacketizer(Opus, o), 48_000);
        bench.Push("FCAA", 960);
        bench.Push("", 1920); // keeps a hole in a firewall open
        bench.Push("FCBB", 1920);
        bench.Lose(3);
        bench.Push("FCCC", 5760, marker: true);
        Assert.That(bench.Frames.Select(f => (f.Payload, f.PresentationTime, f.FollowsLoss)), Is.EqualTo(new[]
        {
            ("FCAA", 960L, false), ("FCBB", 1920L, false), ("FCCC", 5760L, true),
        }));
        Assert.That(bench.Frames.Select(f => f.IsKeyframe), Is.All.True);
    }

    [Test]
    public void Two_packets_of_one_time_are_decoded_one_after_the_other()
    {
        using var bench = new DepacketizerBench(o => new PlainDepacketizer(Pcma, o), 8000);
        bench.Push("D5", 160);
        bench.Push("D6", 160);
        Assert.That(bench.Frames.Select(f => f.DecodeTime), Is.EqualTo(new[] { 160L, 161 }));
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 160L, 161 }));
    }

    [Test]
    public void An_Opus_packet_is_never_cut()
    {
        using var bench = new PacketizerBench(o => new PlainPacketizer(o), maxPacketLength: 64, clockRate: 48_000);
        var frame = string.Concat(Enumerable.Repeat("FC", 500));
        Assert.That(bench.Cut(frame, Opus, presentationTime: 960), Is.EqualTo(new[] { (65_535, 1060u, false, frame) }));
        Assert.That(bench.Cut(string.Concat(Enumerable.Repeat("FC", 65_524)), Opus), Is.Empty, "longer than any packet");
        Assert.That(bench.Packetizer.DroppedFrames, Is.EqualTo(1));
    }

    [TestCase(CodecNames.Pcma, 1, 1, TestName = "PCMA")]
    [TestCase(CodecNames.Pcmu, 2, 2, TestName = "PCMU in stereo")]
    [TestCase(CodecNames.L16, 3, 6, TestName = "L16 in three channels")]
    [TestCase(CodecNames.G722, 1, 1, TestName = "G722: a byte is two samples and a tick")]
    public void Sound_is_cut_between_samples_and_each_part_has_its_time(string name, int channels, int bytesPerTick)
    {
        var codec = new Codec(MediaKind.Audio, name, 8000, channels);
        using var cutter = new PacketizerBench(o => new PlainPacketizer(o), maxPacketLength: 64, clockRate: 8000);
        using var bench = new DepacketizerBench(o => new PlainDepacketizer(codec, o), 8000);
        var frame = new byte[300];
        new Random(1).NextBytes(frame);
        var packets = cutter.Cut(Convert.ToHexString(frame), codec, presentationTime: 4000);
        foreach (var (_, timestamp, marker, payload) in packets)
        {
            Assert.That(payload.Length / 2 % bytesPerTick, Is.Zero);
            Assert.That(marker, Is.False);
            bench.Push(payload, timestamp - 100, marker);
        }

        Assert.That(string.Concat(bench.Payloads), Is.EqualTo(Convert.ToHexString(frame)));
        Assert.That(
            bench.Frames.Select(f => f.PresentationTime),
            Is.EqualTo(packets.Select((_, i) => 4000L + (i * (52 / bytesPerTick)))));
    }

    [Test]
    public void A_sender_report_tells_the_RTP_time_of_a_moment()
    {
        using var bench = new PacketizerBench(o => new PlainPacketizer(o), clockRate: 8000);
        bench.Cut("D5D5", Pcma);
        var start = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var report = bench.Packetizer.CreateReport(start.AddSeconds(1.5), start);
        Assert.That(report, Is.EqualTo(new SenderReport(1, NtpTime.Of(start.AddSeconds(1.5)), 100 + 12_000, 1, 2)));
    }

    [Test]
    public void An_interleaved_run_has_each_packets_length_in_front_of_it()
    {
        var pool = new MediaGraph.Packets.PacketPool();
        var run = new RtpRun(pool, isInterleaved: true);
        run.Start(10);
        run.Append(new RtpHeader(0, false, 1, 2, 3), 2).Fill(0xAA);
        run.Append(new RtpHeader(0, false, 2, 2, 3), 1000).Fill(0xBB);
        run.Mark();
        Assert.That(run.Ends.ToArray(), Is.EqualTo(new[] { 18, 18 + 1016 }));
        Assert.That(Convert.ToHexString(run.Span[..24]), Is.EqualTo("2400000E800000010000000200000003AAAA240003F48080"));
        Assert.That((run.Count, run[1].Length, run.Length), Is.EqualTo((2, 1012, 1034)));
        var length = run.Length;
        var buffer = run.Detach();
        Assert.That((run.Count, buffer.Span[length - 1]), Is.EqualTo((0, (byte)0xBB)));
        Assert.That(() => run.Detach(), Throws.InvalidOperationException);
        buffer.Release();
        run.Dispose();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    [TestCase(63)]
    [TestCase(65_536)]
    public void A_packet_length_out_of_range_is_refused(int length) =>
        Assert.That(() => new PacketizerBench(o => new PlainPacketizer(o), length), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
