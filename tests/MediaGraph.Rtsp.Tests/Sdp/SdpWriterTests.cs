using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Rtsp.Sdp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Sdp;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class SdpWriterTests
{
    private static readonly Codec H264 = Codec.H264(
        Convert.FromBase64String(SdpReaderTests.Sps), Convert.FromBase64String(SdpReaderTests.Pps));

    private static readonly Codec H265 = Codec.FromHevcConfiguration(Convert.FromHexString(
        "0102200000009000000000005df000fcfdfafa00000f03a00001001840010c01ffff02200000030090000003000003005d928090a10001002942010102200000030090"
        + "000003000003005da00280802d136592a4932bc05a02000007d20000ea6010a2000100074401c172b46240"));

    private static readonly Codec Aac = Codec.Aac([0x12, 0x10]);

    // What a description says in full.
    private static readonly Codec[] Codecs =
    [
        H264, H265, Aac, Codec.Aac(new AudioSpecificConfig { SampleRate = 48_000, ChannelConfiguration = 1 }.ToArray()),
        new(MediaKind.Video, CodecNames.H264, 90_000), new(MediaKind.Video, CodecNames.H265, 90_000), new(MediaKind.Video, CodecNames.Vp8, 90_000),
        new(MediaKind.Video, CodecNames.Vp9, 90_000), new(MediaKind.Video, CodecNames.Av1, 90_000), new(MediaKind.Video, CodecNames.Jpeg, 90_000, form: PayloadForm.Rtp),
        new(MediaKind.Audio, CodecNames.Opus, 48_000, 2), new(MediaKind.Audio, CodecNames.Pcma, 8000, 1), new(MediaKind.Audio, CodecNames.Pcmu, 8000, 1),
        new(MediaKind.Audio, CodecNames.Pcmu, 16_000, 2), new(MediaKind.Audio, CodecNames.L16, 44_100, 2), new(MediaKind.Audio, CodecNames.L16, 48_000, 1),
        new(MediaKind.Audio, CodecNames.G722, 8000, 1), new(MediaKind.Audio, "MPA", 90_000, 1, form: PayloadForm.Rtp), new(MediaKind.Audio, CodecNames.Ac3, 48_000, 6, form: PayloadForm.Rtp),
        new(MediaKind.Video, "MP4V-ES", 90_000, 0, "profile-level-id=1;config=000001B0"u8, PayloadForm.Rtp), new(MediaKind.Data, "vnd.onvif.metadata", 90_000, form: PayloadForm.Rtp),
    ];

    [Test]
    public void A_stream_is_described_in_full()
    {
        var text = Encoding.UTF8.GetString(SdpWriter.Write("live/cam", 7, SdpOffer.Assign(
            ([H264], "trackID=0", SdpDirection.None), ([Aac], "trackID=1", SdpDirection.None))));
        Assert.That(text, Is.EqualTo(string.Join(
            "\r\n",
            "v=0", "o=- 7 1 IN IP4 127.0.0.1", "s=live/cam", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*", "a=range:npt=now-",
            "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", $"a=fmtp:96 {SdpReaderTests.H264}", "a=control:trackID=0",
            "m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/44100/2",
            "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1210", "a=control:trackID=1",
            "")));
    }

    [Test]
    public void A_backchannel_offers_several_codecs_to_send()
    {
        Codec[] talk = [new(MediaKind.Audio, CodecNames.Pcma, 8000, 1), new(MediaKind.Audio, CodecNames.Opus, 48_000, 1), Aac];
        var bytes = SdpWriter.Write("", 1, SdpOffer.Assign(
            ([H265], "trackID=0", SdpDirection.ReceiveOnly), ([.. talk], "trackID=1", SdpDirection.SendOnly)));
        var text = Encoding.UTF8.GetString(bytes);
        Assert.That(text, Does.Contain("\r\ns=-\r\n"));
        Assert.That(text, Does.Contain("m=audio 0 RTP/AVP 8 97 98\r\n").And.Contain("a=rtpmap:97 opus/48000/2\r\na=rtpmap:98").And.EndsWith("a=sendonly\r\n"));
        Assert.That(text, Does.Contain("a=fmtp:96 profile-id=2;tier-flag=0;level-id=93;sprop-vps="));
        var session = SdpReaderTests.Read(text);
        Assert.That(session.FindBackchannel(), Is.SameAs(session.Medias[1]));
    }

    [TestCase("81080c000a0b000000043cfeccdaf90040", CodecNames.Av1, "profile=0;level-idx=8;tier=0")]
    [TestCase("81000c000a0b000000043cfeccdaf90040", CodecNames.Av1, "profile=0;level-idx=0;tier=0")]
    [TestCase("812d8c00", CodecNames.Av1, "profile=1;level-idx=13;tier=1")]
    [TestCase("020b820202020000", CodecNames.Vp9, "profile-id=2")]
    [TestCase("", CodecNames.Vp9, "")]
    [TestCase("0a0d", "X-OPAQUE", "")]
    public void Video_says_its_profile(string record, string name, string parameters) =>
        Assert.That(
            SdpCodecs.ParametersOf(new Codec(MediaKind.Video, name, 90_000, configuration: Convert.FromHexString(record))), Is.EqualTo(parameters));

    [Test]
    public void What_is_written_reads_the_same() =>
        Prop.ForAll(Gen.Elements(Codecs).NonEmptyListOf().Where(list => list.Count <= 16).ToArbitrary(), codecs =>
        {
            var offers = SdpOffer.Assign(codecs.Select((codec, i) => ((System.Collections.Immutable.ImmutableArray<Codec>)[codec], $"trackID={i}", SdpDirection.None)));
            var session = SdpReaderTests.Read(Encoding.UTF8.GetString(SdpWriter.Write("n", 1, offers)));
            for (var i = 0; i < codecs.Count; i++)
            {
                var format = session.Medias[i].Formats.Single();
                Assert.That(format.Codec!.HasSameParameters(codecs[i]), $"{codecs[i]} as {format.Codec}");
                Assert.That(format.PayloadType, Is.EqualTo(offers[i].Formats[0].PayloadType));
                Assert.That(session.Medias[i].Control, Is.EqualTo($"trackID={i}"));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Test]
    public void What_rtp_cannot_carry_is_refused_with_words()
    {
        Codec[] refused =
        [
            new(MediaKind.Data, CodecNames.RtmpData, 1000), new(MediaKind.Video, "VP6", 1000, form: PayloadForm.FlvTag), new(MediaKind.Audio, CodecNames.Flac, 44_100, 2),
            new(MediaKind.Audio, CodecNames.Opus, 48_000, 6), new(MediaKind.Audio, CodecNames.Aac, 48_000, 2), new(MediaKind.Audio, "a/b\r\n", 8000, 1, form: PayloadForm.Rtp), new(MediaKind.Audio, CodecNames.Ac3, 48_000, 6),
            new(MediaKind.Video, CodecNames.Jpeg, 90_000), new(MediaKind.Video, CodecNames.H266, 90_000),
        ];
        foreach (var codec in refused)
        {
            Assert.That(SdpCodecs.WhyNot(codec), Is.Not.Empty);
            Assert.That(() => SdpOffer.Assign((System.Collections.Immutable.ImmutableArray.Create(codec), "x", SdpDirection.None)), Throws.ArgumentException);
        }

        Assert.That(Codecs.Select(SdpCodecs.WhyNot), Is.All.Null);
    }

    [Test]
    public void Nothing_can_be_smuggled_into_a_description()
    {
        var text = Encoding.UTF8.GetString(SdpWriter.Write("a\r\nm=audio", 1, []));
        Assert.That(text, Does.Contain("s=am=audio\r\nc="));
        Assert.That(
            () => SdpWriter.Write("a", 1, SdpOffer.Assign(([H264], "x\r\na=y", SdpDirection.None))), Throws.ArgumentException);
    }
}
