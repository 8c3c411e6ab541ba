using System.Buffers.Binary;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

// Rows: P1, P8, P9, P12, P13.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GraphTests
{
    private static readonly string Keyframe = Vectors.Units("6588840011223344");
    private static readonly string Inter = Vectors.Units("419a0102030405");
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(40);

    [Test]
    public async Task Frames_go_out_as_packets_that_give_the_same_frames_again()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.H264));
        var viewer = bench.Join();
        feed.Write(Vectors.Hex(Keyframe), TimeSpan.Zero);
        feed.Write(Vectors.Hex(Inter), Step);
        using var received = new DepacketizerBench(options => new H264Depacketizer(Vectors.H264Bare, options));
        Unpack(await viewer.PacketsAsync(), received);
        Assert.That(received.Payloads, Is.EqualTo([Keyframe, Inter]), "with the parameter sets before the keyframe");
        Assert.That(received.Frames[0].Codec.HasSameParameters(Vectors.H264));
    }

    [Test]
    public async Task P13_a_late_joiner_begins_at_the_keyframe()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.H264));
        for (var i = 0; i < 5; i++)
            feed.Write(Vectors.Hex(i is 0 or 3 ? Keyframe : Inter), i * Step);
        var viewer = bench.Join();
        var info = RtpOutput.CreateInfos([(viewer.Output.Offers[0], "rtsp://h/a/trackID=0")], viewer.Subscription, now: null)[0];
        feed.Write(Vectors.Hex(Inter), 5 * Step);
        var packets = await viewer.PacketsAsync();
        Assert.That(packets.Select(TypeOf), Is.EqualTo([24, 5, 1, 1]), "parameter sets, the keyframe, and what came since");
        Assert.That(packets.Select(SequenceOf), Is.EqualTo(packets.Select((_, i) => (ushort)(SequenceOf(packets[0]) + i))));
        Assert.That((info.Sequence, info.RtpTime), Is.EqualTo(((ushort?)SequenceOf(packets[0]), (uint?)TimestampOf(packets[0]))));
    }

    [Test]
    public async Task P9_all_viewers_see_one_source_and_its_numbers_go_on_across_publishers()
    {
        await using var bench = new GraphBench();
        var feed = bench.Hub.Publish("a", Track.Of(Vectors.H264));
        var (first, second) = (bench.Join(), bench.Join());
        for (var i = 0; i < 3; i++)
            feed.Write(Vectors.Hex(i == 0 ? Keyframe : Inter), TimeSpan.FromHours(7) + (i * Step));
        await feed.DisposeAsync();
        bench.Time.Advance(TimeSpan.FromSeconds(2));
        await using var next = bench.Hub.Publish("a", Track.Of(Vectors.H264));
        next.Write(Vectors.Hex(Keyframe), TimeSpan.FromSeconds(1));

        var packets = await first.PacketsAsync();
        Assert.That(await second.PacketsAsync(), Is.EqualTo(packets));
        Assert.That(packets.Select(SsrcOf).Distinct().Count(), Is.EqualTo(1));
        Assert.That(packets.Select(SequenceOf), Is.EqualTo(packets.Select((_, i) => (ushort)(SequenceOf(packets[0]) + i))));
        Assert.That(
            TimestampOf(packets[^1]) - TimestampOf(packets[0]), Is.EqualTo(90_000 * 2.08).Within(90),
            "time went on by the gap");
    }

    [Test]
    public async Task P8_the_time_of_a_packet_is_when_it_is_presented()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.H264));
        var viewer = bench.Join();
        feed.Tracks[0].Write(Vectors.Hex(Keyframe), 2 * Step, TimeSpan.Zero);
        feed.Tracks[0].Write(Vectors.Hex(Inter), 5 * Step, Step);
        feed.Tracks[0].Write(Vectors.Hex(Inter), 3 * Step, 2 * Step);
        var times = (await viewer.PacketsAsync()).Select(TimestampOf).ToArray();
        Assert.That(times.Select(time => (int)(time - times[0])), Is.EqualTo([0, 0, 3 * 3600, 3600]));
    }

    [Test]
    public async Task P1_sound_at_44100_hertz_is_to_the_tick_after_a_day()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.Aac));
        var viewer = bench.Join();
        const long Frames = 24L * 3600 * 44_100 / 1024;
        var track = feed.Tracks[0];
        foreach (var frame in (ReadOnlySpan<long>)[0, 1, 1000, Frames / 2, Frames])
        {
            var buffer = bench.Hub.Pool.Rent(10);
            track.Write(buffer, 0, 10, Vectors.Aac, frame * 1024, frame * 1024, isKeyframe: true);
        }

        var times = (await viewer.PacketsAsync()).Select(TimestampOf).ToArray();
        Assert.That(
            times.Select(time => time - times[0]),
            Is.EqualTo(new long[] { 0, 1, 1000, Frames / 2, Frames }.Select(frame => unchecked((uint)(frame * 1024)))));
    }

    [Test]
    public async Task P12_new_parameters_reach_viewers_before_the_frames_that_need_them()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.H264));
        var viewer = bench.Join();
        feed.Write(Vectors.Hex(Keyframe), TimeSpan.Zero);
        var other = Codec.H264(Vectors.Hex(Vectors.SpsBaseline), Vectors.Hex(Vectors.Pps1080));
        feed.Tracks[0].Announce(other);
        feed.Write(Vectors.Hex(Keyframe), Step);
        using var received = new DepacketizerBench(options => new H264Depacketizer(Vectors.H264Bare, options));
        Unpack(await viewer.PacketsAsync(), received);
        Assert.That(received.Frames.Select(frame => frame.Codec.HasSameParameters(other)), Is.EqualTo([false, true]));
        Assert.That(viewer.Failure, Is.Null);
    }

    [Test]
    public async Task P12_a_viewer_who_cannot_follow_is_told_why()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.Aac));
        var viewer = bench.Join().Release();
        feed.Write([1, 2, 3], TimeSpan.Zero);
        feed.Tracks[0].Announce(Codec.Aac([0x11, 0x90])); // 48,000 Hz: the description said something else
        feed.Write([1, 2, 3], Step);
        await Eventually.Async(() => viewer.Failure is not null, "it is told");
        Assert.That(viewer.Failure, Is.EqualTo(new CloseReason(CloseCode.CodecMismatch, "codecs not matched: AAC has other parameters than those that were described")));
    }

    [Test]
    public async Task Sender_reports_say_when_the_media_were()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.H264), Track.Of(Vectors.Aac));
        var viewer = bench.Join();
        var report = new byte[RtcpWriter.MaxLength];
        Assert.That(viewer.Output.WriteReport(viewer.Output.Offers[0], viewer.Stream, bench.Time.GetUtcNow(), report), Is.Zero);
        var start = bench.Time.GetUtcNow();
        feed.Tracks[0].Write(Vectors.Hex(Keyframe), TimeSpan.FromSeconds(9));
        feed.Tracks[1].Write([1, 2, 3], TimeSpan.FromSeconds(9.5));
        bench.Time.Advance(TimeSpan.FromSeconds(5));
        var times = new List<DateTimeOffset>();
        foreach (var (track, channel, clockRate) in new[] { (0, 0, 90_000), (1, 2, 44_100) })
        {
            var first = TimestampOf((await viewer.PacketsAsync((byte)channel))[0]);
            var length = viewer.Output.WriteReport(viewer.Output.Offers[track], viewer.Stream, bench.Time.GetUtcNow(), report);
            ReadOnlySpan<byte> compound = report.AsSpan(0, length);
            Assert.That(RtcpPacket.TryRead(ref compound, out var packet) && packet.TryReadSenderReport(out _));
            packet.TryReadSenderReport(out var sent);
            var sinceFirst = TimeSpan.FromSeconds((double)unchecked((int)(sent.RtpTime - first)) / clockRate);
            var sinceStart = NtpTime.Difference(NtpTime.Of(start), sent.NtpTime, 1_000_000) / 1e6;
            times.Add(start.AddSeconds(sinceStart) - sinceFirst);
        }

        Assert.That(times[0], Is.EqualTo(start).Within(TimeSpan.FromMilliseconds(1)));
        Assert.That(times[1], Is.EqualTo(start.AddSeconds(0.5)).Within(TimeSpan.FromMilliseconds(1)));
    }

    [Test]
    public async Task A_sender_report_is_not_behind_the_latest_frame()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.H264));
        var viewer = bench.Join();
        var start = bench.Time.GetUtcNow();
        feed.Write(Vectors.Hex(Keyframe), TimeSpan.Zero);
        feed.Write(Vectors.Hex(Inter), TimeSpan.FromSeconds(2)); // faster than time goes by
        var packets = await viewer.PacketsAsync();

        var report = new byte[RtcpWriter.MaxLength];
        var length = viewer.Output.WriteReport(viewer.Output.Offers[0], viewer.Stream, start, report);

        ReadOnlySpan<byte> compound = report.AsSpan(0, length);
        Assert.That(RtcpPacket.TryRead(ref compound, out var packet));
        Assert.That(packet.TryReadSenderReport(out var sent));
        Assert.That((sent.RtpTime, sent.NtpTime), Is.EqualTo((TimestampOf(packets[^1]), NtpTime.Of(start.AddSeconds(2)))));
    }

    [Test]
    public void H4_a_run_of_more_packets_than_are_counted_in_two_bytes_is_cut_off_there()
    {
        const int Count = 70_000;
        var run = new byte[Count * 17];
        for (var at = 0; at < run.Length; at += 17)
            (run[at], run[at + 3]) = ((byte)'$', 13);
        var pool = new PacketPool();
        var packet = pool.CreatePacket(run, Vectors.H264, 0, 0, PacketFlags.None);
        var image = packet.GetImage(DatagramImage.Instance);
        Assert.That(BinaryPrimitives.ReadUInt16BigEndian(image.Span), Is.EqualTo(ushort.MaxValue));
        Assert.That(image.Length, Is.EqualTo(2 + (ushort.MaxValue * (2 + 13))));
        packet.Release();
    }

    [Test]
    public async Task When_the_last_viewer_has_left_nothing_is_made_for_nobody()
    {
        await using var bench = new GraphBench();
        await using var feed = bench.Hub.Publish("a", Track.Of(Vectors.H264));
        var (first, second) = (bench.Join(), bench.Join());
        Assert.That(first.Converter(), Is.SameAs(second.Converter()));
        var converter = first.Converter();
        await first.DisposeAsync();
        Assert.That(converter.IsClosed, Is.False);
        await second.DisposeAsync();
        Assert.That(converter.IsClosed);
        Assert.That(bench.Hub.Find("a")!.Receivers[0].Children, Is.Empty);
    }

    private static void Unpack(List<byte[]> packets, DepacketizerBench received)
    {
        foreach (var packet in packets)
        {
            Assert.That(RtpHeader.TryParse(packet, out var header, out var payload));
            received.Push(payload, header.Timestamp, header.Marker);
        }
    }

    private static int TypeOf(byte[] packet) => packet[RtpHeader.Length] & 0x1F;

    private static ushort SequenceOf(byte[] packet) => BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2));

    private static uint TimestampOf(byte[] packet) => BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(4));

    private static uint SsrcOf(byte[] packet) => BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(8));
}
