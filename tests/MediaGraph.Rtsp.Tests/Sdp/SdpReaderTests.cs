using System.Text;
using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Rtsp.Sdp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Sdp;

/// <summary>Hazard row H4, and rows P10 and P11 of the codec pitfalls.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class SdpReaderTests
{
    public const string Sps = "Z2QAKKzZQHgCJ+XARAAAAwAEAAADAMg8YMZY";
    public const string Pps = "aOvjyyLA";
    public const string H264 = "packetization-mode=1;profile-level-id=640028;sprop-parameter-sets=" + Sps + "," + Pps;

    // RFC 2326 §C.2, as it stands there.
    private const string Standard =
        "v=0\r\no=- 2890844256 2890842807 IN IP4 204.34.34.32\r\ns=I came from a web page\r\nt=0 0\r\nc=IN IP4 224.2.17.12/127\r\n"
        + "a=control:rtsp://example.com/movie/\r\nm=video 8002 RTP/AVP 31\r\na=control:trackID=1\r\nm=audio 8004 RTP/AVP 3\r\na=control:trackID=2\r\n";

    [Test]
    public void The_example_of_the_standard_is_read()
    {
        var session = Read(Standard);
        Assert.That((session.Name, session.Control), Is.EqualTo(("I came from a web page", "rtsp://example.com/movie/")));
        Assert.That(session.Medias.Select(media => (media.Kind, media.Port, media.Protocol, media.Control)), Is.EqualTo(new (MediaKind, int, string, string?)[]
        {
            (MediaKind.Video, 8002, "RTP/AVP", "trackID=1"), (MediaKind.Audio, 8004, "RTP/AVP", "trackID=2"),
        }));
        Assert.That(session.Medias.Select(media => media.Format!.Codec!.ToString()), Is.EqualTo(["H261", "GSM/8000/1"]));
    }

    [Test]
    public void Every_line_ending_is_one([Values("\n", "\r", "\n\r", "\0\n")] string end)
    {
        var session = Read(Standard.Replace("\r\n", end, StringComparison.Ordinal).TrimEnd());
        Assert.That(session.Medias.Select(media => media.Control), Is.EqualTo(["trackID=1", "trackID=2"]));
    }

    [Test]
    public void A_description_with_repeated_broken_and_senseless_lines_is_read()
    {
        var session = Read(
            "junk\nv=0\n o=- 14665860 31787219 1 IN\ns=first\nc=IN IP4\nc=\nt=\n=\nx\ns=second\na=control:*\na=\na=:\na=rtpmap\na=rtpmap:x\n"
            + "m=video 0 RTP/AVP 96\nc=IN IP5 nowhere/\ns=third\na=control:track0\na=rtpmap:96 H264/90000\n"
            + $"a=fmtp:96 {H264}\na=control:other\na=framerate:\n"
            + "m=application/SMART 0 RTP/AVP smart/1/90000\na=rtpmap:95 SMART/90000\na=control:track2\nm=\nm=audio");
        Assert.That((session.Name, session.Control), Is.EqualTo(("first", "*")));
        Assert.That(session.Medias.Select(media => media.Kind), Is.EqualTo([MediaKind.Video, MediaKind.Data, MediaKind.Data, MediaKind.Audio]));
        Assert.That(session.Medias[0].Control, Is.EqualTo("track0"));
        Assert.That(session.Medias[0].Format!.Codec!.Video!.Width, Is.EqualTo(1920));
        Assert.That(session.Medias[1].Format!.Codec!.Name, Is.EqualTo("SMART"));
        Assert.That(session.Medias[3].Formats, Is.Empty);
    }

    [Test]
    public void H4_a_media_without_formats_takes_those_that_are_mapped()
    {
        var media = Read("m=video\na=rtpmap:98 H265/90000\n").Medias.Single();
        Assert.That((media.Format!.PayloadType, media.Format.Codec!.Name, media.Format.LacksParameters), Is.EqualTo((98, CodecNames.H265, true)));
    }

    [Test]
    public void Parameters_that_stand_below_another_media_are_found()
    {
        var session = Read(
            "s=-\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\nm=audio 0 RTP/AVP 8\na=rtpmap:0 pcma/8000/1\n" + $"a=fmtp:96 {H264}\n");
        Assert.That(session.Medias[0].Format!.Codec!.Video!.Height, Is.EqualTo(1080));
        Assert.That(session.Medias[1].Format!.Codec!.ToString(), Is.EqualTo("PCMA/8000/1"));
    }

    [TestCase("96 H264", "H264", 90_000, 0)]
    [TestCase("96 H264/0", "H264", 90_000, 0)]
    [TestCase("96  h265 / 90000 ", "H265", 90_000, 0)]
    [TestCase("96 VP8/90000", "VP8", 90_000, 0)]
    [TestCase("96 vp9/90000", "VP9", 90_000, 0)]
    [TestCase("96 AV1/90000", "AV1", 90_000, 0)]
    [TestCase("96 JPEG/-1", "JPEG", 90_000, 0)]
    [TestCase("96 MP4V-ES/90000", "MP4V-ES", 90_000, 0)]
    public void H4_video_is_read_whatever_is_left_out_of_its_map(string map, string name, int clockRate, int channels)
    {
        var format = Read($"m=video 0 RTP/AVP 96\na=rtpmap:{map}\n").Medias.Single().Format!;
        Assert.That((format.Codec!.Name, format.ClockRate, format.Channels), Is.EqualTo((name, clockRate, channels)));
        Assert.That(format.Codec.Configuration.IsEmpty);
    }

    [TestCase(0, null, "PCMU/8000/1")]
    [TestCase(8, null, "PCMA/8000/1")]
    [TestCase(8, "PCMA/0", "PCMA/8000/1")]
    [TestCase(8, "PCMA", "PCMA/8000/1")]
    [TestCase(9, null, "G722/8000/1")]
    [TestCase(10, null, "L16/44100/2")]
    [TestCase(11, null, "L16/44100/1")]
    [TestCase(14, null, "MPA/90000/1")]
    [TestCase(18, null, "G729/8000/1")]
    [TestCase(97, "L16/16000", "L16/16000/1")]
    [TestCase(97, "pcmu/16000/2", "PCMU/16000/2")]
    [TestCase(97, "opus/48000/2", "Opus/48000/2")]
    [TestCase(97, "OPUS", "Opus/48000/2")]
    [TestCase(97, "opus/8000/1", "Opus/48000/2")]
    [TestCase(97, "G726-32/8000", "G726-32/8000/1")]
    [TestCase(97, "ac3/48000/6", "AC3/48000/6")]
    [TestCase(97, "PCMA/8000/99999", "PCMA/8000/1")]
    public void Audio_is_read(int type, string? map, string codec)
    {
        var text = $"m=audio 0 RTP/AVP {type}\n" + (map is null ? "" : $"a=rtpmap:{type} {map}\n");
        Assert.That(Read(text).Medias.Single().Format!.Codec!.ToString(), Is.EqualTo(codec));
    }

    [TestCase("m=video 0 RTP/AVP 100\n", "payload type 100 has no a=rtpmap")]
    [TestCase("m=audio 0 RTP/AVP 97\na=rtpmap:97 G726-32/0\n", "G726-32 has no clock rate")]
    [TestCase("m=audio 0 RTP/AVP 97\na=rtpmap:97 FOO/99999999999\n", "FOO has no clock rate")]
    [TestCase("m=audio 0 RTP/AVP 97\na=rtpmap:97 F\u00F6\u00F6/8000\n", "payload type 97 has no valid name")]
    [TestCase("m=audio 0 RTP/AVP 97\na=rtpmap:97 RTMP-DATA/1000\n", "RTMP-DATA is no encoding for this media")]
    [TestCase("m=audio 0 RTP/AVP 97\na=rtpmap:97 H264/90000\n", "H264 is no encoding for this media")]
    [TestCase("m=audio 0 RTP/AVP 97\na=rtpmap:97 MP3/90000\n", "MP3 is no encoding for this media")]
    [TestCase("m=audio 0 RTP/AVP 97\na=rtpmap:97 MP4A-LATM/44100\na=fmtp:97 cpresent=0\n", "MP4A-LATM without its configuration")]
    [TestCase(
        "m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/16000\na=fmtp:97 mode=CELP-cbr\n",
        "MPEG4-GENERIC in another mode than AAC-hbr, AAC-lbr and generic")]
    [TestCase(
        "m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/16000\na=fmtp:97 sizelength=33\n", "MPEG4-GENERIC with a length out of range")]
    public void What_cannot_be_understood_says_why(string text, string problem)
    {
        var format = Read(text).Medias.Single().Formats.Single();
        Assert.That((format.Codec, format.Problem), Is.EqualTo(((Codec?)null, problem)));
    }

    [Test]
    public void The_first_format_that_is_understood_counts()
    {
        var media = Read("m=audio 0 RTP/AVP 97 8 300 x 0 8\na=rtpmap:97 FLAC/44100\n").Medias.Single();
        Assert.That(media.Formats.Select(format => format.PayloadType), Is.EqualTo([97, 8, 0]));
        Assert.That(media.Format!.Codec!.Name, Is.EqualTo(CodecNames.Pcma));
    }

    [TestCase(H264)]
    [TestCase(" sprop-parameter-sets = " + Sps + " , " + Pps + " ; packetization-mode = 1 ")]
    [TestCase("packetization-mode=1 profile-level-id=640028 sprop-parameter-sets=" + Sps + ", " + Pps)]
    [TestCase("SPROP-PARAMETER-SETS=\"" + Sps + "," + Pps + "\";;")]
    [TestCase("sprop-parameter-sets=" + Pps + "," + Sps + ",,*bad*,")]
    [TestCase("sprop-parameter-sets=AAAAAWdkACis2UB4AiflwEQAAAMABAAAAwDIPGDGWA,AAAAAWjr48siwA")] // start codes, no padding
    public void H264_takes_its_parameters_as_devices_write_them(string parameters)
    {
        var format = ReadFormat("video", "H264/90000", parameters);
        Assert.That(format.LacksParameters, Is.False);
        Assert.That(AvcConfiguration.TryParse(format.Codec!.Configuration.Span, out var configuration));
        Assert.That(Convert.ToBase64String(configuration!.SequenceParameterSets.Single().Span), Is.EqualTo(Sps));
        Assert.That(Convert.ToBase64String(configuration.PictureParameterSets.Single().Span), Is.EqualTo(Pps));
    }

    [Test]
    public void P11_all_parameter_sets_of_h264_are_kept()
    {
        var format = ReadFormat("video", "H264/90000", $"sprop-parameter-sets={Sps},{Pps},aM48gA==,aN48gA==");
        Assert.That(AvcConfiguration.TryParse(format.Codec!.Configuration.Span, out var configuration));
        Assert.That(configuration!.PictureParameterSets.Select(set => Convert.ToBase64String(set.Span)), Is.EqualTo([Pps, "aM48gA==", "aN48gA=="]));
    }

    [TestCase("")]
    [TestCase("packetization-mode=1;profile-level-id=640028")]
    [TestCase("sprop-parameter-sets=" + Sps)]
    [TestCase("sprop-parameter-sets=" + Pps)]
    [TestCase("sprop-parameter-sets=")]
    [TestCase("sprop-parameter-sets=Z0I,aM4")]
    [TestCase("sprop-parameter-sets=A,====,Z")]
    public void P10_parameters_that_are_missing_or_broken_are_not_made_up(string parameters)
    {
        var format = ReadFormat("video", "H264/90000", parameters);
        Assert.That((format.Codec!.Name, format.LacksParameters, format.Codec.Configuration.IsEmpty), Is.EqualTo((CodecNames.H264, true, true)));
    }

    [Test]
    public void H264_without_a_map_is_known_by_its_parameters() =>
        Assert.That(Read($"m=video 0 RTP/AVP 96\na=fmtp:96 {H264}\n").Medias.Single().Format!.Codec!.Video!.Width, Is.EqualTo(1920));

    [Test]
    public void H265_takes_its_three_kinds_of_parameter_sets()
    {
        var (vps, sps, pps) = (Base64("40010c01ffff02200000030090000003000003005d928090"),
            Base64("42010102200000030090000003000003005da00280802d136592a4932bc05a02000007d20000ea6010"), Base64("4401c172b46240"));
        var format = ReadFormat("video", "H265/90000", $"profile-id=2; sprop-vps={vps}; sprop-sps={sps}; sprop-pps={pps},{pps}");
        Assert.That(format.Codec!.Video!.Width, Is.EqualTo(1280));
        Assert.That(HevcConfiguration.TryParse(format.Codec.Configuration.Span, out var configuration));
        Assert.That(configuration!.PictureParameterSets, Has.Length.EqualTo(2));
        Assert.That(ReadFormat("video", "H265/90000", $"sprop-vps={vps};sprop-sps={sps}").LacksParameters, "no PPS");
        Assert.That(ReadFormat("video", "H265/90000", $"sprop-sps={sps};sprop-pps={pps};sprop-max-don-diff=2").GetNumber("sprop-max-don-diff", 0), Is.EqualTo(2));
    }

    [Test]
    public void Aac_takes_its_configuration_and_layout()
    {
        var format = ReadFormat(
            "audio", "MPEG4-GENERIC/48000/2",
            "streamtype=5; profile-level-id=15; mode=AAC-hbr; config=1190; SizeLength=13; IndexLength=3; IndexDeltaLength=3; CTSDeltaLength=0; Profile=1;");
        Assert.That((format.Codec!.ToString(), format.LacksParameters), Is.EqualTo(("AAC/48000/2", false)));
        Assert.That(format.Aac, Is.EqualTo(AacPayloadFormat.HighBitRate));
        Assert.That(ReadFormat("audio", "mpeg4-generic/8000", "mode=AAC-lbr;config=1588").Aac, Is.EqualTo(AacPayloadFormat.LowBitRate));
        Assert.That(
            ReadFormat("audio", "mpeg4-generic/8000", "mode=generic;config=1588;constantSize=256;auxiliaryDataSizeLength=2;streamStateIndication=1;"
                + "DTSDeltaLength=4;CTSDeltaLength=5;randomAccessIndication=1").Aac,
            Is.EqualTo(new AacPayloadFormat
            {
                ConstantSize = 256,
                AuxiliaryDataSizeLength = 2,
                StreamStateLength = 1,
                DtsDeltaLength = 4,
                CtsDeltaLength = 5,
                HasRandomAccessIndication = true,
            }));
    }

    [Test]
    public void The_rate_of_rtp_may_differ_from_the_codecs()
    {
        var sbr = new AudioSpecificConfig { SampleRate = 24_000, ExtensionSampleRate = 48_000, ChannelConfiguration = 2 };
        var format = ReadFormat("audio", "mpeg4-generic/48000/2", $"config={Convert.ToHexString(sbr.ToArray())}");
        Assert.That((format.ClockRate, format.Codec!.ClockRate), Is.EqualTo((48_000, 24_000)));
    }

    [TestCase("mode=AAC-hbr")]
    [TestCase("config=")]
    [TestCase("config=119")]
    [TestCase("config=zz")]
    [TestCase("config=00")]
    public void P10_aac_without_a_configuration_says_so(string parameters)
    {
        var format = ReadFormat("audio", "MPEG4-GENERIC/16000/1", parameters);
        Assert.That((format.Codec!.ToString(), format.LacksParameters, format.Codec.Configuration.IsEmpty), Is.EqualTo(("AAC/16000/1", true, true)));
    }

    [Test]
    public void A_codec_that_is_passed_on_keeps_its_parameters_text()
    {
        var codec = ReadFormat("video", "MP4V-ES/90000", "profile-level-id=1; config=000001B0").Codec!;
        Assert.That(Encoding.UTF8.GetString(codec.Configuration.Span), Is.EqualTo("profile-level-id=1; config=000001B0"));
        Assert.That(ReadFormat("application", "vnd.onvif.metadata/90000", "").Codec!.Kind, Is.EqualTo(MediaKind.Data));
    }

    [Test]
    public void The_sessions_direction_is_that_of_media_which_say_none()
    {
        var session = Read("v=0\na=recvonly\nm=video 0 RTP/AVP 96\nm=audio 0 RTP/AVP 0\na=inactive\nm=audio 0 RTP/AVP 8\na=sendonly\n");
        Assert.That(session.Medias.Select(media => media.Direction), Is.EqualTo([SdpDirection.ReceiveOnly, SdpDirection.Inactive, SdpDirection.SendOnly]));
        Assert.That(session.FindBackchannel(), Is.SameAs(session.Medias[2]));
    }

    [TestCase("m=video 0 RTP/AVP 96\nm=audio 0 RTP/AVP 0\n", null)]
    [TestCase("m=video 0 RTP/AVP 96\na=recvonly\nm=audio 0 RTP/AVP 0\na=recvonly\nm=audio 0 RTP/AVP 8\na=sendonly\n", 2)]
    [TestCase("m=video 0 RTP/AVP 96\nm=audio 0 RTP/AVP 0\na=sendonly\n", 1)]
    [TestCase("m=video 0 RTP/AVP 96\na=sendonly\nm=audio 0 RTP/AVP 0\n", null)] // a server's own view of its video
    [TestCase("m=video 0 RTP/AVP 96\na=sendonly\nm=audio 0 RTP/AVP 0\na=sendonly\n", null)]
    [TestCase("a=sendonly\nm=audio 0 RTP/AVP 0\n", null)]
    public void The_backchannel_is_told_from_a_servers_own_view(string text, int? index)
    {
        var session = Read(text);
        Assert.That(session.FindBackchannel(), index is { } i ? Is.SameAs(session.Medias[i]) : Is.Null);
    }

    [Test]
    public void H5_lengths_are_strict()
    {
        var limits = new RtspLimits();
        Assert.That(SdpSession.TryParse(Encoding.UTF8.GetBytes("v=0\n" + new string('x', 65_532)), limits, out _, out _));
        Assert.That(SdpSession.TryParse(Encoding.UTF8.GetBytes("v=0\n" + new string('x', 65_533)), limits, out _, out var error), Is.False);
        Assert.That(error, Is.EqualTo("The session description is too long."));
        string Medias(int count) => string.Concat(Enumerable.Repeat("m=video 0 RTP/AVP 96\n", count));
        Assert.That(Read(Medias(16)).Medias, Has.Length.EqualTo(16));
        Assert.That(SdpSession.TryParse(Encoding.UTF8.GetBytes(Medias(17)), limits, out _, out error), Is.False);
        Assert.That(error, Is.EqualTo("The session description has too many media."));
    }

    [Test]
    public void H5_a_description_takes_memory_in_proportion_to_its_length()
    {
        string Repeat(string text, int length) => string.Concat(Enumerable.Repeat(text, length / text.Length));
        var formats = string.Join(' ', Enumerable.Range(96, 32));
        var medias = Repeat($"m=video 0 RTP/AVP {formats}\na=rtpmap:97 H264/90000\n", 16 * 130);
        foreach (var text in new[]
        {
            "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=" + Repeat("Z2Q,", 60_000),
            "m=video 0 RTP/AVP 96\na=fmtp:96 " + Repeat("a ", 60_000), "m=video 0 RTP/AVP 96\na=fmtp:96 " + Repeat("a;", 60_000),
            "m=video 0 RTP/AVP 96\n" + Repeat("a=fmtp:96 a=b\n", 60_000), "m=video 0 RTP/AVP 96\n" + Repeat("a=rtpmap:96 a/b/c\n", 60_000),
            medias + "m=video 0 RTP/AVP 96\na=fmtp:97 a=" + Repeat("b", 60_000), Repeat("\n", 65_000), Repeat("m=/\n", 64),
        })
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            Assert.That(bytes, Has.Length.LessThanOrEqualTo(65_536));
            SdpSession.TryParse(bytes, new RtspLimits(), out _, out _); // all code is warm
            var before = GC.GetAllocatedBytesForCurrentThread();
            SdpSession.TryParse(bytes, new RtspLimits(), out _, out _);
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan((32 * bytes.Length) + 65_536), text[..60]);
        }
    }

    // What FFmpeg announces.
    [TestCase("m=audio 0 RTP/AVP 97\r\nb=AS:69\r\na=rtpmap:97 MPEG4-GENERIC/44100/1\r\na=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;"
        + "indexlength=3;indexdeltalength=3; config=120856E500\r\na=control:streamid=1\r\n", "AAC/44100/1")]
    [TestCase("m=audio 0 RTP/AVP 11\r\nb=AS:705\r\n", "L16/44100/1")]
    [TestCase("m=video 0 RTP/AVP 96\r\nb=AS:200\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; sprop-parameter-sets=" + Sps + "," + Pps
        + "; profile-level-id=640028\r\na=control:streamid=0\r\n", "H264")]
    public void What_publishers_announce_is_read(string text, string codec)
    {
        var format = Read($"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=tool:libavformat\r\n{text}").Medias.Single().Format!;
        Assert.That((format.Codec!.ToString(), format.LacksParameters), Is.EqualTo((codec, false)));
    }

    [TestCase("")]
    [TestCase("<html>no</html>")]
    [TestCase("a=control:*")]
    public void What_has_no_line_of_a_description_is_none(string text) =>
        Assert.That(SdpSession.TryParse(Encoding.UTF8.GetBytes(text), new RtspLimits(), out _, out _), Is.False);

    internal static SdpSession Read(string text) =>
        SdpSession.TryParse(Encoding.UTF8.GetBytes(text), new RtspLimits(), out var session, out var error)
            ? session
            : throw new InvalidOperationException(error);

    private static SdpFormat ReadFormat(string kind, string map, string parameters) =>
        Read($"m={kind} 0 RTP/AVP 96\na=rtpmap:96 {map}\na=fmtp:96 {parameters}\n").Medias.Single().Formats.Single();

    private static string Base64(string hex) => Convert.ToBase64String(Convert.FromHexString(hex));
}
