using MediaGraph.Media;
using MediaGraph.Tests.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Media;

// Rows: H4, P11.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class CodecTests
{
    [Test]
    public void H264_is_described_by_its_parameter_sets()
    {
        var codec = Codec.H264(Vectors.Hex(Vectors.Sps1080), Vectors.Hex(Vectors.Pps1080));
        Assert.That((codec.Kind, codec.Name, codec.ClockRate), Is.EqualTo((MediaKind.Video, "H264", 90_000)));
        Assert.That(codec.Video, Is.EqualTo(new VideoParameters(1920, 1080, 25, "High", "4.0", 2)));
        Assert.That(Convert.ToHexStringLower(codec.Configuration.Span), Is.EqualTo(Vectors.AvcC1080));
    }

    [Test]
    public void H265_is_described_by_its_parameter_sets()
    {
        var codec = Codec.FromHevcConfiguration(Vectors.Hex(Vectors.HvcC720));
        Assert.That((codec.Kind, codec.Name, codec.ClockRate), Is.EqualTo((MediaKind.Video, "H265", 90_000)));
        Assert.That(codec.Video, Is.EqualTo(new VideoParameters(1280, 720, 30_000 / 1001.0, "Main 10", "3.1", 0)));

        var (vps, sps, pps) = (Vectors.Hex(Vectors.Vps720), Vectors.Hex(Vectors.Sps720), Vectors.Hex(Vectors.Pps720));
        Assert.That(Track.H265(vps, sps, pps).Codecs.Single().HasSameParameters(codec));
        Assert.That(() => Codec.H265(vps, pps, sps), Throws.ArgumentException);
        Assert.That(() => Codec.H265(vps, sps, []), Throws.ArgumentException);
    }

    [Test]
    public void AAC_counts_time_in_samples()
    {
        var codec = Codec.Aac(Vectors.Hex("11b056e500"));
        Assert.That((codec.Kind, codec.Name, codec.ClockRate, codec.Channels), Is.EqualTo((MediaKind.Audio, "AAC", 48_000, 6)));
        Assert.That(codec.Video, Is.Null);
    }

    [Test]
    public void A_NAL_length_size_other_than_4_is_not_passed_on()
    {
        var avcC = Vectors.Hex(Vectors.AvcC1080);
        avcC[4] = 0xFD;
        var hvcC = Vectors.Hex(Vectors.HvcC720);
        hvcC[21] &= 0xFC;
        Assert.That(Convert.ToHexStringLower(Codec.FromAvcConfiguration(avcC).Configuration.Span), Is.EqualTo(Vectors.AvcC1080));
        Assert.That(Convert.ToHexStringLower(Codec.FromHevcConfiguration(hvcC).Configuration.Span), Is.EqualTo(Vectors.HvcC720));
    }

    [Test]
    public void P11_The_first_SPS_that_can_be_read_describes_the_pictures()
    {
        byte[] record = [1, 100, 0, 40, 0xFF, 0xE2, 0, 2, 0x67, 0xFF, .. Vectors.Hex(Vectors.AvcC1080).AsSpan(6)];
        Assert.That(Codec.FromAvcConfiguration(record).Video?.Width, Is.EqualTo(1920));
    }

    [TestCase("")]
    [TestCase("01")]
    [TestCase("0164002800")]
    [TestCase("01640028fee1001b" + Vectors.Sps1080 + "010006" + Vectors.Pps1080, Description = "lengths of 3 bytes")]
    public void H4_A_malformed_configuration_describes_nothing(string hex)
    {
        Assert.That(Codec.FromAvcConfiguration(Vectors.Hex(hex)).Video, Is.Null);
        Assert.That(Codec.FromHevcConfiguration(Vectors.Hex(hex)).Video, Is.Null);
    }

    [Test]
    public void Malformed_parameters_make_no_codec()
    {
        Assert.That(() => Codec.H264([0x67], [0x68]), Throws.ArgumentException);
        Assert.That(() => Codec.Aac([0xFF]), Throws.ArgumentException);
    }

    [Test]
    public void A_repeated_sequence_header_is_no_change()
    {
        Codec Make() => Codec.FromAvcConfiguration(Vectors.Hex(Vectors.AvcC1080));
        Assert.That(Make().HasSameParameters(Make()));
    }

    [Test]
    public void Any_other_property_is_a_change()
    {
        var codec = new Codec(MediaKind.Audio, "AAC", 48_000, 2, [0x11, 0x90]);
        Codec[] others =
        [
            new(MediaKind.Data, "AAC", 48_000, 2, [0x11, 0x90]),
            new(MediaKind.Audio, "MP3", 48_000, 2, [0x11, 0x90]),
            new(MediaKind.Audio, "AAC", 44_100, 2, [0x11, 0x90]),
            new(MediaKind.Audio, "AAC", 48_000, 1, [0x11, 0x90]),
            new(MediaKind.Audio, "AAC", 48_000, 2, [0x11, 0x91]),
            new(MediaKind.Audio, "AAC", 48_000, 2, [0x11, 0x90], form: PayloadForm.FlvTag),
        ];
        Assert.That(others.Select(codec.HasSameParameters), Is.All.False);
    }

    [Test]
    public void Keyframes_are_known_by_codec()
    {
        byte[] idr = [0, 0, 0, 2, 0x65, 0x88], nonIdr = [0, 0, 0, 2, 0x41, 0x9A], cra = [0, 0, 0, 2, 0x2A, 1];
        var h264 = new Codec(MediaKind.Video, CodecNames.H264, 90_000);
        var h265 = new Codec(MediaKind.Video, CodecNames.H265, 90_000);
        Assert.That(h264.IsKeyframe(idr) && !h264.IsKeyframe(nonIdr) && !h264.IsKeyframe([]));
        Assert.That(h265.IsKeyframe(cra) && !h265.IsKeyframe(nonIdr));
        Assert.That(new Codec(MediaKind.Audio, CodecNames.Opus, 48_000).IsKeyframe(nonIdr));
        Assert.That(new Codec(MediaKind.Video, CodecNames.H266, 90_000).IsKeyframe(idr), Is.False);
        Assert.That(new Codec(MediaKind.Video, CodecNames.H264, 90_000, form: PayloadForm.FlvTag).IsKeyframe(idr), Is.False);
    }
}
