using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Tests.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers;

// Rows: H4, H5, P2, P7, P12.

/// <summary>
/// What each form of a tag becomes. The bytes are written from Enhanced RTMP v2, Enhanced Audio and Enhanced Video, and from FLV 10.1
/// §E.4.2 and §E.4.3.
/// </summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class EnhancedFlvTests
{
    private const FlvTagType Video = FlvTagType.Video;
    private const FlvTagType Audio = FlvTagType.Audio;
    private const FlvTagType Script = FlvTagType.Script;

    private const string Avc1 = "61766331";
    private const string Hvc1 = "68766331";
    private const string Av01 = "61763031";
    private const string Vp09 = "76703039";
    private const string Vp08 = "76703038";
    private const string Vvc1 = "76766331";
    private const string Mp4a = "6D703461";
    private const string Opus = "4F707573";
    private const string Flac = "664C6143";
    private const string Mp3 = "2E6D7033";
    private const string Ac3 = "61632D33";
    private const string Ec3 = "65632D33";

    private const string Nal = "00000002" + "6588";

    // isExVideoHeader 1, FrameType 1 or 2, VideoPacketType: 0 SequenceStart, 1 CodedFrames, 3 CodedFramesX.
    [TestCase("90" + Avc1 + Vectors.AvcC1080, "91" + Avc1 + "000050" + Nal, "H264", 80, Nal, TestName = "avc1, CodedFrames")]
    [TestCase("90" + Avc1 + Vectors.AvcC1080, "93" + Avc1 + Nal, "H264", 0, Nal, TestName = "avc1, CodedFramesX")]
    [TestCase("90" + Hvc1 + Vectors.HvcC720, "91" + Hvc1 + "FFFFD8" + Nal, "H265", -40, Nal, TestName = "hvc1, CodedFrames, a negative composition time")]
    [TestCase("90" + Hvc1 + Vectors.HvcC720, "93" + Hvc1 + Nal, "H265", 0, Nal, TestName = "hvc1, CodedFramesX")]
    [TestCase("90" + Vvc1 + "FF00", "91" + Vvc1 + "7FFFFF" + "AABB", "H266", 0x7FFFFF, "AABB", TestName = "P7 vvc1, CodedFrames, the largest composition time")]
    [TestCase("90" + Vvc1 + "FF00", "91" + Vvc1 + "800000" + "AABB", "H266", -0x800000, "AABB", TestName = "P7 vvc1, CodedFrames, the smallest composition time")]
    [TestCase("90" + Av01 + Vectors.Av1C320, "91" + Av01 + "0A0BCC", "AV1", 0, "0A0BCC", TestName = "av01, CodedFrames has no composition time")]
    [TestCase("90" + Vp09 + Vectors.VpcC, "91" + Vp09 + "82AABB", "VP9", 0, "82AABB", TestName = "vp09, CodedFrames has no composition time")]
    [TestCase("90" + Vp08 + Vectors.VpcC, "91" + Vp08 + "50AABB", "VP8", 0, "50AABB", TestName = "vp08, CodedFrames has no composition time")]
    [TestCase("1C00000000" + Vectors.HvcC720, "1C01000021" + Nal, "H265", 33, Nal, TestName = "CodecID 12")]
    public async Task P2_Video_comes_out_bare(string parameters, string frame, string name, int composition, string payload)
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 100, parameters);
        rig.Write(Video, 100, frame);
        var inter = Vectors.Hex(frame);
        inter[0] = (byte)((inter[0] & 0x8F) | 0x20);
        rig.Write(Video, 140, inter);
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => (p.Codec.Name, p.Codec.ClockRate, p.Payload)), Is.All.EqualTo((name, 90_000, payload)));
        Assert.That(seen.Select(p => p.IsKeyframe), Is.EqualTo(new[] { true, false }));
        Assert.That(seen.Select(p => p.PresentationTime - p.DecodeTime), Is.All.EqualTo(composition * 90L));
        var configuration = parameters[(parameters.StartsWith('9') ? 10 : 10)..];
        Assert.That(Convert.ToHexStringLower(seen[0].Codec.Configuration.Span), Is.EqualTo(configuration.ToLowerInvariant()));
        Assert.That(seen[0].Codec.IsOpaque, Is.False);
        Assert.That(seen[1].Codec, Is.SameAs(seen[0].Codec));
    }

    // SoundFormat 9, AudioPacketType: 0 SequenceStart, 1 CodedFrames.
    [TestCase("90" + Mp4a + "1190", "91" + Mp4a + "AABB", "AAC/48000/2", "AABB", "1190")]
    [TestCase("90" + Opus + Vectors.OpusHead, "91" + Opus + "FCAABB", "Opus/48000/2", "FCAABB", Vectors.OpusHead)]
    [TestCase("", "91" + Opus + "FCAABB", "Opus/48000/2", "FCAABB", "", TestName = "Opus without its header")]
    [TestCase("90" + Flac + Vectors.StreamInfo, "91" + Flac + "FFF8", "FLAC/44100/2", "FFF8", Vectors.StreamInfo)]
    [TestCase("90" + Flac + Flac + "80000022" + Vectors.StreamInfo, "91" + Flac + "FFF8", "FLAC/44100/2", "FFF8", Vectors.StreamInfo)]
    [TestCase("", "91" + Mp3 + "FFFB94C4", "MP3/48000/1", "FFFB94C4", "")]
    [TestCase("", "91" + Ac3 + Vectors.Ac3Frame, "AC3/48000/6", Vectors.Ac3Frame, "")]
    [TestCase("90" + Ec3, "91" + Ec3 + Vectors.EAc3Frame, "EAC3/48000/6", Vectors.EAc3Frame, "", TestName = "E-AC-3, an empty SequenceStart")]
    [TestCase("", "2F" + "FFFB9064", "MP3/44100/2", "FFFB9064", "")]
    [TestCase("", "E2" + "FFE318C4", "MP3/8000/1", "FFE318C4", "", TestName = "MP3 at 8 kHz has a SoundFormat of its own")]
    [TestCase("", "72" + "D5D5", "PCMA/8000/1", "D5D5", "")]
    [TestCase("", "83" + "FFFF", "PCMU/8000/2", "FFFF", "")]
    public async Task Sound_comes_out_bare(string parameters, string frame, string codec, string payload, string configuration)
    {
        await using var rig = new FlvRig();
        if (parameters.Length > 0)
            rig.Write(Audio, 100, parameters);
        rig.Write(Audio, 100, frame);
        rig.Write(Audio, 121, frame);
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => p.Payload), Is.All.EqualTo(payload.ToUpperInvariant()));
        Assert.That(seen.Select(p => (p.Codec.ToString(), p.Codec.IsOpaque, p.IsKeyframe)), Is.All.EqualTo((codec, false, true)));
        Assert.That(seen.Select(p => Math.Round(p.Milliseconds)), Is.EqualTo(new[] { 0.0, 21 }));
        Assert.That(Convert.ToHexStringLower(seen[0].Codec.Configuration.Span), Is.EqualTo(configuration));
        Assert.That(seen[1].Codec, Is.SameAs(seen[0].Codec));
    }

    [Test]
    public async Task Sound_that_says_itself_what_it_is_may_change([Values("2F", "91" + Mp3)] string head)
    {
        await using var rig = new FlvRig();
        foreach (var (time, frame) in new[] { (0, "FFFB9064"), (26, "AAAA"), (52, "FFFB94C4"), (78, "FFFB9064") })
            rig.Write(Audio, time, head + frame);
        var seen = await rig.SeeAsync(4);
        Assert.That(
            seen.Select(p => $"{p.Codec}"), Is.EqualTo(new[] { "MP3/44100/2", "MP3/44100/2", "MP3/48000/1", "MP3/44100/2" }));
        Assert.That(seen.Select(p => Math.Round(p.Milliseconds)), Is.EqualTo(new[] { 0.0, 26, 52, 78 }));
    }

    [TestCase(8, "2F" + "AABBCCDD")]
    [TestCase(8, "91" + Ac3 + "AABBCCDD")]
    [TestCase(8, "91" + Flac + "FFF8")]
    [TestCase(8, "91" + Mp4a + "AABB")]
    [TestCase(9, "93" + Hvc1 + Nal)]
    [TestCase(9, "91" + Vvc1 + "000000AABB")]
    [TestCase(9, "1C01000000" + Nal)]
    public async Task What_nobody_could_decode_yet_is_dropped_and_counted(int type, string body)
    {
        await using var rig = new FlvRig();
        Assert.That(rig.Write((FlvTagType)type, 0, body));
        Assert.That(rig.Writer.DroppedFrames, Is.EqualTo(1));
        Assert.That(rig.Feed.Tracks, Is.Empty);
    }

    // SequenceEnd, reserved packet types, parameters of nothing, Opus's comment header, a descriptor of what has none.
    [TestCase(9, "92" + Avc1)]
    [TestCase(9, "98" + Avc1 + "AABB")]
    [TestCase(9, "9F" + Av01 + "AABB")]
    [TestCase(9, "90" + Avc1)]
    [TestCase(9, "91" + Vp09)]
    [TestCase(9, "95" + Hvc1 + "AABB")]
    [TestCase(9, "94" + Hvc1)]
    [TestCase(9, "1C02000000")]
    [TestCase(8, "92" + Opus)]
    [TestCase(8, "93" + Opus + "AABB")]
    [TestCase(8, "96" + Opus + "AABB")]
    [TestCase(8, "90" + Ac3 + "AABB")]
    [TestCase(8, "94" + Opus)]
    public async Task What_carries_no_media_is_ignored(int type, string body)
    {
        await using var rig = new FlvRig();
        Assert.That(rig.Write((FlvTagType)type, 0, body));
        Assert.That((rig.Feed.Tracks.Length, rig.Writer.DroppedFrames), Is.EqualTo((0, 0L)));
    }

    [TestCase(9, "91" + Avc1 + "0000")]
    [TestCase(9, "90" + Avc1 + "0164")]
    [TestCase(9, "90" + Hvc1 + "01")]
    [TestCase(9, "90" + Av01 + "01000000")]
    [TestCase(9, "95" + Av01 + "0100")]
    [TestCase(9, "1C0100")]
    [TestCase(9, "1C00000000" + "AA")]
    [TestCase(8, "90" + Opus + "AABB")]
    [TestCase(8, "90" + Flac + "AABB")]
    [TestCase(8, "90" + Mp4a + "FF")]
    [TestCase(9, "97")]
    [TestCase(9, "97" + "02" + "0000")]
    [TestCase(9, "97" + "02" + "000001")]
    [TestCase(9, "97" + "02" + "000001" + "01", Description = "no FourCC behind the ModEx")]
    [TestCase(9, "97" + "FF" + "FF")]
    [TestCase(9, "97" + "FF" + "FFFF" + "00", Description = "a ModEx longer than the tag")]
    [TestCase(9, "96")]
    [TestCase(9, "96" + "00" + "6176")]
    [TestCase(9, "96" + "00" + Av01, Description = "no track")]
    [TestCase(9, "96" + "06" + Av01 + "00", Description = "Multitrack in Multitrack")]
    [TestCase(9, "96" + "07" + Av01 + "00", Description = "ModEx in Multitrack")]
    [TestCase(9, "96" + "31" + Av01 + "00", Description = "a reserved AvMultitrackType")]
    [TestCase(9, "96" + "11" + Av01 + "00" + "000003" + "AABB", Description = "a track longer than the tag")]
    [TestCase(9, "96" + "11" + Av01 + "00" + "0000")]
    [TestCase(9, "96" + "21" + Av01 + "00" + "000001" + "AA" + "61", Description = "half a FourCC behind the first track")]
    [TestCase(8, "95" + "05" + Opus + "00")]
    [TestCase(8, "95" + "41" + Opus + "00")]
    public async Task H4_What_cannot_be_is_refused(int type, string body)
    {
        await using var rig = new FlvRig();
        Assert.That(() => rig.Write((FlvTagType)type, 0, body), Throws.TypeOf<FlvFormatException>());
    }

    // ---- MPEG2TSSequenceStart ---------------------------------------------------------------------------------------------

    [Test]
    public async Task A_video_descriptor_of_a_transport_stream_becomes_the_record_that_says_the_same()
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 0, "95" + Av01 + "8004" + "81000CD0");
        rig.Write(Video, 0, "91" + Av01 + "0A0BCC");
        var seen = await rig.SeeAsync(1);
        Assert.That((seen[0].Codec.Name, Convert.ToHexString(seen[0].Codec.Configuration.Span)), Is.EqualTo(("AV1", "81000C10")));
    }

    // ---- NAL unit lengths -------------------------------------------------------------------------------------------------

    [Test]
    public async Task H265_with_nal_unit_lengths_of_2_bytes_becomes_one_with_4([Values] bool isLegacy)
    {
        await using var rig = new FlvRig();
        var record = Vectors.Hex(Vectors.HvcC720);
        record[21] = (byte)((record[21] & 0xFC) | 1);
        rig.Write(Video, 0, (isLegacy ? "1C00000000" : "90" + Hvc1) + Convert.ToHexString(record));
        rig.Write(Video, 0, (isLegacy ? "1C01000000" : "93" + Hvc1) + "0003260102" + "00022801");
        rig.Write(Video, 40, (isLegacy ? "2C01000000" : "A3" + Hvc1) + "000426"); // longer than the frame
        var seen = await rig.SeeAsync(1);
        Assert.That(seen[0].Payload, Is.EqualTo("00000003260102" + "000000022801"));
        Assert.That(seen[0].Codec.Video!.Width, Is.EqualTo(1280));
        Assert.That(rig.Writer.DroppedFrames, Is.EqualTo(1));
    }

    // ---- ModEx ------------------------------------------------------------------------------------------------------------

    // size - 1, data, ModEx type and next packet type; in a loop; a size of 256 says that 16 bits follow.
    [TestCase("97" + "02" + "07A120" + "03" + Avc1, 500_000, TestName = "ModEx of half a millisecond")]
    [TestCase("97" + "02" + "0F423F" + "03" + Avc1, 999_999, TestName = "ModEx of the most")]
    [TestCase("97" + "02" + "0F4240" + "03" + Avc1, 0, TestName = "ModEx of a whole millisecond is none")]
    [TestCase("97" + "03" + "000001FF" + "03" + Avc1, 1, TestName = "ModEx with a byte more")]
    [TestCase("97" + "01" + "FFFF" + "03" + Avc1, 0, TestName = "ModEx with a byte less")]
    [TestCase("97" + "00" + "AA" + "F7" + "02" + "000064" + "03" + Avc1, 100, TestName = "ModEx of a later version, and then one")]
    [TestCase("97" + "02" + "000064" + "F7" + "00" + "AA" + "03" + Avc1, 0, TestName = "ModEx of a later version with what looks like an offset")]
    [TestCase("97" + "02" + "000064" + "07" + "00" + "AA" + "F3" + Avc1, 100, TestName = "ModEx, and then one of a later version")]
    public async Task A_ModEx_adds_nanoseconds_to_the_presentation_time(string head, int nanoseconds)
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 0, "90" + Avc1 + Vectors.AvcC1080);
        rig.Write(Video, 0, "93" + Avc1 + Nal);
        rig.Write(Video, 40, head + Nal);
        var seen = await rig.SeeAsync(2);
        Assert.That(seen[1].Payload, Is.EqualTo(Nal));
        Assert.That(seen[1].DecodeTime, Is.EqualTo(40 * 90));
        Assert.That(seen[1].PresentationTime, Is.EqualTo(MediaTime.Rescale(40_000_000 + nanoseconds, 1_000_000_000, 90_000)));
    }

    [Test]
    public async Task A_ModEx_of_256_bytes_and_more_says_its_size_in_16_bits([Values(256, 300, 65_536)] int size)
    {
        await using var rig = new FlvRig();
        byte[] body = [0x97, 0xFF, (byte)((size - 1) >> 8), (byte)(size - 1), 0, 0, 9, .. new byte[size - 3], 0x01, .. Vectors.Hex(Av01 + "0A0B")];
        rig.Write(Video, 0, body);
        Assert.That((await rig.SeeAsync(1))[0].Payload, Is.EqualTo("0A0B"));
    }

    [Test]
    public async Task Nanoseconds_of_sound_are_exact_as_far_as_its_clock_can_say()
    {
        await using var rig = new FlvRig();
        rig.Write(Audio, 0, "90" + Flac + Vectors.StreamInfo);
        rig.Write(Audio, 0, "91" + Flac + "FFF8");
        for (var i = 1; i <= 3; i++)
        {
            var time = i * 4096 * 1_000_000_000L / 44_100; // frames of 4,096 samples
            rig.Write(Audio, time / 1_000_000, $"97" + "02" + $"{time % 1_000_000:X6}" + "01" + Flac + "FFF8");
        }

        var seen = await rig.SeeAsync(4);
        Assert.That(seen.Select(p => p.DecodeTime), Is.EqualTo(new[] { 0, 4096, 8192, 12_288 }));
        Assert.That(seen.Select(p => p.PresentationTime), Is.EqualTo(seen.Select(p => p.DecodeTime)));
    }

    [Test]
    public async Task Nanoseconds_and_a_composition_time_add_up_in_a_multitrack_tag()
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 0, "90" + Hvc1 + Vectors.HvcC720);
        rig.Write(Video, 0, "97" + "02" + "07A120" + "06" + "01" + Hvc1 + "00" + "FFFFFF" + Nal);
        var seen = await rig.SeeAsync(1);
        Assert.That((seen[0].Track, seen[0].PresentationTime), Is.EqualTo(("video", -45L)), "-1 ms + 0.5 ms");
    }

    // ---- Multitrack -------------------------------------------------------------------------------------------------------

    [Test]
    public async Task Each_kind_of_multitrack_tag_is_taken_apart_into_tracks()
    {
        await using var rig = new FlvRig();
        // ManyTracksManyCodecs, SequenceStart: FourCC, track, size each.
        rig.Write(Video, 0, "96" + "20"
            + Hvc1 + "00" + Size(Vectors.HvcC720) + Vectors.HvcC720 + Av01 + "01" + Size(Vectors.Av1C320) + Vectors.Av1C320);
        // OneTrack, CodedFrames.
        rig.Write(Video, 0, "96" + "01" + Hvc1 + "00" + "000028" + Nal);
        rig.Write(Video, 0, "96" + "01" + Av01 + "01" + "0A0B");
        // ManyTracks, CodedFrames: one FourCC, then track and size each.
        rig.Write(Video, 40, "A6" + "11" + Av01 + "01" + "000002" + "1A1B" + "07" + "000003" + "1C1D1E");
        // ManyTracksManyCodecs, CodedFrames: a composition time only where the codec has one.
        rig.Write(Video, 80, "A6" + "21" + Hvc1 + "00" + "000009" + "000028" + Nal + Av01 + "01" + "000001" + "2A");
        // Audio: the same, with its own packet types.
        rig.Write(Audio, 80, "95" + "01" + Opus + "02" + "FCAA");
        rig.Write(Audio, 100, "95" + "11" + Opus + "00" + "000002" + "FCBB" + "02" + "000002" + "FCCC");
        rig.Write(Audio, 120, "95" + "21" + Opus + "00" + "000002" + "FCDD" + Mp3 + "02" + "000004" + "FFFB9064");
        // Not multitrack: the default track.
        rig.Write(Video, 120, "A1" + Hvc1 + "000000" + Nal);
        var seen = await rig.SeeAsync(11, () => { });
        Assert.That(seen.Select(p => $"{p.Track} {p.Codec.Name} {p.Milliseconds:0} {p.Payload}"), Is.EqualTo(new[]
        {
            $"video H265 0 {Nal}", "video1 AV1 0 0A0B", "video1 AV1 40 1A1B", $"video H265 80 {Nal}", "video1 AV1 80 2A",
            "audio2 Opus 80 FCAA", "audio Opus 100 FCBB", "audio2 Opus 100 FCCC", "audio Opus 120 FCDD", "audio2 MP3 120 FFFB9064",
            $"video H265 120 {Nal}",
        }), "video7 has not had a keyframe");
        Assert.That(seen.Where(p => p.Codec.Name == "H265").Select(p => p.PresentationTime - p.DecodeTime), Is.EqualTo(new[] { 3600, 3600, 0 }));
        Assert.That(rig.Feed.Tracks.Select(t => t.Track.Id), Is.EqualTo(new[] { "video", "video1", "video7", "audio2", "audio" }));
        Assert.That(seen[1].Codec.Video!.Width, Is.EqualTo(320));
    }

    [Test]
    public async Task Multitrack_tags_of_a_codec_that_nobody_knows_are_dropped_and_counted()
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 0, "96" + "21" + "64766831" + "00" + "000001" + "AA" + Av01 + "01" + "000001" + "BB");
        Assert.That((await rig.SeeAsync(1))[0].Track, Is.EqualTo("video1"));
        Assert.That(rig.Writer.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public async Task H5_More_than_16_tracks_of_a_kind_are_refused()
    {
        await using var rig = new FlvRig();
        for (var i = 0; i < 16; i++)
        {
            rig.Write(Video, 0, "96" + "01" + Av01 + $"{i * 17:X2}" + "0A0B");
            rig.Write(Audio, 0, "95" + "01" + Opus + $"{i:X2}" + "FCAA");
        }

        Assert.That(rig.Feed.Tracks, Has.Length.EqualTo(32));
        Assert.That(() => rig.Write(Video, 0, "96" + "01" + Av01 + "01" + "0A0B"), Throws.TypeOf<FlvFormatException>());
        Assert.That(() => rig.Write(Audio, 0, "95" + "01" + Opus + "10" + "FCAA"), Throws.TypeOf<FlvFormatException>());
        Assert.That(rig.Write(Video, 40, "A6" + "01" + Av01 + "FF" + "0A0B"), "those that are there go on");
    }

    // ---- Metadata and MultichannelConfig ----------------------------------------------------------------------------------

    private const string ColorInfo = "020009636F6C6F72496E666F" + "03" + "000009"; // "colorInfo", an empty object
    private const string Stereo = "01" + "02" + "00000003"; // Native, two channels, FrontLeft | FrontRight

    [Test]
    public async Task Metadata_and_channels_are_tracks_of_data_that_say_what_they_belong_to()
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 0, "94" + Hvc1 + ColorInfo);
        rig.Write(Video, 0, "D4" + Hvc1 + ColorInfo); // its FrameType is ignored, also when it says Command
        rig.Write(Video, 0, "96" + "04" + Av01 + "01" + ColorInfo);
        rig.Write(Audio, 0, "94" + Opus + Stereo);
        rig.Write(Audio, 0, "95" + "14" + Opus + "00" + "000006" + Stereo + "03" + "000006" + Stereo);
        var seen = await rig.SeeAsync(6);
        Assert.That(
            seen.Select(p => $"{p.Track} {p.Codec.Name} {System.Text.Encoding.ASCII.GetString(p.Codec.Configuration.Span)} {p.Payload}"),
            Is.EqualTo(new[]
            {
                $"video-metadata RTMP-VIDEO-METADATA hvc1 {ColorInfo}", $"video-metadata RTMP-VIDEO-METADATA hvc1 {ColorInfo}",
                $"video1-metadata RTMP-VIDEO-METADATA av01 {ColorInfo}", $"audio-channels RTMP-CHANNELS Opus {Stereo}",
                $"audio-channels RTMP-CHANNELS Opus {Stereo}", $"audio3-channels RTMP-CHANNELS Opus {Stereo}",
            }));
        Assert.That(seen.Select(p => p.IsKeyframe), Is.All.True, "the last one is kept for late joiners");
    }

    [Test]
    public async Task H5_Metadata_of_more_than_64_KiB_is_left_out()
    {
        await using var rig = new FlvRig();
        byte[] body = [.. Vectors.Hex("94" + Hvc1), .. new byte[(64 << 10) + 1]];
        Assert.That(rig.Write(Video, 0, body));
        Assert.That((rig.Writer.DroppedFrames, rig.Feed.Tracks.Length), Is.EqualTo((1L, 0)));
    }

    [Test]
    public async Task P12_What_described_another_codec_is_not_kept()
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 0, "90" + Hvc1 + Vectors.HvcC720);
        rig.Write(Video, 0, "94" + Hvc1 + ColorInfo);
        rig.Write(Audio, 0, "94" + Opus + Stereo);
        rig.Write(Audio, 0, "91" + Opus + "FCAA");
        Assert.That(await KeptAsync("video-metadata"), Is.EqualTo(1));
        var other = Vectors.Hex("90" + Hvc1 + Vectors.HvcC720);
        other[17] ^= 1; // general_level_idc
        rig.Write(Video, 40, other);
        Assert.That(await KeptAsync("video-metadata"), Is.EqualTo(1), "other parameters of the same codec do not end it");
        rig.Write(Video, 40, "94" + Av01 + ColorInfo);
        rig.Write(Video, 40, "90" + Av01 + Vectors.Av1C320);
        Assert.That(await KeptAsync("video-metadata"), Is.EqualTo(1), "it came before the codec that it is for");
        rig.Write(Video, 80, "1700000000" + Vectors.AvcC1080);
        rig.Write(Audio, 80, "2F" + "FFFB9064");
        Assert.That(await KeptAsync("video-metadata"), Is.Zero);
        Assert.That(await KeptAsync("audio-channels"), Is.Zero);
        rig.Write(Video, 120, "94" + Avc1 + ColorInfo);
        rig.Write(Video, 120, "1700000000" + Vectors.AvcC1080);
        Assert.That(await KeptAsync("video-metadata"), Is.EqualTo(1), "H264 is avc1 however it is said");

        async Task<int> KeptAsync(string track) => (await rig.JoinAsync()).Count(p => p.Track == track);
    }

    [Test]
    public async Task A_feed_that_ended_says_so_of_every_form_and_leaks_nothing()
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 0, "96" + "21" + Av01 + "00" + "000001" + "AA" + Av01 + "01" + "000001" + "BB");
        await rig.Feed.DisposeAsync();
        Assert.That(rig.Write(Video, 40, "96" + "21" + Av01 + "00" + "000001" + "AA" + Av01 + "01" + "000001" + "BB"), Is.False);
        Assert.That(rig.Write(Video, 40, "94" + Av01 + ColorInfo), Is.False);
        Assert.That(rig.Write(Script, 40, "02000A6F6E4D65746144617461" + "05"), Is.False);
        Assert.That(rig.Write(Audio, 40, "72D5"), Is.False);
    }

    private static string Size(string data) => $"{data.Length / 2:X6}";

    [Test]
    public async Task H5_a_small_part_of_a_large_tag_does_not_keep_all_of_it()
    {
        await using var rig = new FlvRig();
        var rest = new byte[1 << 20];
        byte[] body = [.. Vectors.Hex("9521" + Opus + "00" + "000003" + "FCAABB" + "7A7A7A7A" + "00"), (byte)(rest.Length >> 16), (byte)(rest.Length >> 8), (byte)rest.Length, .. rest];
        rig.Write(Audio, 0, body);
        rig.Write(Script, 0, "0200036F6E58" + "05");
        await rig.SeeAsync(2);
        Assert.That(rig.Pool.GetStatistics().OutstandingBytes, Is.LessThan(64 << 10), "the frame is kept for late joiners, the tag is not");
    }

    [Test]
    public async Task H5_a_tag_has_no_more_parts_than_there_are_tracks()
    {
        await using var rig = new FlvRig();
        string Of(int parts) => "9511" + Opus + string.Concat(Enumerable.Range(0, parts).Select(i => $"{i:X2}" + "000001" + "FC"));
        Assert.That(rig.Write(Audio, 0, Of(16)), Is.True);
        Assert.That(() => rig.Write(Audio, 20, Of(17)), Throws.InstanceOf<FlvFormatException>());
        Assert.That(
            () => rig.Write(Audio, 40, "9511" + Opus + string.Concat(Enumerable.Repeat("00000001FC", 17))), Throws.InstanceOf<FlvFormatException>());
    }
}
