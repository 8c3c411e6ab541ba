using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>RFC 6184, and what cameras make of it. Rows: H4, H5, P2, P8, P10, P11, P12.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class H264Tests
{
    private const string Idr = "6588AABB";
    private const string Slice = "4188CC";
    private const string SecondSlice = "4111DD"; // first_mb_in_slice is not 0

    [Test]
    public void Single_units_of_one_timestamp_are_a_frame_that_ends_with_the_marker()
    {
        using var bench = New();
        bench.Push(Idr);
        bench.Push("6511DD", marker: true);
        bench.Push(Slice, 4000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr, "6511DD"), Vectors.Units(Slice) }));
        Assert.That(bench.Frames.Select(f => (f.IsKeyframe, f.PresentationTime)), Is.EqualTo(new[] { (true, 1000L), (false, 4000L) }));
        Assert.That(bench.Frames.Select(f => f.Codec), Is.All.SameAs(Vectors.H264), "as the session description says");
    }

    [Test]
    public void A_frame_whose_marker_never_comes_ends_with_the_next_timestamp()
    {
        using var bench = New();
        bench.Push(Idr);
        bench.Push(Slice, 4000);
        bench.Push(Slice, 7000);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr), Vectors.Units(Slice) }));
    }

    [Test]
    public void Aggregates_and_fragments_are_taken_apart_and_put_together()
    {
        using var bench = New();
        bench.Push($"78 001B {Vectors.Sps1080} 0006 {Vectors.Pps1080} 0003 068001"); // STAP-A
        bench.Push("7C85 88AA"); // FU-A of type 5, start
        bench.Push("7C05 BBCC");
        bench.Push("7C45 DD", marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units("068001", "6588AABBCCDD") }));
        Assert.That(bench.Depacketizer.Codec, Is.SameAs(Vectors.H264), "the same parameter sets announce nothing");
    }

    // Periodic intra refresh: encoders of this kind send no IDR picture, or one at the start.
    [Test]
    public void Decoding_starts_at_a_recovery_point_where_there_is_no_IDR_picture()
    {
        using var bench = New();
        const string Recovery = "060601C480"; // recovery_frame_cnt 4 (D.2.8)
        bench.Push(Slice, 1000, marker: true);
        bench.Push("0605021122 80", 2000);
        bench.Push(Slice, 2000, marker: true);
        bench.Push($"78 0005 {Recovery} 0003 {Slice}", 3000, marker: true);
        bench.Push(Slice, 4000, marker: true);
        bench.Lose();
        bench.Push(Slice, 5000, marker: true);
        bench.Push(Recovery, 6000);
        bench.Push(Slice, 6000, marker: true);
        Assert.That(bench.Frames.Select(f => (f.IsKeyframe, f.PresentationTime)), Is.EqualTo(new[]
        {
            (true, 3000L), (false, 4000L), (true, 6000L),
        }));
        Assert.That(bench.Payloads.Last(), Is.EqualTo(Vectors.Units(Recovery, Slice)));
    }

    [TestCase("7805 FFFF", TestName = "A STAP-A whose unit is longer than it")]
    [TestCase("78 0001", TestName = "A STAP-A that ends behind a length")]
    [TestCase("78 0003 068001 00", TestName = "A STAP-A that ends in a length")]
    [TestCase("7C", TestName = "An FU-A without its header")]
    [TestCase("7C05 BBCC", TestName = "A fragment without a beginning")]
    [TestCase("79 0000 0001 68", TestName = "A STAP-B")]
    public void H4_a_malformed_packet_costs_its_frame_and_those_up_to_the_next_keyframe(string packet)
    {
        using var bench = New();
        bench.Push(Idr, 1000, marker: true);
        bench.Push(Slice, 2000);
        bench.Push(packet, 2000);
        bench.Push(SecondSlice, 2000, marker: true);
        bench.Push(Slice, 3000, marker: true);
        bench.Push(Idr, 4000, marker: true);
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 1000L, 4000L }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(2));
    }

    [Test]
    public void H4_units_of_no_length_in_an_aggregate_are_passed_over()
    {
        using var bench = New();
        bench.Push("78 0000 0004 6588AABB 0000", marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr) }));
    }

    [Test]
    public void A_fragment_whose_unit_never_ends_costs_its_frame()
    {
        using var bench = New();
        bench.Push("7C85 88AA", marker: true);
        bench.Push("7C85 88AA", 2000);
        bench.Push(SecondSlice, 2000, marker: true);
        Assert.That((bench.Frames.Count, bench.Depacketizer.DroppedFrames), Is.EqualTo((0, 2L)));
    }

    [Test]
    public void H5_a_frame_that_never_ends_is_dropped_at_8_MiB()
    {
        using var bench = new DepacketizerBench(o => new H264Depacketizer(Vectors.H264, o), isTraced: false);
        bench.Push("7C85 88AA");
        var fragment = new byte[60_000];
        (fragment[0], fragment[1]) = (0x7C, 0x05);
        for (var i = 0; i < 300; i++)
        {
            bench.Push(fragment, 1000, marker: false);
            Assert.That(bench.Pool.GetStatistics().OutstandingBytes, Is.LessThanOrEqualTo(2 * (8 << 20)), "of two");
        }

        bench.Push("7C45 DD", marker: true);
        bench.Push(Idr, 2000, marker: true);
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 2000L }));
    }

    [Test]
    public void A_hole_costs_all_up_to_the_next_keyframe_and_that_one_is_known_by_its_parameter_sets()
    {
        using var bench = New();
        foreach (var set in new[] { Vectors.Sps1080, Vectors.Pps1080 })
            bench.Push(set);
        bench.Push(Idr, marker: true);
        bench.Lose();
        bench.Push(Slice, 2000, marker: true);
        bench.Lose();
        bench.Push(Idr, 3000, marker: true); // its parameter sets are what is missing, perhaps
        bench.Lose();
        foreach (var set in new[] { Vectors.Sps1080, Vectors.Pps1080 })
            bench.Push(set, 4000);
        bench.Push(Idr, 4000, marker: true);
        Assert.That(bench.Frames.Select(f => (f.PresentationTime, f.FollowsLoss)), Is.EqualTo(new[] { (1000L, false), (4000L, true) }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(2));
    }

    [Test]
    public void Where_parameter_sets_come_with_the_session_description_a_keyframe_is_known_by_its_first_slice()
    {
        using var bench = New();
        bench.Push(Idr, marker: true);
        bench.Lose();
        bench.Push("6511DD", 2000, marker: true); // the second slice of a picture
        bench.Lose();
        bench.Push(Idr, 3000, marker: true);
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 1000L, 3000L }));
    }

    [Test]
    public void A_packet_that_comes_late_changes_nothing()
    {
        using var bench = New();
        bench.Push(10, 1000, true, Vectors.Hex(Idr));
        bench.Push(9, 500, true, Vectors.Hex(Slice));
        bench.Push(10, 1000, true, Vectors.Hex(Idr));
        bench.Push(11, 2000, true, Vectors.Hex(Slice));
        Assert.That((bench.Frames.Count, bench.Depacketizer.LatePackets), Is.EqualTo((2, 2L)));
    }

    // ---- What cameras do ----------------------------------------------------------------------------------------------------

    [Test]
    public void Parameter_sets_and_SEI_with_the_marker_end_no_frame()
    {
        using var bench = New();
        bench.Push(Vectors.Sps1080, 900, marker: true); // some even with the time before
        bench.Push(Vectors.Pps1080, 1000, marker: true);
        bench.Push("068001", 1000, marker: true);
        bench.Push(Idr, 1000, marker: true);
        bench.Push("068002", 1900, marker: true);
        bench.Push(Slice, 2000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units("068001", Idr), Vectors.Units("068002", Slice) }));
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 1000L, 2000L }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.Zero);
    }

    [Test]
    public void Delimiters_and_filler_are_left_out()
    {
        using var bench = New();
        bench.Push("09F0");
        bench.Push(Idr);
        bench.Push("0CFFFF80", marker: true);
        bench.Push("09F0", 2000, marker: true);
        bench.Push(Slice, 2000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr), Vectors.Units(Slice) }));
    }

    [TestCase("", "000001", TestName = "Units glued in one packet")]
    [TestCase("00000001", "00000001", TestName = "Units glued in one packet, with a start code in front")]
    public void Units_that_are_glued_together_with_start_codes_are_parted(string front, string startCode)
    {
        var glued = front + Vectors.Sps1080 + startCode + Vectors.Pps1080 + startCode + Idr;
        using var bench = New(bare: true);
        bench.Push(glued, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr) }));
        Assert.That(bench.Frames[0].Codec.HasSameParameters(Vectors.H264));

        using var fragments = New(bare: true);
        if (front.Length == 0)
        {
            fragments.Push("7C87" + glued[2..40]);
            fragments.Push("7C47" + glued[40..], marker: true);
            Assert.That(fragments.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr) }));
        }
    }

    [Test]
    public void P10_without_any_parameter_sets_nothing_comes_out_and_no_codec_is_made_up()
    {
        using var bench = New(bare: true);
        Assert.That(bench.Depacketizer.Codec, Is.Null);
        bench.Push(Idr, marker: true);
        bench.Push("67FFFF", 2000); // no SPS at all
        bench.Push(Vectors.Pps1080, 2000);
        bench.Push(Idr, 2000, marker: true);
        Assert.That((bench.Frames.Count, bench.Depacketizer.DroppedFrames), Is.EqualTo((0, 2L)));
        bench.Push(Vectors.Sps1080, 3000);
        bench.Push(Idr, 3000, marker: true);
        Assert.That(bench.Frames.Single().Codec.Video!.Width, Is.EqualTo(1920));
    }

    [Test]
    public void P12_other_parameter_sets_announce_another_codec_with_their_frame()
    {
        using var bench = New();
        bench.Push(Idr, 1000, marker: true);
        bench.Push(Vectors.SpsBaseline, 2000);
        bench.Push(Idr, 2000, marker: true);
        bench.Push(Vectors.SpsBaseline, 3000);
        bench.Push(Idr, 3000, marker: true);
        Assert.That(bench.Frames[0].Codec, Is.SameAs(Vectors.H264));
        Assert.That(bench.Frames[1].Codec.Video!.Profile, Is.EqualTo("Constrained Baseline"));
        Assert.That(bench.Frames[2].Codec, Is.SameAs(bench.Frames[1].Codec), "a repetition announces nothing");
    }

    [Test]
    public void P11_all_picture_parameter_sets_are_kept()
    {
        using var bench = New();
        bench.Push("685B5C80", 1000); // identifier 1
        bench.Push(Idr, 1000, marker: true);
        Assert.That(AvcConfiguration.TryParse(bench.Frames[0].Codec.Configuration.Span, out var configuration));
        Assert.That(
            configuration!.PictureParameterSets.Select(set => Convert.ToHexString(set.Span)),
            Is.EqualTo(new[] { Vectors.Pps1080.ToUpperInvariant(), "685B5C80" }));
    }

    [Test]
    public void H5_parameter_sets_are_bounded_in_bytes()
    {
        using var bench = New();
        var set = new byte[60_000];
        set[0] = 0x68;
        for (byte i = 1; i < 20; i++)
        {
            set[1] = (byte)(0x80 >> 4 | i); // some identifier
            bench.Push(set, 1000, marker: false);
        }

        bench.Push(Idr, 1000, marker: true);
        Assert.That(bench.Frames.Single().Codec.Configuration.Length, Is.LessThan(ParameterSets.MaxBytes + 100));
    }

    [Test]
    public void P2_frames_that_are_reordered_get_decode_times()
    {
        using var bench = New();
        int[] order = [0, 4, 2, 1, 3, 8, 6, 5, 7];
        foreach (var i in order)
            bench.Push(i == 0 ? Idr : Slice, 90_000 + (i * 3600), marker: true);
        Assert.That(bench.Frames.Select(f => (f.PresentationTime - 90_000) / 3600), Is.EqualTo(order));
        var steps = bench.Frames.Zip(bench.Frames.Skip(1), (a, b) => b.DecodeTime - a.DecodeTime);
        Assert.That(steps.Skip(1), Is.All.EqualTo(3600));
        Assert.That(bench.Frames.Select(f => f.PresentationTime - f.DecodeTime), Is.All.Not.Negative);
    }

    // ---- Packets ------------------------------------------------------------------------------------------------------------

    [Test]
    public void P8_a_keyframe_is_cut_with_the_codecs_parameter_sets_and_its_presentation_time()
    {
        using var bench = new PacketizerBench(o => new H264Packetizer(o), maxPacketLength: 64);
        var idr = "65" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i:X2}"));
        var packets = bench.Cut(Vectors.Units("09F0", "068001", idr), Vectors.H264, decodeTime: 3000, presentationTime: 9000);
        Assert.That(packets.Select(p => p.Payload), Is.EqualTo(new[]
        {
            $"78001B{Vectors.Sps1080}0006{Vectors.Pps1080}".ToUpperInvariant(),
            "068001",
            "7C85" + idr[2..102],
            "7C45" + idr[102..],
        }));
        Assert.That(packets.Select(p => (p.Sequence, p.Timestamp, p.Marker)), Is.EqualTo(new[]
        {
            (65_535, 9100u, false), (0, 9100u, false), (1, 9100u, false), (2, 9100u, true),
        }));
        var next = bench.Cut(Vectors.Units(Slice), Vectors.H264, isKeyframe: false, presentationTime: 6000);
        Assert.That(next, Is.EqualTo(new[] { (3, 6100u, true, Slice) }));
        Assert.That((bench.Packetizer.Packets, bench.Packetizer.Bytes), Is.EqualTo((5u, 38u + 3 + 52 + 12 + 3)));
    }

    [Test]
    public void A_keyframe_that_has_its_own_parameter_sets_is_given_no_others()
    {
        using var bench = new PacketizerBench(o => new H264Packetizer(o));
        var packets = bench.Cut(Vectors.Units(Vectors.SpsBaseline, Vectors.Pps1080, Idr), Vectors.H264);
        Assert.That(packets.Select(p => p.Payload), Is.EqualTo(new[]
        {
            $"780018{Vectors.SpsBaseline}0006{Vectors.Pps1080}".ToUpperInvariant(), Idr,
        }));
    }

    [TestCase("", TestName = "Nothing")]
    [TestCase("00000002 09F0", TestName = "A delimiter alone")]
    [TestCase("00000005 6588", TestName = "A unit that is cut")]
    [TestCase("00000002 6588 000000", TestName = "A length that is cut")]
    [TestCase("00000000", TestName = "A unit of no length")]
    public void A_malformed_frame_gives_no_packets_and_takes_no_sequence_numbers(string frame)
    {
        using var bench = new PacketizerBench(o => new H264Packetizer(o));
        Assert.That(bench.Cut(frame, Vectors.H264), Is.Empty);
        Assert.That((bench.Packetizer.DroppedFrames, bench.Packetizer.NextSequenceNumber), Is.EqualTo((1L, (ushort)65_535)));
    }

    [Test]
    public void What_is_cut_is_put_together_and_with_loss_only_what_can_be_decoded() => LossyStream.Check(
        Vectors.H264, MakeFrame,
        o => new H264Packetizer(o), o => new H264Depacketizer(Vectors.H264Bare, o));

    private static DepacketizerBench New(bool bare = false) =>
        new(o => new H264Depacketizer(bare ? Vectors.H264Bare : Vectors.H264, o));

    // Slices of random bytes, perhaps with supplements before them.
    private static byte[] MakeFrame(bool isKeyframe, int length, int seed)
    {
        var random = new Random(seed);
        var frame = new List<byte>();
        if (random.Next(3) == 0)
            Add([0x06, 0x80, (byte)random.Next(1, 256)]);
        var slices = random.Next(1, 4);
        for (var i = 0; i < slices; i++)
        {
            var slice = new byte[2 + (length / slices)];
            random.NextBytes(slice);
            (slice[0], slice[1]) = ((byte)(isKeyframe ? 0x65 : 0x41), (byte)(i == 0 ? 0x88 : 0x11));
            Add(slice);
        }

        return [.. frame];

        void Add(byte[] nalUnit)
        {
            var prefix = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(prefix, nalUnit.Length);
            frame.AddRange(prefix);
            frame.AddRange(nalUnit);
        }
    }
}
