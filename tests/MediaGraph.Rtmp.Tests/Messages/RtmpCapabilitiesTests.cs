using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Messages;

/// <summary>
/// What peers say that they take (RTMP 1.0 §7.2.1.1; Enhanced RTMP v2, Enhancing NetConnection connect Command), and which images they share.
/// </summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class RtmpCapabilitiesTests
{
    private const string Classic = "H264, AAC, MP3, PCMA, PCMU";
    private const string All = "H264, H265, AV1, VP9, VP8, H266, AAC, MP3, Opus, FLAC, AC3, EAC3, PCMA, PCMU";

    private static IEnumerable<TestCaseData> Announcements()
    {
        yield return Case("nothing", Classic);
        yield return Case("fourCcList", Classic.Replace("AAC", "AV1, AAC", StringComparison.Ordinal), new AmfProperty("fourCcList", List("av01")));
        yield return Case("fourCcList in the specification's spelling", Classic.Replace("AAC", "H265, AAC", StringComparison.Ordinal), new AmfProperty("fourCcList", List("Hvc1", "Avc1")));
        yield return Case("fourCcList *", All, new AmfProperty("fourCcList", List("*")));
        yield return Case("fourCcList of what is none", Classic, new AmfProperty("fourCcList", AmfValue.StrictArray(1d, "av1", "av01x", "", AmfValue.Null)));
        yield return Case("fourCcList that is no list", Classic, new AmfProperty("fourCcList", "av01"));
        yield return Case(
            "videoFourCcInfoMap", "H264, AV1, VP9, AAC, MP3, PCMA, PCMU", Map("video", ("av01", 1), ("vp09", 4), ("vp08", 2), ("hvc1", 0), ("Opus", 1)));
        yield return Case("audioFourCcInfoMap", "H264, AAC, MP3, Opus, PCMA, PCMU", Map("audio", ("Opus", 7), ("fLaC", 2)));
        yield return Case("videoFourCcInfoMap *", "H264, H265, AV1, VP9, VP8, H266, AAC, MP3, PCMA, PCMU", Map("video", ("*", 4)));
        yield return Case("a wildcard overrides", Classic, Map("video", ("*", 2), ("av01", 1)));
        yield return Case("both maps and the list", "H264, H265, AV1, AAC, MP3, Opus, PCMA, PCMU", new AmfProperty("fourCcList", List("hvc1")), Map("video", ("av01", 1)), Map("audio", ("Opus", 1)));
        yield return Case("videoCodecs without H264", "AAC, MP3, PCMA, PCMU", new AmfProperty("videoCodecs", 124d));
        yield return Case("videoCodecs with H265", "H264, H265, AAC, MP3, PCMA, PCMU", new AmfProperty("videoCodecs", 252d + 4096));
        yield return Case("videoCodecs and audioCodecs as ffmpeg says them", Classic, new AmfProperty("videoCodecs", 252d), new AmfProperty("audioCodecs", 4071d));
        yield return Case("audioCodecs without G.711", "H264, AAC, MP3", new AmfProperty("audioCodecs", 3191d));
        yield return Case("audioCodecs 0 says nothing", Classic, new AmfProperty("audioCodecs", 0d));
        yield return Case("codecs that are no numbers", Classic, new AmfProperty("audioCodecs", "x"), new AmfProperty("videoCodecs", -1d), new AmfProperty("capsEx", double.NaN));
        yield return Case("H264 by its code alone", "H264, AAC, MP3, PCMA, PCMU", new AmfProperty("videoCodecs", 4d), new AmfProperty("fourCcList", List("avc1")));
    }

    [TestCaseSource(nameof(Announcements))]
    public void A_peer_takes_what_it_says(string expected, AmfProperty[] says) =>
        Assert.That(RtmpCapabilities.Parse(new AmfObject(says), []).CodecNames, Is.EqualTo(expected));

    [Test]
    public void What_is_assumed_holds_for_peers_that_name_no_code()
    {
        Assert.That(RtmpCapabilities.Parse(null, ["hvc1", "Opus"]).CodecNames, Is.EqualTo("H264, H265, AAC, MP3, Opus, PCMA, PCMU"));
        Assert.That(RtmpCapabilities.Parse(new AmfObject(new AmfProperty("fourCcList", List("av01"))), ["hvc1"]).CodecNames, Does.Not.Contain("H265"));
        Assert.That(RtmpCapabilities.Parse(new AmfObject(Map("audio", ("Opus", 1))), ["hvc1"]).CodecNames, Does.Not.Contain("H265"));
    }

    [Test]
    public void What_this_software_says_it_takes_it_takes()
    {
        var said = RtmpCapabilities.Parse(new AmfObject([.. RtmpCapabilities.Announce(RtmpCapsEx.Multitrack | RtmpCapsEx.ModEx)]), []);
        Assert.That((said.CodecNames, said.CapsEx), Is.EqualTo((All, RtmpCapsEx.Multitrack | RtmpCapsEx.ModEx)));
    }

    [Test]
    public void Opaque_codecs_go_to_those_who_name_them()
    {
        var (vp6, dvh1, unknown, speex) = (Opaque(MediaKind.Video, "VP6"), Opaque(MediaKind.Video, "dvh1"), Opaque(MediaKind.Video, "unknown"), Opaque(MediaKind.Audio, "Speex"));
        Assert.That(Taken(), Is.EqualTo(new[] { true, false, false, true }));
        Assert.That(Taken(new AmfProperty("videoCodecs", 128d), new("audioCodecs", 1024d)), Is.All.False);
        Assert.That(Taken(new AmfProperty("fourCcList", List("dvh1"))), Is.EqualTo(new[] { true, true, false, true }));
        Assert.That(Taken(new AmfProperty("fourCcList", List("*"))), Is.All.True);

        bool[] Taken(params AmfProperty[] says)
        {
            var peer = RtmpCapabilities.Parse(new AmfObject(says), []);
            return [peer.CanCarry(vp6, 0), peer.CanCarry(dvh1, 0), peer.CanCarry(unknown, 0), peer.CanCarry(speex, 0)];
        }
    }

    [Test]
    public void What_describes_a_track_goes_to_those_who_take_the_code_it_belongs_to()
    {
        var metadata = new Codec(MediaKind.Data, CodecNames.RtmpVideoMetadata, 1000, configuration: "avc1"u8);
        var channels = new Codec(MediaKind.Data, CodecNames.RtmpChannels, 1000, configuration: "Opus"u8);
        var script = new Codec(MediaKind.Data, CodecNames.RtmpData, 1000);
        var enhanced = Parse(0, "avc1", "Opus");
        Assert.That(new[] { metadata, channels, script }.Select(c => enhanced.CanCarry(c, 0)), Is.All.True);
        Assert.That(new[] { metadata, channels, script }.Select(c => RtmpCapabilities.Classic.CanCarry(c, 0)), Is.EqualTo(new[] { false, false, true }));
    }

    [Test]
    public void Other_tracks_than_the_default_ones_go_to_those_who_take_multitrack_and_the_code()
    {
        var (images, h264, track) = (new RtmpImages(1, 4096), H264(), Track.Of(H264(), "video2"));
        Assert.That(Format(0, "avc1").ForTrack(track), Is.Null);
        Assert.That(Format(RtmpCapsEx.Multitrack, "avc1").ForTrack(track)!.CanCarry(h264), Is.True);
        Assert.That(Format(RtmpCapsEx.Multitrack, "hvc1").ForTrack(track)!.CanCarry(h264), Is.False);
        Assert.That(Format(RtmpCapsEx.Multitrack, "*").ForTrack(track)!.CanCarry(new Codec(MediaKind.Audio, CodecNames.Pcma, 8000, 1)), Is.False);
        var format = Format(0, "avc1");
        Assert.That(format.ForTrack(Track.Of(h264)), Is.SameAs(format));

        RtmpWireFormat Format(RtmpCapsEx capsEx, params string[] codes) => new(images, Parse(capsEx, codes));
    }

    [Test]
    public void Viewers_who_take_the_same_bytes_share_the_images_whatever_else_they_take()
    {
        var images = new RtmpImages(1, 4096);
        RtmpCapabilities[] peers =
        [
            RtmpCapabilities.Classic, Parse(0, "hvc1", "av01"), Parse(RtmpCapsEx.TimestampNanoOffset, "hvc1", "av01"),
            Parse(RtmpCapsEx.Multitrack | RtmpCapsEx.ModEx | RtmpCapsEx.TimestampNanoOffset, "*"),
            RtmpCapabilities.Parse(new AmfObject(new AmfProperty("videoCodecs", 4096d + 128)), []),
        ];
        var formats = peers.Select(p => new RtmpWireFormat(images, p)).ToArray();
        Codec[] common =
        [
            H264(), new(MediaKind.Audio, CodecNames.Aac, 48_000, 2), new(MediaKind.Audio, CodecNames.Mp3, 48_000, 2), new(MediaKind.Audio, CodecNames.Pcma, 8000, 1),
            new(MediaKind.Data, CodecNames.RtmpData, 1000), new(MediaKind.Data, CodecNames.RtmpVideoMetadata, 1000, configuration: "hvc1"u8), Opaque(MediaKind.Video, "VP6"),
        ];
        foreach (var codec in common)
        {
            Assert.That(formats.Select(f => f.ImageOf(codec, false)).Distinct().Count(), Is.EqualTo(1), codec.Name);
            Assert.That(formats.Select(f => f.ImageOf(codec, true)).Distinct().Count(), Is.EqualTo(1), codec.Name);
        }

        var h265 = formats.Select(f => f.ImageOf(new Codec(MediaKind.Video, CodecNames.H265, 90_000), false)).ToArray();
        var av1 = formats.Select(f => f.ImageOf(new Codec(MediaKind.Video, CodecNames.Av1, 90_000), false)).ToArray();
        Assert.That(h265[2], Is.SameAs(h265[3]), "with nanoseconds");
        Assert.That(av1[1], Is.SameAs(formats[0].ImageOf(common[0], false)));
        var all = common.Append(new(MediaKind.Video, CodecNames.H265, 90_000)).Append(new(MediaKind.Video, CodecNames.Av1, 90_000))
            .SelectMany(c => formats.SelectMany(f => new[] { f.ImageOf(c, false), f.ImageOf(c, true) })).Distinct();
        Assert.That(all.Count(), Is.EqualTo(6), "alone and with parameters: the common form, codec 12, nanoseconds");

        var pool = new PacketPool();
        var packet = pool.CreatePacket([0, 0, 0, 1, 0x65], H264(), 0, 0, PacketFlags.Keyframe);
        var bytes = formats.Select(f => packet.GetImage(f.ImageOf(packet.Codec, false))).ToArray();
        Assert.That(bytes.Select(b => b.Span.Overlaps(bytes[0].Span)), Is.All.True);
        packet.Release();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    private static Codec H264() => new(MediaKind.Video, CodecNames.H264, Codec.VideoClockRate);

    private static Codec Opaque(MediaKind kind, string name) => new(kind, name, 1000, form: PayloadForm.FlvTag);

    private static RtmpCapabilities Parse(RtmpCapsEx capsEx, params string[] codes) => RtmpCapabilities.Parse(
        new AmfObject(new("fourCcList", List(codes)), new("capsEx", (double)(int)capsEx)), []);

    private static AmfValue List(params string[] codes) => AmfValue.StrictArray([.. codes.Select(code => (AmfValue)code)]);

    private static AmfProperty Map(string kind, params (string Code, double Mask)[] entries) =>
        new($"{kind}FourCcInfoMap", new AmfObject([.. entries.Select(e => new AmfProperty(e.Code, e.Mask))]));

    private static TestCaseData Case(string name, string expected, params AmfProperty[] says) =>
        new TestCaseData(expected, says).SetName($"Takes what it says: {name}");
}
