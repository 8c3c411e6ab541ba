using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

[Parallelizable(ParallelScope.All)]
public sealed class RtpTrackTests
{
    private static readonly LoadOptions Options = LoadOptions.Parse(["--audio", "--gop", "10", "--bitrate", "2.5"])!;
    private static readonly SyntheticTrack[] Tracks = SyntheticTrack.ForStreams(Options, areBare: true)[0];

    [Test]
    public void A_bare_frame_is_what_the_tag_of_the_same_number_holds()
    {
        var tagged = SyntheticTrack.ForStreams(Options)[0];
        foreach (var (bare, inTag, tagLength) in new[] { (Tracks[0], tagged[0], 9), (Tracks[1], tagged[1], 2) })
        {
            for (var number = 0; number < 25; number++)
            {
                var (one, other) = (new byte[bare.Length(number)], new byte[inTag.Length(number)]);
                bare.Write(number, 1234, one);
                inTag.Write(number, 1234, other);
                Assert.That(one, Is.EqualTo(other[tagLength..]));
            }
        }
    }

    [TestCase(0)]
    [TestCase(1)]
    public void What_is_written_is_read_again(int index)
    {
        var (check, rtp) = Start(index);
        var writer = new RtpWriter(Tracks[index], 0);
        for (var number = 0; number < 20; number++)
        {
            foreach (var packet in RtpUnit.Frame(writer, Tracks[index], number).Packets)
                rtp.Take(packet);
        }

        Assert.That((check.Faults, check.Frames, rtp.Faults), Is.EqualTo((default(FrameFaults), 20L, default(PacketFaults))));
    }

    [Test]
    public void Parameters_and_delimiters_between_frames_are_no_frames()
    {
        var (check, rtp) = Start(0);
        var frame = new byte[Tracks[0].LongestFrame];
        var length = Tracks[0].Write(0, 1, frame);
        var (sps, pps) = (Tracks[0].ParameterSets[0], Tracks[0].ParameterSets[1]);
        rtp.Take(Packet(1, isLast: false, [9, 0xF0]));
        rtp.Take(Packet(2, isLast: false, [24, 0, (byte)sps.Length, .. sps, 0, (byte)pps.Length, .. pps]));
        rtp.Take(Packet(3, isLast: true, frame[..length]));
        Assert.That((check.Faults, check.Frames), Is.EqualTo((default(FrameFaults), 1L)));
        rtp.Take(Packet(4, isLast: true, [.. sps[..^1], 0x77]));
        Assert.That(check.Faults, Is.EqualTo(new FrameFaults { Corrupt = 1 }));
    }

    [Test]
    public void Several_frames_of_audio_come_in_one_packet_and_one_in_several()
    {
        var (check, rtp) = Start(1);
        byte[][] frames = [.. Enumerable.Range(0, 3).Select(number =>
        {
            var frame = new byte[Tracks[1].Length(number)];
            Tracks[1].Write(number, 1, frame);
            return frame;
        })];
        rtp.Take(Packet(1, isLast: true, [0, 32, .. Size(frames[0]), .. Size(frames[1]), .. frames[0], .. frames[1]]));
        rtp.Take(Packet(2, isLast: false, [0, 16, .. Size(frames[2]), .. frames[2][..100]]));
        Assert.That(check.Frames, Is.EqualTo(2));
        rtp.Take(Packet(3, isLast: true, [0, 16, .. Size(frames[2]), .. frames[2][100..]]));
        Assert.That((check.Faults, check.Frames), Is.EqualTo((default(FrameFaults), 3L)));

        static byte[] Size(byte[] frame) => [(byte)(frame.Length >> 5), (byte)(frame.Length << 3)];
    }

    [Test]
    public void What_stands_around_a_payload_is_skipped()
    {
        var (check, rtp) = Start(1);
        var frame = new byte[Tracks[1].Length(0)];
        Tracks[1].Write(0, 1, frame);
        byte[] payload = [0, 16, (byte)(frame.Length >> 5), (byte)(frame.Length << 3), .. frame];
        // Two contributing sources, an extension of one word, three bytes of padding.
        rtp.Take([0xB2, 0xE0, 0, 1, .. new byte[8], .. new byte[8], 0xBE, 0xDE, 0, 1, .. new byte[4], .. payload, 0, 0, 3]);
        Assert.That((check.Faults, check.Frames), Is.EqualTo((default(FrameFaults), 1L)));
    }

    [TestCase(new byte[0])]
    [TestCase(new byte[] { 0x00, 0x60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, Description = "no version")]
    [TestCase(new byte[] { 0x8F, 0x60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, Description = "15 sources")]
    [TestCase(new byte[] { 0xA0, 0x60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2 }, Description = "more padding than bytes")]
    public void What_is_no_packet_is_refused(byte[] packet) =>
        Assert.That(() => Start(0).Rtp.Take(packet), Throws.InstanceOf<InvalidDataException>());

    [Test]
    [NonParallelizable]
    public void What_comes_is_checked_without_an_allocation()
    {
        var (check, rtp) = Start(0);
        var writer = new RtpWriter(Tracks[0], 0);
        byte[][] packets = [.. Enumerable.Range(0, 200).SelectMany(number => RtpUnit.Frame(writer, Tracks[0], number).Packets)];
        foreach (var packet in packets.AsSpan(0, packets.Length / 2))
            rtp.Take(packet);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var packet in packets.AsSpan(packets.Length / 2))
            rtp.Take(packet);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That((check.Frames, check.Faults), Is.EqualTo((200L, default(FrameFaults))));
    }

    private static (TrackCheck Check, RtpTrack Rtp) Start(int index)
    {
        var check = new TrackCheck(Tracks[index], verifiesContent: true, latencies: null);
        foreach (var set in Tracks[index].ParameterSets)
            check.TakeParameterSet(set);
        return (check, new RtpTrack(check, isUdp: false));
    }

    private static byte[] Packet(byte number, bool isLast, byte[] payload) =>
        [0x80, (byte)(96 | (isLast ? 0x80 : 0)), 0, number, .. new byte[8], .. payload];
}
