using MediaGraph.Media;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>RFC 3640. Rows: H4, P1, P3, P12.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class AacTests
{
    // ADTS: LC, 44,100 Hz, stereo, of 3 bytes of data.
    private const string Adts = "FFF1 5080 015F FC";

    [Test]
    public void P3_each_access_unit_of_a_packet_has_its_own_time_behind_the_packets()
    {
        using var bench = New();
        bench.Push("0030 0018 0010 0008 AAAAAA BBBB CC", 100_000, marker: true);
        bench.Push("0010 0008 DD", 111_264, marker: true); // after a pause
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AAAAAA", "BBBB", "CC", "DD" }));
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 100_000L, 101_024, 102_048, 111_264 }));
        Assert.That(bench.Frames.Select(f => (f.IsKeyframe, f.Codec)), Is.All.EqualTo((true, Vectors.Aac)));
    }

    [TestCase("1214", 960, TestName = "Frames of 960 samples")]
    [TestCase("BA10", 512, TestName = "AAC LD: frames of 512 samples")]
    public void P3_a_frames_length_is_what_the_configuration_says(string configuration, int length)
    {
        var codec = Codec.Aac(Vectors.Hex(configuration));
        using var bench = new DepacketizerBench(o => new AacDepacketizer(codec, o, AacFormat.HighBitRate), 44_100);
        bench.Push("0020 0008 0008 AA BB", 0, marker: true);
        Assert.That(bench.Frames[1].PresentationTime, Is.EqualTo(length));
    }

    [Test]
    public void P1_a_clock_of_the_extensions_rate_is_converted_without_drift_in_24_hours()
    {
        // HE-AAC: 22,050 Hz with replication to 44,100 Hz, which RTP counts in: a frame is 2,048 ticks of it.
        var codec = Codec.Aac(Vectors.Hex("2B920800"));
        Assert.That(codec.ClockRate, Is.EqualTo(22_050));
        using var bench = new DepacketizerBench(o => new AacDepacketizer(codec, o, AacFormat.HighBitRate), 44_100, isTraced: false);
        const int Packets = 24 * 3600 * 22_050 / 2048 + 1;
        for (long i = 0; i < Packets; i++)
        {
            bench.Push([0, 32, 0, 8, 0, 8, 1, 2], i * 4096, true);
            if (bench.Frames[0].PresentationTime != i * 2048 || bench.Frames[1].PresentationTime != (i * 2048) + 1024)
                Assert.Fail($"Packet {i} is at {bench.Frames[0].PresentationTime}.");
            bench.Clear();
        }
    }

    [Test]
    public void The_low_bit_rate_mode_has_headers_of_one_byte()
    {
        using var bench = New(AacFormat.LowBitRate);
        bench.Push("0010 08 0C AABB CCDDEE", 0, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AABB", "CCDDEE" }));
    }

    [Test]
    public void Headers_need_not_fill_bytes()
    {
        using var bench = New(new AacFormat(10, 0, 0));
        bench.Push("0014 0080 20 AABB CCDD", 0, marker: true); // 0000000010 0000000010
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AABB", "CCDD" }));
    }

    [Test]
    public void Without_headers_a_packet_is_an_access_unit()
    {
        using var bench = New(new AacFormat(0, 0, 0));
        bench.Push("AABB", 0, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AABB" }));
    }

    [Test]
    public void Fragments_are_put_together()
    {
        using var bench = New();
        bench.Push("0010 0028 AABB", 0);
        bench.Push("0010 0028 CC", 0);
        bench.Push("0010 0028 DDEE", 0, marker: true);
        bench.Push("0010 0008 FF", 1024, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AABBCCDDEE", "FF" }));
    }

    [Test]
    public void A_fragment_that_is_lost_costs_its_access_unit_alone()
    {
        using var bench = New();
        bench.Push("0010 0028 AABB", 0);
        bench.Lose();
        bench.Push("0010 0028 DDEE", 0, marker: true);
        bench.Push("0010 0028 AABB", 1024);
        bench.Push("0010 0008 FF", 2048, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "FF" }));
        Assert.That(bench.Frames[0].FollowsLoss);
        Assert.That(bench.Depacketizer.DroppedFrames, Is.GreaterThanOrEqualTo(2));
    }

    [TestCase("00", TestName = "One byte")]
    [TestCase("0010", TestName = "No header")]
    [TestCase("0010 00", TestName = "Half a header")]
    [TestCase("0000 AABB", TestName = "Headers of no length")]
    [TestCase("0008 08 AABB", TestName = "Headers shorter than one")]
    [TestCase("FFFF 0008 AABB", TestName = "Headers longer than the packet")]
    [TestCase("0020 0010 0010 AABB CC", TestName = "Units longer than the packet")]
    [TestCase("0020 0008 0008 AABBCC", TestName = "Units shorter than the packet")]
    public void H4_a_malformed_packet_is_dropped_and_counted(string packet)
    {
        using var bench = New();
        bench.Push(packet, 0, marker: true);
        bench.Push("0010 0008 FF", 9000, marker: true);
        Assert.That(bench.Payloads.Last(), Is.EqualTo("FF"));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public void Plain_ADTS_is_taken_and_tells_the_codec_where_nobody_did()
    {
        using var bench = new DepacketizerBench(o => new AacDepacketizer(null, o, AacFormat.HighBitRate), 44_100);
        bench.Push("0010 0008 FF", 0, marker: true);
        Assert.That(bench.Frames, Is.Empty);
        bench.Push($"{Adts} AABBCC {Adts} DDEEFF", 1024, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AABBCC", "DDEEFF" }));
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 1024L, 2048L }));
        Assert.That(bench.Frames[0].Codec.HasSameParameters(Vectors.Aac));
    }

    [Test]
    public void P3_time_goes_on_when_the_sampling_rate_falls()
    {
        using var bench = new DepacketizerBench(o => new AacDepacketizer(null, o, AacFormat.HighBitRate), 44_100);
        bench.Push("0010 0050 FFF1 4C40 015FFC AABBCC", 4_410_000, marker: true); // 48,000 Hz
        bench.Push($"0010 0050 {Adts} AABBCC", 4_411_024, marker: true);
        Assert.That(
            bench.Frames.Select(f => (f.Codec.ClockRate, f.DecodeTime)),
            Is.EqualTo(new[] { (48_000, 4_800_000L), (44_100, 4_411_024) }));
    }

    [Test]
    public void P12_an_ADTS_header_inside_an_access_unit_is_taken_off_and_updates_the_codec()
    {
        using var bench = New();
        bench.Push($"0010 0050 {Adts} AABBCC", 0, marker: true);
        bench.Push("0010 0050 FFF1 4C40 015FFC AABBCC", 1024, marker: true); // 48,000 Hz, mono
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AABBCC", "AABBCC" }));
        Assert.That(bench.Frames[0].Codec, Is.SameAs(Vectors.Aac));
        Assert.That((bench.Frames[1].Codec.ClockRate, bench.Frames[1].Codec.Channels), Is.EqualTo((48_000, 1)));
    }

    [Test]
    public void An_access_unit_is_cut_into_packets_with_its_length_in_each()
    {
        using var bench = new PacketizerBench(o => new AacPacketizer(o), maxPacketLength: 64, clockRate: 44_100);
        Assert.That(bench.Cut("AABB", Vectors.Aac, presentationTime: 1024), Is.EqualTo(new[] { (65_535, 1124u, true, "00100010AABB") }));
        var unit = string.Concat(Enumerable.Repeat("CD", 50));
        Assert.That(bench.Cut(unit, Vectors.Aac, presentationTime: 2048), Is.EqualTo(new[]
        {
            (0, 2148u, false, "00100190" + unit[..96]), (1, 2148u, true, "00100190" + unit[..4]),
        }));
        Assert.That(bench.Cut(string.Concat(Enumerable.Repeat("CD", 8192)), Vectors.Aac), Is.Empty, "the header has 13 bits");
    }

    [Test]
    public void P3_what_is_cut_is_put_together_at_its_time_whatever_is_lost()
    {
        var random = new Random(20_260);
        using var bench = New();
        using var cutter = new PacketizerBench(o => new AacPacketizer(o), maxPacketLength: 200, clockRate: 44_100);
        var expected = new List<(string Payload, long Time)>();
        for (long i = 0; i < 500; i++)
        {
            var unit = new byte[random.Next(1, 900)];
            random.NextBytes(unit);
            var isWhole = true;
            foreach (var packet in cutter.Cut(Convert.ToHexString(unit), Vectors.Aac, presentationTime: i * 1024))
            {
                if (random.Next(10) == 0)
                {
                    bench.Lose();
                    isWhole = false;
                }
                else
                {
                    bench.Push(packet.Payload, packet.Timestamp - 100, packet.Marker);
                }
            }

            if (isWhole)
                expected.Add((Convert.ToHexString(unit), i * 1024));
        }

        Assert.That(bench.Frames.Select(f => (f.Payload, f.PresentationTime)), Is.EqualTo(expected));
    }

    private static DepacketizerBench New(AacFormat? format = null) =>
        new(o => new AacDepacketizer(Vectors.Aac, o, format ?? AacFormat.HighBitRate), 44_100);
}
