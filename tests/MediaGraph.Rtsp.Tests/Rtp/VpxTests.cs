using MediaGraph.Media;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>VP8 (RFC 7741) and VP9 (RFC 9628). Rows: H4, P8.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class VpxTests
{
    private static readonly Codec Vp8 = new(MediaKind.Video, CodecNames.Vp8, Codec.VideoClockRate);
    private static readonly Codec Vp9 = new(MediaKind.Video, CodecNames.Vp9, Codec.VideoClockRate);

    [TestCase("10", "00", TestName = "VP8 without extensions")]
    [TestCase("90 80 05", "80 80 05", TestName = "VP8 with a picture identifier of 7 bits")]
    [TestCase("90 80 8005", "80 80 8005", TestName = "VP8 with a picture identifier of 15 bits")]
    [TestCase("90 F0 8005 07 20", "80 F0 8005 07 20", TestName = "VP8 with all extensions")]
    [TestCase("90 20 20", "80 10 20", TestName = "VP8 with a layer")]
    [TestCase("30", "21", TestName = "VP8 in two partitions")]
    public void A_VP8_frame_is_what_stands_behind_the_descriptors(string first, string next)
    {
        using var bench = NewVp8();
        bench.Push($"{first} 50AABB");
        bench.Push($"{next} CC", marker: true);
        bench.Push("10 51DD", 2000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "50AABBCC", "51DD" }));
        Assert.That(bench.Frames.Select(f => f.IsKeyframe), Is.EqualTo(new[] { true, false }));
    }

    [TestCase("90", TestName = "VP8: no extensions where they were promised")]
    [TestCase("90 80 80", TestName = "VP8: half a picture identifier")]
    [TestCase("90 40", TestName = "VP8: no TL0PICIDX")]
    [TestCase("10", TestName = "VP8: no frame")]
    [TestCase("00 AA", TestName = "VP8: no beginning")]
    public void H4_a_malformed_VP8_packet_costs_its_frame_and_those_up_to_the_next_keyframe(string packet) =>
        Costs(NewVp8(), "10 50AA", "10 51BB", packet);

    [TestCase("08", "04", TestName = "VP9 without anything")]
    [TestCase("88 05", "84 05", TestName = "VP9 with a picture identifier of 7 bits")]
    [TestCase("A8 8005 00 07", "A4 8005 00 07", TestName = "VP9 with a layer")]
    [TestCase("B8 8005 00", "B4 8005 00", TestName = "VP9 in flexible mode")]
    [TestCase("F8 05 00 03 02", "F4 05 00 02", TestName = "VP9 with references")]
    [TestCase("0A 38 0500 02D0 0A00 05A0 02 04 AA 00", "04", TestName = "VP9 with a structure of two layers and two pictures")]
    public void A_VP9_frame_is_what_stands_behind_the_descriptors(string first, string next)
    {
        using var bench = NewVp9();
        bench.Push($"{first} 82AABB");
        bench.Push($"{next} CC", marker: true);
        bench.Push("4C 86DD", 2000, marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "82AABBCC", "86DD" }));
        Assert.That(bench.Frames.Select(f => f.IsKeyframe), Is.EqualTo(new[] { true, false }));
    }

    [TestCase("88", TestName = "VP9: no picture identifier")]
    [TestCase("88 80", TestName = "VP9: half a picture identifier")]
    [TestCase("28 00", TestName = "VP9: half a layer")]
    [TestCase("78 00 01 01", TestName = "VP9: references that do not end")]
    [TestCase("0A", TestName = "VP9: no structure")]
    [TestCase("0A F8 0500", TestName = "VP9: half a structure")]
    [TestCase("0A 08 FF 00", TestName = "VP9: a structure of 255 pictures")]
    [TestCase("0C", TestName = "VP9: no frame")]
    [TestCase("04 AA", TestName = "VP9: no beginning")]
    [TestCase("08 AA", TestName = "VP9: no end")]
    public void H4_a_malformed_VP9_packet_costs_its_frame_and_those_up_to_the_next_keyframe(string packet) =>
        Costs(NewVp9(), "0C 82AA", "4C 86BB", packet);

    [Test]
    public void The_spatial_layers_of_a_VP9_picture_become_a_superframe()
    {
        using var bench = NewVp9();
        bench.Push("AC 05 00 07 82AA");
        bench.Push("A8 05 02 07 8601");
        bench.Push("A4 05 02 07 0203", marker: true);
        Assert.That(bench.Payloads, Is.EqualTo(new[] { "82AA" + "86010203" + "D9" + "02000000" + "04000000" + "D9" }));
        bench.Lose();
        bench.Push("A8 05 02 07 8201", 2000, marker: true); // a layer above is no beginning
        Assert.That(bench.Frames.Count, Is.EqualTo(1));
    }

    [Test]
    public void P8_frames_are_cut_into_equal_pieces()
    {
        var frame = string.Concat(Enumerable.Range(0, 104).Select(i => $"{i:X2}"));
        using var vp8 = new PacketizerBench(o => new Vp8Packetizer(o), maxPacketLength: 64);
        Assert.That(vp8.Cut(frame, Vp8, decodeTime: 0, presentationTime: 900), Is.EqualTo(new[]
        {
            (65_535, 1000u, false, "10" + frame[..68]), (0, 1000u, false, "00" + frame[68..138]), (1, 1000u, true, "00" + frame[138..]),
        }));
        using var vp9 = new PacketizerBench(o => new Vp9Packetizer(o), maxPacketLength: 64);
        Assert.That(vp9.Cut(frame, Vp9).Select(p => p.Payload[..2]), Is.EqualTo(new[] { "08", "00", "04" }));
        Assert.That(vp9.Cut(frame, Vp9, isKeyframe: false).Select(p => p.Payload[..2]), Is.EqualTo(new[] { "48", "40", "44" }));
        Assert.That(vp9.Cut("86", Vp9, isKeyframe: false).Select(p => p.Payload), Is.EqualTo(new[] { "4C86" }));
        Assert.That(vp9.Cut("", Vp9), Is.Empty);
    }

    [Test]
    public void VP8_that_is_cut_is_put_together_and_with_loss_only_what_can_be_decoded() => LossyStream.Check(
        Vp8, (isKeyframe, length, seed) => MakeFrame(isKeyframe ? 0x50 : 0x51, length, seed), o => new Vp8Packetizer(o),
        o => new Vp8Depacketizer(Vp8, o));

    [Test]
    public void VP9_that_is_cut_is_put_together_and_with_loss_only_what_can_be_decoded() => LossyStream.Check(
        Vp9, (isKeyframe, length, seed) => MakeFrame(isKeyframe ? 0x82 : 0x86, length, seed), o => new Vp9Packetizer(o),
        o => new Vp9Depacketizer(Vp9, o));

    private static byte[] MakeFrame(int first, int length, int seed)
    {
        var frame = new byte[length];
        new Random(seed).NextBytes(frame);
        frame[0] = (byte)first;
        return frame;
    }

    private static void Costs(DepacketizerBench bench, string keyframe, string other, string packet)
    {
        using (bench)
        {
            bench.Push(keyframe, 1000, marker: true);
            bench.Push(packet, 2000, marker: true);
            bench.Push(other, 3000, marker: true);
            bench.Push(keyframe, 4000, marker: true);
            Assert.That(bench.Frames.Select(f => f.PresentationTime), Is.EqualTo(new[] { 1000L, 4000L }));
            Assert.That(bench.Depacketizer.DroppedFrames, Is.EqualTo(2));
        }
    }

    private static DepacketizerBench NewVp8() => new(o => new Vp8Depacketizer(Vp8, o));

    private static DepacketizerBench NewVp9() => new(o => new Vp9Depacketizer(Vp9, o));
}
