using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers;

/// <summary>
/// The heads of bodies, byte by byte: FLV 10.1 §E.4.2.1 and §E.4.3.1, and Enhanced RTMP v2, Enhanced Audio and Enhanced Video. Rows: P2, P7.
/// </summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class FlvTagBodyTests
{
    private static readonly Codec H264 = Codec.FromAvcConfiguration(Vectors.Hex(Vectors.AvcC1080));
    private static readonly Codec H265 = Codec.FromHevcConfiguration(Vectors.Hex(Vectors.HvcC720));
    private static readonly Codec Aac = Codec.Aac(Vectors.Hex("1190"));

    private static readonly FlvForm Legacy = new() { HasLegacyH265 = true };
    private static readonly FlvForm Nano = new() { HasNanosecondOffsets = true };
    private static readonly FlvForm Track3 = new() { TrackId = 3, HasLegacyH265 = true };
    private static readonly FlvForm NanoTrack3 = new() { TrackId = 3, HasNanosecondOffsets = true };

    // Decode and presentation time in ticks of the clock.
    private static IEnumerable<TestCaseData> Heads()
    {
        // The legacy forms, whatever else the reader takes.
        foreach (var form in new[] { default, Legacy, Nano })
        {
            yield return Head("H264", H264, form, 0, 7200, true, "17" + "01" + "000050");
            yield return Head("AAC", Aac, form, 1, 1, true, "AF" + "01");
            yield return Head("PCMA", Sound(CodecNames.Pcma, 8000, 1), form, 0, 0, true, "72");
            yield return Head("PCMU, stereo", Sound(CodecNames.Pcmu, 8000, 2), form, 0, 0, true, "83");
            yield return Head("MP3 of 44.1 kHz", Sound(CodecNames.Mp3, 44_100, 2), form, 0, 0, true, "2F");
            yield return Head("MP3 of 48 kHz, mono", Sound(CodecNames.Mp3, 48_000, 1), form, 0, 0, true, "2E");
            yield return Head("MP3 of 22 kHz", Sound(CodecNames.Mp3, 22_050, 2), form, 0, 0, true, "2B");
            yield return Head("MP3 of 11 kHz", Sound(CodecNames.Mp3, 11_025, 1), form, 0, 0, true, "26");
            yield return Head("MP3 of 8 kHz", Sound(CodecNames.Mp3, 8000, 1), form, 0, 0, true, "E2");
        }

        // By four-character codes: CodedFramesX where a composition time could be and is 0.
        yield return Head("H265", H265, default, 0, 7200, true, "91" + "68766331" + "000050");
        yield return Head("H265 without a composition time", H265, default, 90, 90, false, "A3" + "68766331");
        yield return Head("H265, less than half a millisecond", H265, default, 90, 91, false, "A3" + "68766331");
        yield return Head("P7 H265, the largest composition time", H265, default, 0, 0x7FFFFFL * 90, false, "A1" + "68766331" + "7FFFFF");
        yield return Head("P7 H265, the smallest composition time", H265, default, 0x800000L * 90, 0, false, "A1" + "68766331" + "800000");
        yield return Head("H265 as codec 12", H265, Legacy, 90, 0, true, "1C" + "01" + "FFFFFF");
        yield return Head("H266", Video(CodecNames.H266), default, 90, 0, true, "91" + "76766331" + "FFFFFF");
        yield return Head("AV1", Video(CodecNames.Av1), Legacy, 0, 0, true, "91" + "61763031");
        yield return Head("VP9", Video(CodecNames.Vp9), default, 0, 0, false, "A1" + "76703039");
        yield return Head("VP8", Video(CodecNames.Vp8), default, 0, 0, false, "A1" + "76703038");
        yield return Head("Opus", Sound(CodecNames.Opus, 48_000, 2), default, 0, 0, true, "91" + "4F707573");
        yield return Head("FLAC", Sound(CodecNames.Flac, 44_100, 2), default, 0, 0, true, "91" + "664C6143");
        yield return Head("AC-3", Sound(CodecNames.Ac3, 48_000, 6), default, 0, 0, true, "91" + "61632D33");
        yield return Head("E-AC-3", Sound(CodecNames.EAc3, 48_000, 6), default, 0, 0, true, "91" + "65632D33");

        // ModEx: size - 1, nanoseconds, TimestampOffsetNano and the packet type.
        yield return Head("H265, 0.5 ms", H265, Nano, 90, 135, true, "97" + "02" + "07A120" + "03" + "68766331");
        yield return Head("H265, -0.5 ms", H265, Nano, 90, 45, true, "97" + "02" + "07A120" + "01" + "68766331" + "FFFFFF");
        yield return Head("H265, a fraction in both times", H265, Nano, 100, 100, false, "A7" + "02" + "01B207" + "03" + "68766331");
        yield return Head("H265, whole milliseconds", H265, Nano, 90, 180, true, "91" + "68766331" + "000001");
        yield return Head("FLAC, 4096 samples", Sound(CodecNames.Flac, 44_100, 2), Nano, 4096, 4096, true, "97" + "02" + "0D6CCB" + "01" + "664C6143");

        // Multitrack: OneTrack and the packet type, FourCC, track.
        yield return Head("H264 of track 3", H264, Track3, 0, 7200, true, "96" + "01" + "61766331" + "03" + "000050");
        yield return Head("H265 of track 3", H265, Track3, 0, 0, false, "A6" + "03" + "68766331" + "03");
        yield return Head("AAC of track 3", Aac, Track3, 0, 0, true, "95" + "01" + "6D703461" + "03");
        yield return Head("MP3 of track 3", Sound(CodecNames.Mp3, 44_100, 2), Track3, 0, 0, true, "95" + "01" + "2E6D7033" + "03");
        yield return Head("H264 of track 3, 0.5 ms", H264, NanoTrack3, 90, 45, true, "97" + "02" + "07A120" + "06" + "01" + "61766331" + "03" + "FFFFFF");

        // Metadata and MultichannelConfig.
        var metadata = new Codec(MediaKind.Data, CodecNames.RtmpVideoMetadata, 1000, configuration: "av01"u8);
        var channels = new Codec(MediaKind.Data, CodecNames.RtmpChannels, 1000, configuration: "Opus"u8);
        yield return Head("Metadata", metadata, Nano, 0, 0, true, "94" + "61763031");
        yield return Head("Metadata of track 3", metadata, Track3, 0, 0, true, "96" + "04" + "61763031" + "03");
        yield return Head("MultichannelConfig", channels, default, 0, 0, true, "94" + "4F707573");
        yield return Head("MultichannelConfig of track 3", channels, Track3, 0, 0, true, "95" + "04" + "4F707573" + "03");
        yield return Head("Script", new Codec(MediaKind.Data, CodecNames.RtmpData, 1000), Nano, 0, 0, true, "");
        yield return Head("Opaque", new Codec(MediaKind.Video, "dvh1", 1000, form: PayloadForm.FlvTag), Nano, 0, 0, true, "");
    }

    [TestCaseSource(nameof(Heads))]
    public void P2_The_head_of_a_frame(Codec codec, FlvForm form, long decodeTime, long presentationTime, bool isKeyframe, string expected)
    {
        var pool = new PacketPool();
        var packet = pool.CreatePacket([1], codec, decodeTime, presentationTime, isKeyframe ? PacketFlags.Keyframe : PacketFlags.None);
        var head = new byte[FlvTagBody.MaxHeadLength];
        var length = FlvTagBody.WriteHead(packet, head, form);
        packet.Release();
        Assert.That(Convert.ToHexString(head.AsSpan(0, length)), Is.EqualTo(expected));
    }

    private static IEnumerable<TestCaseData> Parameters()
    {
        yield return Set("H264", H264, Nano, "17" + "00" + "000000" + Vectors.AvcC1080);
        yield return Set("H264 of track 3", H264, Track3, "96" + "00" + "61766331" + "03" + Vectors.AvcC1080);
        yield return Set("H265", H265, default, "90" + "68766331" + Vectors.HvcC720);
        yield return Set("H265 as codec 12", H265, Legacy, "1C" + "00" + "000000" + Vectors.HvcC720);
        yield return Set("AV1", Video(CodecNames.Av1, Vectors.Av1C320), Nano, "90" + "61763031" + Vectors.Av1C320);
        yield return Set("AV1 in the bitstream", Video(CodecNames.Av1), default, "");
        yield return Set("VP9", Video(CodecNames.Vp9, Vectors.VpcC), default, "90" + "76703039" + Vectors.VpcC);
        yield return Set("AAC", Aac, default, "AF" + "00" + "1190");
        yield return Set("AAC of track 3", Aac, Track3, "95" + "00" + "6D703461" + "03" + "1190");
        yield return Set("Opus", new Codec(MediaKind.Audio, CodecNames.Opus, 48_000, 2, Vectors.Hex(Vectors.OpusHead)), default, "90" + "4F707573" + Vectors.OpusHead);
        yield return Set("FLAC", new Codec(MediaKind.Audio, CodecNames.Flac, 44_100, 2, Vectors.Hex(Vectors.StreamInfo)), default, "90" + "664C6143" + "664C614380000022" + Vectors.StreamInfo);
        yield return Set("AC-3", Sound(CodecNames.Ac3, 48_000, 6), default, "");
        yield return Set("PCMA", Sound(CodecNames.Pcma, 8000, 1), default, "");
        yield return Set("Metadata", new Codec(MediaKind.Data, CodecNames.RtmpVideoMetadata, 1000, configuration: "av01"u8), default, "");
        yield return Set("Opaque", new Codec(MediaKind.Video, "dvh1", 1000, 0, Vectors.Hex("9064766831AA"), form: PayloadForm.FlvTag), default, "9064766831AA");
    }

    [TestCaseSource(nameof(Parameters))]
    public void The_parameters(Codec codec, FlvForm form, string expected)
    {
        var body = new byte[FlvTagBody.MeasureParameters(codec, form)];
        Assert.That(FlvTagBody.WriteParameters(codec, body, form), Is.EqualTo(body.Length));
        Assert.That(Convert.ToHexString(body), Is.EqualTo(expected.ToUpperInvariant()));
    }

    [Test]
    public void What_has_no_form_is_refused()
    {
        Codec[] codecs =
        [
            new(MediaKind.Video, CodecNames.Jpeg, 90_000), new(MediaKind.Audio, CodecNames.G722, 8000),
            new(MediaKind.Audio, "Speex", 16_000), new(MediaKind.Video, CodecNames.Aac, 90_000), new(MediaKind.Data, "other", 1000),
            new(MediaKind.Data, CodecNames.RtmpVideoMetadata, 1000), // of nothing
        ];
        Assert.That(codecs.Where(c => FlvTagBody.CanCarry(c)), Is.Empty);
        Assert.That(() => FlvTagBody.MeasureParameters(codecs[0]), Throws.TypeOf<NotSupportedException>());
        Codec[] ofTheDefaultTrack = [Sound(CodecNames.Pcma, 8000, 1), Sound(CodecNames.Pcmu, 8000, 1), new(MediaKind.Video, "dvh1", 1000, form: PayloadForm.FlvTag)];
        Assert.That(ofTheDefaultTrack.Select(c => FlvTagBody.CanCarry(c)), Is.All.True);
        Assert.That(ofTheDefaultTrack.Select(c => FlvTagBody.CanCarry(c, Track3)), Is.All.False);
    }

    [Test]
    public void Codecs_are_called_by_numbers_and_by_four_characters()
    {
        (Codec, int?, string?)[] codecs =
        [
            (H264, 7, "avc1"), (H265, 12, "hvc1"), (Video(CodecNames.Av1), null, "av01"), (Aac, 10, "mp4a"), (Sound(CodecNames.Pcmu, 8000, 1), 8, null),
            (Opaque(MediaKind.Video, "VP6"), 4, null), (Opaque(MediaKind.Video, "FLV-VIDEO-15"), 15, null), (Opaque(MediaKind.Audio, "FLV-AUDIO-0"), 0, null),
            (Opaque(MediaKind.Video, "dvh1"), null, "dvh1"), (Opaque(MediaKind.Video, "unknown"), null, null),
            (new Codec(MediaKind.Data, CodecNames.RtmpChannels, 1000, configuration: "Opus"u8), null, "Opus"),
            (new Codec(MediaKind.Data, CodecNames.RtmpData, 1000), null, null),
        ];
        foreach (var (codec, id, fourCc) in codecs)
            Assert.That((FlvTagBody.LegacyIdOf(codec), FlvTagBody.FourCcOf(codec)), Is.EqualTo((id, fourCc)), codec.Name);
        Assert.That(FlvTagBody.VideoFourCcs, Is.EqualTo(new[] { "avc1", "hvc1", "av01", "vp09", "vp08", "vvc1" }));
        Assert.That(FlvTagBody.AudioFourCcs, Is.EqualTo(new[] { "mp4a", ".mp3", "Opus", "fLaC", "ac-3", "ec-3" }));

        static Codec Opaque(MediaKind kind, string name) => new(kind, name, 1000, form: PayloadForm.FlvTag);
    }

    [TestCase("video", 0)]
    [TestCase("video7", 7)]
    [TestCase("audio255", 255)]
    [TestCase("audio256", 0)]
    [TestCase("video1-metadata", 1)]
    [TestCase("audio-channels", 0)]
    [TestCase("video-1", 0)]
    [TestCase("videofront", 0)]
    [TestCase("cam3", 0)]
    [TestCase("metadata", 0)]
    public void Tracks_say_their_number_in_their_identity(string id, int number) =>
        Assert.That(FlvTagBody.TrackIdOf(Track.Of(H264, id)), Is.EqualTo(number));

    private static TestCaseData Head(string name, Codec codec, FlvForm form, long decode, long presentation, bool isKeyframe, string expected) =>
        new TestCaseData(codec, form, decode, presentation, isKeyframe, expected).SetName($"{name} {form}");

    private static TestCaseData Set(string name, Codec codec, FlvForm form, string expected) =>
        new TestCaseData(codec, form, expected).SetName($"Parameters of {name} {form}");

    private static Codec Video(string name, string configuration = "") =>
        new(MediaKind.Video, name, Codec.VideoClockRate, configuration: Vectors.Hex(configuration));

    private static Codec Sound(string name, int clockRate, int channels) => new(MediaKind.Audio, name, clockRate, channels);
}
