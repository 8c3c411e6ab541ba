using MediaGraph.Media;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Rtsp.Tests.Sdp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>RFC 6416. Rows: H4, P1, P3, P12.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class LatmTests
{
    // Of FFmpeg: 48,000 Hz, stereo, with a configuration of its own and without.
    private const string WithConfig = "200011901FE0310880230460E0";
    private const string WithoutConfig = "8310880230460E00";
    private const string Silence = "211004608C1C";

    [TestCase("cpresent=0;config=40002420", "1210", TestName = "GStreamer: it ends with the AudioSpecificConfig")]
    [TestCase("cpresent=0;config=40002420adca00", "121056E500", TestName = "GStreamer: with an extension behind it")]
    [TestCase("profile-level-id=41;cpresent=0;config=400023103fc0", "1188", TestName = "FFmpeg")]
    [TestCase("config=400023103fc0", "1188", TestName = "A configuration shows that cpresent is 0")]
    [TestCase("profile-level-id=44;cpresent=0;config=40005623101fe0", "2B118800", TestName = "Hierarchical signalling of HE-AAC")]
    public void The_configuration_becomes_the_codecs(string parameters, string configuration)
    {
        var format = Read(parameters);
        Assert.That(format.Problem, Is.Null);
        Assert.That((Convert.ToHexString(format.Codec!.Configuration.Span), format.LacksParameters), Is.EqualTo((configuration, false)));
        Assert.That(format.Latm!.IsInBand, Is.False);
    }

    [Test]
    public void Version_1_says_how_long_the_AudioSpecificConfig_is()
    {
        // A channel layout of its own, which only the length passes over; 2 sub-frames; other data of 9 bits; a checksum.
        var config = Bits(
            "1 0 00 00000000 1 000001 0000 000 00 00101000 0001001000000000 010101010101010101010101 000 11111111 1 00 00001001 1 " +
            "10101010");
        var format = Read($"cpresent=0;config={Convert.ToHexString(config)}");
        Assert.That(Convert.ToHexString(format.Codec!.Configuration.Span), Is.EqualTo("1200555555"));
        Assert.That((format.Latm!.Config.SubFrames, format.Latm.Config.OtherDataBits), Is.EqualTo((2, 9)));
    }

    [TestCase("1 1 00 00000000", "MP4A-LATM of a version that is not understood")]
    [TestCase("0 0 000000 0000 000 0001001000010000", "MP4A-LATM with streams of different framing")]
    [TestCase("0 1 000000 0001 000 0001001000010000", "MP4A-LATM with several programs or layers")]
    [TestCase("0 1 000000 0000 001 0001001000010000", "MP4A-LATM with several programs or layers")]
    [TestCase("0 1 000000 0000 000 0100001000010000 000 11111111 0 0", "MP4A-LATM with audio that is not understood")] // CELP
    [TestCase("0 1 000000 0000 000 0001001000000000 000 11111111 0 0", "MP4A-LATM with audio that is not understood")] // own layout
    [TestCase("0 1 000000 0000 000 1000101000010000 10 000", "MP4A-LATM with audio that is not understood")] // protected
    [TestCase("0 1 000000 0000 000 0001011010010000 000 11111111 0 0", "MP4A-LATM with a malformed configuration")] // reserved rate
    [TestCase("0 1 000000 0000 000 0001001000010000 001 000000000", "MP4A-LATM with frames of a fixed length")]
    [TestCase("0 1 000000 0000 000 0001001", "MP4A-LATM with audio that is not understood")]
    [TestCase("0 1 000000 0000 000 00010010", "MP4A-LATM with audio that is not understood")]
    [TestCase("1 0 00 00000000 1 000000 0000 000 00 00010000 00010010", "MP4A-LATM with a malformed configuration")]
    [TestCase("1 0 00 00000000 1 000000 0000 000 01 1111111100000000 00010010", "MP4A-LATM with an AudioSpecificConfig that is too long")]
    public void H4_a_configuration_that_is_not_understood_says_why(string config, string problem)
    {
        var format = Read($"cpresent=0;config={Convert.ToHexString(Bits(config))}");
        Assert.That((format.Codec, format.Problem), Is.EqualTo(((Codec?)null, problem)));
    }

    [TestCase("cpresent=0", "MP4A-LATM without its configuration")]
    [TestCase("cpresent=0;config=4000zz", "MP4A-LATM without its configuration")]
    public void P10_a_configuration_that_is_missing_is_not_made_up(string parameters, string problem) =>
        Assert.That((Read(parameters).Codec, Read(parameters).Problem), Is.EqualTo(((Codec?)null, problem)));

    [TestCase("")]
    [TestCase("cpresent=1")]
    public void P10_in_band_the_codec_waits_for_its_configuration(string parameters)
    {
        var format = Read(parameters);
        Assert.That((format.Codec!.ToString(), format.LacksParameters, format.Latm!.IsInBand), Is.EqualTo(("AAC/44100/2", true, true)));
        using var bench = New(format);
        bench.Push(WithoutConfig, 0, marker: true);
        bench.Push(WithConfig, 1024, marker: true);
        bench.Push(WithoutConfig, 2048, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Silence, Silence }));
        Assert.That(Convert.ToHexString(bench.Frames[0].Codec.Configuration.Span), Is.EqualTo("1190"));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public void P12_a_configuration_that_comes_again_is_the_same_codec_and_another_is_another()
    {
        using var bench = New(Read("cpresent=1;config=400023203fc0")); // 48,000 Hz, stereo, too
        bench.Push(WithoutConfig, 0, marker: true);
        bench.Push(WithConfig, 1024, marker: true);
        bench.Push("200012101FE0310880230460E0", 2048, marker: true); // 44,100 Hz
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Silence, Silence, Silence }));
        Assert.That(bench.Frames[1].Codec, Is.SameAs(bench.Frames[0].Codec));
        Assert.That(bench.Frames.Select(f => f.Codec.ClockRate), Is.EqualTo(new[] { 48_000, 48_000, 44_100 }));
    }

    [Test]
    public void P3_several_elements_in_a_packet_each_have_their_time()
    {
        using var bench = New(Read("cpresent=0;config=40002420"));
        bench.Push("03 AAAAAA 00 01 CC", 100_000, marker: true); // the second is empty
        bench.Push("01 DD", 111_264, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AAAAAA", "CC", "DD" }));
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 100_000L, 102_048, 111_264 }));
        using var inBand = New(Read("cpresent=1"), 48_000);
        inBand.Push(WithConfig + WithoutConfig, 0, marker: true);
        Assert.That(inBand.Frames.Select(f => (f.Payload, f.PresentationTime)), Is.EqualTo(new[] { (Silence, 0L), (Silence, 1024) }));
    }

    [Test]
    public void P3_sub_frames_count_in_the_core_coders_rate_whatever_the_clock_is()
    {
        // HE-AAC, 24,000 Hz with replication to 48,000 Hz, in which RTP counts; two sub-frames.
        var config = Bits("0 1 000001 0000 000 00101 0110 0010 0011 00010 000 000 11111111 0 0");
        var format = Read($"cpresent=0;config={Convert.ToHexString(config)}", 48_000);
        using var bench = New(format, 48_000);
        bench.Push("01 AA 02 BBBB", 0, marker: true);
        bench.Push("01 CC", 4096, marker: true); // half of it
        Assert.That(bench.Frames.Select(f => (f.Payload, f.PresentationTime)), Is.EqualTo(new[] { ("AA", 0L), ("BBBB", 1024) }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public void P3_frames_of_960_samples_last_as_long()
    {
        using var bench = New(Read($"config={Convert.ToHexString(Bits("0 1 000000 0000 000 0001001000010100"))}"));
        bench.Push("01 AA 01 BB", 0, marker: true);
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 0L, 960 }));
    }

    [Test]
    public void Other_data_is_passed_over()
    {
        var config = Bits("0 1 000000 0000 000 0001001000010000 000 11111111 1 0 00001001 0"); // 9 bits behind each element
        using var bench = New(Read($"cpresent=0;config={Convert.ToHexString(config)}"));
        bench.Push("02 AABB FFFF 01 CC FFFF", 0, marker: true);
        bench.Push("02 AABB FF", 4096, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AABB", "CC" }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public void A_length_of_255_and_more_takes_several_bytes()
    {
        using var bench = New(Read("cpresent=0;config=40002420"));
        foreach (var length in (int[])[254, 255, 256, 509, 510, 511])
        {
            var header = string.Concat(Enumerable.Repeat("FF", length / 255)) + $"{length % 255:X2}";
            var unit = string.Concat(Enumerable.Repeat("CD", length));
            bench.Push(header + unit, 1024 * length, marker: true);
            Assert.That(bench.Payloads.Last(), Is.EqualTo(unit));
        }
    }

    [Test]
    public void What_GStreamer_cuts_into_packets_is_put_together()
    {
        // audiotestsrc, 8,000 Hz, mono ! voaacenc bitrate=8000 ! rtpmp4apay mtu=60
        using var bench = New(Read("cpresent=0;config=40002B10", 8000), 8000);
        string[] packets =
        [
            "9701309EDAF532B0415B221D0263683B056C3B4D59CB372E4FBFAEBDD5F5E00CC59878DBB873B0889138FA990C76388A",
            "1F9D89FA9F4EC8D7A45E9E590A30A34F3CF3CF3CF3CF3CF3CF3CF3D3A14E85361B61B60EBA8EB69736C8AB87E3CF2791",
            "5DC993CBE41788A07CBCF93D7E5EF85F14512E4BDEBDE413C608F930040FD548F8A8C407E0323DE171A1F7E1F741F410", "3A8383603936847C",
        ];
        foreach (var packet in packets)
            bench.Push(packet, 5000, marker: packet == packets[^1]);
        Assert.That(bench.Payloads.Single(), Is.EqualTo(string.Concat(packets)[2..]));
        Assert.That(bench.Frames[0].Codec.ToString(), Is.EqualTo("AAC/8000/1"));
    }

    [Test]
    public void An_element_without_a_marker_ends_with_the_next_timestamp()
    {
        using var bench = New(Read("cpresent=0;config=40002420"));
        bench.Push("02 AA", 0);
        bench.Push("BB", 0);
        bench.Push("01 CC", 1024);
        bench.Push("01 DD", 2048);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AABB", "CC" }));
    }

    [Test]
    public void A_fragment_that_is_lost_costs_its_element()
    {
        using var bench = New(Read("cpresent=0;config=40002420"));
        bench.Push("05 AABB", 0);
        bench.Lose();
        bench.Push("DDEE", 0, marker: true);
        bench.Push("01 FF", 1024, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "FF" }));
        Assert.That((bench.Frames[0].FollowsLoss, bench.Depacketizer.DroppedFrames), Is.EqualTo((true, 1L)));
    }

    [Test]
    public void What_follows_a_loss_may_be_a_rest_once_elements_come_in_several_packets()
    {
        using var bench = New(Read("cpresent=0;config=40002420"));
        bench.Push("01 AA", 0, marker: true);
        bench.Lose();
        bench.Push("01 BB", 2048, marker: true); // whole: none came in several so far
        bench.Push("02 CC", 3072);
        bench.Push("CC", 3072, marker: true);
        bench.Lose();
        bench.Push("01 DD", 4096, marker: true); // looks whole
        bench.Push("01 EE", 5120, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "AA", "BB", "CCCC", "EE" }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(1));
    }

    [TestCase("0", "FF", TestName = "Half a length")]
    [TestCase("0", "03 AABB", TestName = "Longer than the packet")]
    [TestCase("0", "01 AA 03 BB", TestName = "The second one is longer than the packet")]
    [TestCase("1", "40 00", TestName = "In band: half a configuration")]
    [TestCase("1", "20081190 1FE0310880230460E0", TestName = "In band: several programs")]
    [TestCase("1", "80", TestName = "In band: half a length")]
    public void H4_a_malformed_packet_is_dropped_and_counted(string isInBand, string packet)
    {
        using var bench = New(Read($"cpresent={isInBand};config=40002420"));
        bench.Push(packet, 0, marker: true);
        bench.Push(isInBand == "0" ? "06" + Silence : WithoutConfig, 9000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Silence }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(1));
    }

    private static DepacketizerBench New(SdpFormat format, int clockRate = 44_100) => new(o => Depacketizer.Create(format, o), clockRate);

    private static SdpFormat Read(string parameters, int clockRate = 44_100) =>
        SdpReaderTests.Read($"m=audio 0 RTP/AVP 96\na=rtpmap:96 MP4A-LATM/{clockRate}/2\na=fmtp:96 {parameters}\n")
            .Medias.Single().Formats.Single();

    private static byte[] Bits(string text)
    {
        var bits = text.Replace(" ", "", StringComparison.Ordinal);
        var bytes = new byte[(bits.Length + 7) / 8];
        for (var i = 0; i < bits.Length; i++)
            bytes[i / 8] |= (byte)(bits[i] == '1' ? 0x80 >> (i % 8) : 0);
        return bytes;
    }
}
