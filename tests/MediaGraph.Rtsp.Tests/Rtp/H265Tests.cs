using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>RFC 7798, and what cameras make of it. Rows: H4, H5, P8, P10, P12.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class H265Tests
{
    private const string Idr = "2601AFAABB"; // IDR_W_RADL
    private const string Slice = "020180CC"; // TRAIL_R

    [Test]
    public void Single_units_aggregates_and_fragments_become_frames()
    {
        using var bench = New(bare: true);
        bench.Push($"6001 0018 {Vectors.Vps720} 0029 {Vectors.Sps720} 0007 {Vectors.Pps720} 0004 4E010180"); // AP
        bench.Push("6201 93 AFAA"); // FU of type 19, start
        bench.Push("6201 13 BBCC");
        bench.Push("6201 53 DD", marker: true);
        bench.Push(Slice, 4000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units("4E010180", "2601AFAABBCCDD"), Vectors.Units(Slice) }));
        Assert.That(bench.Frames.Select(f => f.IsKeyframe), Is.EqualTo(new[] { true, false }));
        Assert.That(bench.Frames[0].Codec.HasSameParameters(Vectors.H265));
    }

    [Test]
    public void A_fragment_that_is_first_and_last_is_a_whole_unit()
    {
        using var bench = New();
        bench.Push("6201 D3 AFAABB", marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr) }));
    }

    [Test]
    public void H4_a_unit_that_is_nothing_but_its_header_is_as_long_as_was_counted()
    {
        using var bench = New();
        bench.Push(Idr, 1000, marker: true);
        bench.Push("0201", 2000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr), Vectors.Units("0201") }));
    }

    [Test]
    public void Decoding_order_numbers_are_passed_over()
    {
        using var bench = new DepacketizerBench(o => new H265Depacketizer(Vectors.H265, o, hasDecodingOrder: true));
        bench.Push("6001 0007 0004 4E010180 01 0005 " + Idr); // DONL, and DOND
        bench.Push("6201 93 0009 11AA");
        bench.Push("6201 53 BB");
        bench.Push("2601 000A 11CC", marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units("4E010180", Idr, "260111AABB", "260111CC") }));
    }

    [TestCase("60", TestName = "Half a header")]
    [TestCase("6001 0009 2601", TestName = "An aggregate whose unit is longer than it")]
    [TestCase("6001 00", TestName = "An aggregate that ends in a length")]
    [TestCase("6201", TestName = "A fragment without its header")]
    [TestCase("6201 13 AA", TestName = "A fragment without a beginning")]
    [TestCase("6401 0000", TestName = "PACI")]
    public void H4_a_malformed_packet_costs_its_frame_and_those_up_to_the_next_keyframe(string packet)
    {
        using var bench = New();
        bench.Push(Idr, 1000, marker: true);
        bench.Push(Slice, 2000);
        bench.Push(packet, 2000, marker: true);
        bench.Push(Slice, 3000, marker: true);
        bench.Push(Idr, 4000, marker: true);
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 1000L, 4000L }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(2));
    }

    [Test]
    public void H4_an_aggregate_of_empty_units_and_units_without_a_body_are_nothing()
    {
        using var bench = New();
        bench.Push(Idr, marker: true);
        bench.Push("6001 0000 0001 26 0000", 2000);
        bench.Push(Slice, 2000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr), Vectors.Units(Slice) }));
    }

    [Test]
    public void Parameter_sets_SEI_and_delimiters_with_the_marker_end_no_frame()
    {
        using var bench = New(bare: true);
        foreach (var unit in new[] { "460150", Vectors.Vps720, Vectors.Sps720, Vectors.Pps720, "4E010180" })
            bench.Push(unit, 900, marker: true);
        bench.Push(Idr, 1000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units("4E010180", Idr) }));
        Assert.That(bench.Frames[0].PresentationTime, Is.EqualTo(1000));
    }

    [Test]
    public void Units_that_are_glued_together_with_start_codes_are_parted()
    {
        using var bench = New(bare: true);
        var glued = $"00000001{Vectors.Vps720}00000001{Vectors.Sps720}00000001{Vectors.Pps720}000001{Idr}";
        bench.Push(glued, marker: true);
        bench.Push(glued[8..], 2000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { Vectors.Units(Idr), Vectors.Units(Idr) }));
    }

    [Test]
    public void P10_P12_the_codec_is_what_the_stream_says_and_never_made_up()
    {
        using var bench = New(bare: true);
        Assert.That(bench.Depacketizer.Codec, Is.Null);
        bench.Push(Vectors.Vps720);
        bench.Push(Vectors.Sps720);
        bench.Push(Idr, marker: true);
        Assert.That(bench.Frames, Is.Empty, "there is no PPS");
        bench.Push(Vectors.Pps720, 2000);
        bench.Push(Idr, 2000, marker: true);
        bench.Push("4401C172B4624040", 3000);
        bench.Push(Idr, 3000, marker: true);
        Assert.That(bench.Frames[0].Codec.HasSameParameters(Vectors.H265));
        Assert.That(bench.Frames[1].Codec, Is.Not.SameAs(bench.Frames[0].Codec));
        Assert.That(HevcConfiguration.TryParse(bench.Frames[1].Codec.Configuration.Span, out var configuration));
        Assert.That(configuration!.PictureParameterSets.Length, Is.EqualTo(1), "one of its identifier");
    }

    [Test]
    public void Leading_pictures_go_with_what_is_before_their_keyframe()
    {
        using var bench = New();
        const string Cra = "2A01AFAA";
        const string Rasl = "120180DD";
        bench.Push(Cra, 3000, marker: true);
        bench.Push(Rasl, 1000, marker: true);
        bench.Push(Slice, 6000, marker: true);
        bench.Push(Cra, 9000, marker: true);
        bench.Push(Rasl, 8000, marker: true);
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 3000L, 6000, 9000, 8000 }));
        bench.Lose();
        bench.Push(Cra, 12_000, marker: true);
        bench.Push(Rasl, 11_000, marker: true);
        bench.Push(Slice, 15_000, marker: true);
        Assert.That(bench.Frames.Skip(4).Select(f => f.PresentationTime), Is.EqualTo(new[] { 12_000L, 15_000 }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(2));
    }

    [Test]
    public void P8_a_keyframe_is_cut_with_the_codecs_parameter_sets_and_its_presentation_time()
    {
        using var bench = new PacketizerBench(o => new H265Packetizer(o), maxPacketLength: 100);
        var idr = "2601" + string.Concat(Enumerable.Range(0, 100).Select(i => $"{i:X2}"));
        var packets = bench.Cut(Vectors.Units("460150", idr), Vectors.H265, decodeTime: 3000, presentationTime: 9000);
        Assert.That(packets.Select(p => p.Payload), Is.EqualTo(new[]
        {
            $"60010018{Vectors.Vps720}0029{Vectors.Sps720}0007{Vectors.Pps720}".ToUpperInvariant(),
            "620193" + idr[4..174],
            "620153" + idr[174..],
        }));
        Assert.That(packets.Select(p => (p.Sequence, p.Timestamp, p.Marker)), Is.EqualTo(new[]
        {
            (65_535, 9100u, false), (0, 9100u, false), (1, 9100u, true),
        }));
    }

    [Test]
    public void An_aggregate_has_the_lowest_layer_and_temporal_identifier_of_its_units()
    {
        using var bench = new PacketizerBench(o => new H265Packetizer(o));
        var packets = bench.Cut(Vectors.Units("4E0BAA", "4E12BB", Slice), Vectors.H265, isKeyframe: false);
        Assert.That(packets.Select(p => p.Payload), Is.EqualTo(new[] { "600A" + "00034E0BAA" + "00034E12BB", Slice }));
    }

    [Test]
    public void What_is_cut_is_put_together_and_with_loss_only_what_can_be_decoded() => LossyStream.Check(
        Vectors.H265, MakeFrame, o => new H265Packetizer(o), o => new H265Depacketizer(Vectors.H265Bare, o));

    private static DepacketizerBench New(bool bare = false) =>
        new(o => new H265Depacketizer(bare ? Vectors.H265Bare : Vectors.H265, o));

    // Slices of random bytes, perhaps with supplements before them.
    private static byte[] MakeFrame(bool isKeyframe, int length, int seed)
    {
        var random = new Random(seed);
        var frame = new List<byte>();
        if (random.Next(3) == 0)
            Add([0x4E, 0x01, 0x80, (byte)random.Next(1, 256)]);
        var slices = random.Next(1, 4);
        for (var i = 0; i < slices; i++)
        {
            var slice = new byte[3 + (length / slices)];
            random.NextBytes(slice);
            (slice[0], slice[1], slice[2]) = ((byte)(isKeyframe ? 0x26 : 0x02), 1, (byte)(i == 0 ? 0xAF : 0x11));
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
