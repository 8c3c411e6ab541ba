using MediaGraph.Media;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>RTP Payload Format For AV1, v1.0. Rows: H4, H5, P8, P12.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class Av1Tests
{
    private const string Payload = "000000043CFECCDAF90040"; // of a sequence header
    private const string Sequence = "08" + Payload;
    private const string SizedSequence = "0A0B" + Payload;

    private static readonly Codec Bare = new(MediaKind.Video, CodecNames.Av1, Codec.VideoClockRate);
    private static readonly Codec Known = new(
        MediaKind.Video, CodecNames.Av1, Codec.VideoClockRate, configuration: Vectors.Hex("81000C00" + SizedSequence));

    [TestCase("28 0C" + Sequence + "30AABB", TestName = "Two elements, the last without its length")]
    [TestCase("08 0C" + Sequence + "0330AABB", TestName = "Two elements with their lengths")]
    [TestCase("38 021200 0C" + Sequence + "30AABB", TestName = "A temporal delimiter, which is left out")]
    [TestCase("28 0D" + SizedSequence + "3202AABB", TestName = "Units with sizes of their own")]
    [TestCase("38 0C" + Sequence + "00 30AABB", TestName = "An element of no length")]
    public void Elements_become_units_with_sizes(string packet)
    {
        using var bench = New();
        bench.Push(packet, marker: true);
        bench.Push("10 30CC", 2000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { SizedSequence + "3202AABB", "3201CC" }));
        Assert.That(bench.Frames.Select(f => f.IsKeyframe), Is.EqualTo(new[] { true, false }));
        Assert.That(bench.Frames[0].Codec.HasSameParameters(Known), "the record is what an encoder wrote for this header");
        Assert.That(bench.Frames[0].Codec.Video!.Width, Is.EqualTo(320));
    }

    [Test]
    public void Fragments_are_put_together_over_any_number_of_packets()
    {
        using var bench = New();
        bench.Push("68 0C" + Sequence + "34 18"); // with an extension
        bench.Push("D0 " + string.Concat(Enumerable.Repeat("AA", 100)));
        bench.Push("D0 " + string.Concat(Enumerable.Repeat("BB", 100)));
        bench.Push("A0 01CC 2805", marker: true); // the end, and metadata
        Assert.That(bench.Payloads.Single(), Is.EqualTo(
            SizedSequence + "3618C901" + string.Concat(Enumerable.Repeat("AA", 100)) + string.Concat(Enumerable.Repeat("BB", 100)) + "CC" +
            "2A0105"));
    }

    [TestCase("90 AA", TestName = "The end of a unit that never began")]
    [TestCase("50 30AA", TestName = "A unit that never ends")]
    [TestCase("20 05 30AA", TestName = "An element longer than its packet")]
    [TestCase("00 FFFFFFFFFFFFFFFFFF01 30", TestName = "A length of more than 8 bytes")]
    [TestCase("00 80", TestName = "A length that is cut")]
    [TestCase("10 B0AA", TestName = "A unit whose forbidden bit is set")]
    [TestCase("10 34", TestName = "A unit without its extension")]
    [TestCase("10 3205AA", TestName = "A unit whose own size is wrong")]
    [TestCase("10 3201AABB", TestName = "A unit with something behind it")]
    public void H4_a_malformed_packet_costs_its_frame_and_those_up_to_the_next_keyframe(string packet)
    {
        using var bench = New();
        const string Keyframe = "28 0C" + Sequence + "30AABB";
        bench.Push(Keyframe, 1000, marker: true);
        bench.Push("10 30EE", 2000);
        bench.Push(packet, 2000, marker: true);
        bench.Push("10 30CC", 3000, marker: true);
        bench.Push(Keyframe, 4000, marker: true);
        Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 1000L, 4000L }));
        Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(2));
    }

    [Test]
    public void P12_another_sequence_header_announces_another_codec()
    {
        using var bench = new DepacketizerBench(o => new Av1Depacketizer(Known, o));
        bench.Push("28 0C" + Sequence + "30AA", marker: true);
        bench.Push("28 0C" + Sequence.Replace("F90040", "F90048", StringComparison.Ordinal) + "30AA", 2000, marker: true);
        Assert.That(bench.Frames[0].Codec, Is.SameAs(Known));
        Assert.That(bench.Frames[1].Codec.HasSameParameters(Known), Is.False);
    }

    [Test]
    public void P8_units_are_cut_without_their_sizes()
    {
        using var bench = new PacketizerBench(o => new Av1Packetizer(o), maxPacketLength: 64);
        var picture = string.Concat(Enumerable.Range(0, 60).Select(i => $"{i:X2}"));
        var packets = bench.Cut("1200" + SizedSequence + "323C" + picture, Known, decodeTime: 0, presentationTime: 900);

        // 52 bytes of room: the header, 1 and 12 of the sequence, and 37 of the picture, for whose length a byte is kept.
        Assert.That(packets, Is.EqualTo(new[]
        {
            (65_535, 1000u, false, "680C" + Sequence + "30" + picture[..72]), (0, 1000u, true, "90" + picture[72..]),
        }));
        Assert.That(bench.Cut("3201AA", Known, isKeyframe: false).Select(p => p.Payload), Is.EqualTo(new[] { "1030AA" }));
        Assert.That(bench.Cut("3201AA3201BB3201CC3201DD", Known, isKeyframe: false).Select(p => p.Payload), Is.EqualTo(new[]
        {
            "00" + "0230AA" + "0230BB" + "0230CC" + "0230DD",
        }));
    }

    [TestCase("", TestName = "AV1: nothing")]
    [TestCase("1200", TestName = "AV1: a temporal delimiter alone")]
    [TestCase("3205AA", TestName = "AV1: a unit that is cut")]
    [TestCase("B201AA", TestName = "AV1: a forbidden bit")]
    public void H4_a_malformed_frame_gives_no_packets(string frame)
    {
        using var bench = new PacketizerBench(o => new Av1Packetizer(o));
        Assert.That(bench.Cut(frame, Known), Is.Empty);
    }

    [Test]
    public void What_is_cut_is_put_together_and_with_loss_only_what_can_be_decoded() =>
        LossyStream.Check(Known, MakeFrame, o => new Av1Packetizer(o), o => new Av1Depacketizer(Bare, o));

    // A keyframe has the sequence header; then there are one to five units, some with an extension.
    private static byte[] MakeFrame(bool isKeyframe, int length, int seed)
    {
        var random = new Random(seed);
        var frame = new List<byte>(isKeyframe ? Vectors.Hex(SizedSequence) : []);
        var units = random.Next(1, 6);
        for (var i = 0; i < units; i++)
        {
            var payload = new byte[(length / units) + 1];
            random.NextBytes(payload);
            frame.AddRange(random.Next(2) == 0 ? [0x32] : (byte[])[0x36, 0x08]);
            var size = new byte[Av1Unit.MeasureSize(payload.Length)];
            Av1Unit.WriteSize(size, payload.Length);
            frame.AddRange(size);
            frame.AddRange(payload);
        }

        return [.. frame];
    }

    private static DepacketizerBench New() => new(o => new Av1Depacketizer(Bare, o));
}
