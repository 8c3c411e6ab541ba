using MediaGraph.Codecs;
using MediaGraph.Media;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

/// <summary>
/// H4: no bytes make a parser throw, or report what its documentation rules out.
/// </summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class ParserFuzzTests
{
    private static readonly byte[][] Seeds =
    [
        Vectors.Hex(Vectors.Sps1080), Vectors.Hex(Vectors.SpsBaseline), Vectors.Hex(Vectors.Pps1080), Vectors.Hex(Vectors.AvcC1080),
        Vectors.Hex(Vectors.Vps720), Vectors.Hex(Vectors.Sps720), Vectors.Hex(Vectors.Sps265), Vectors.Hex(Vectors.HvcC720),
        Vectors.Hex("67640020acd9405005bb011000000300100000064626000f424001e84e4d38078c18cb"),
        Vectors.Hex("4201010408000003009e0800000300005a9000a0402d2cb2b349272bc05a020000030002000003006410"),
        Vectors.Hex("138856e5a54880"), Vectors.Hex("f8e85000"), Vectors.Hex("2b920800"), Vectors.Hex("fff150802b3ffcde0200"),
        Vectors.Hex("00000001090f00000001658804000003000001419a"), Vectors.Hex("00000002090f0000000465880400"), [],
        Vectors.Hex(Vectors.Av1C320), Vectors.Hex("08000000043cfeccdaf90040"), Vectors.Hex("0820000002afff9b5f2404340080"),
        Vectors.Hex("8004" + "81000c10"), Vectors.Hex(Vectors.OpusHead), Vectors.Hex(Vectors.StreamInfo),
        Vectors.Hex("664c614300000022" + Vectors.StreamInfo), Vectors.Hex(Vectors.Ac3Frame), Vectors.Hex(Vectors.EAc3Frame),
        Vectors.Hex(Vectors.Mp3Frame),
    ];

    [Test]
    public void H4_H264_sequence_parameter_sets() => Fuzz(0x67, data =>
    {
        if (H264Sps.TryParse(data, out var sps))
        {
            Assert.That(sps.Width, Is.InRange(1, 65_536));
            Assert.That(sps.Height, Is.InRange(1, 131_072));
            Assert.That(sps.ReorderDepth, Is.InRange(0, 16));
            Assert.That(sps.FrameRate, Is.Null.Or.InRange(double.Epsilon, 1000.0));
            Assert.That(sps.ProfileName + sps.LevelName, Is.Not.Empty);
        }
    });

    [Test]
    public void H4_H265_sequence_parameter_sets() => Fuzz(0x42, data =>
    {
        if (H265Sps.TryParse(data, out var sps))
        {
            Assert.That(sps.Width, Is.InRange(1, 65_536));
            Assert.That(sps.Height, Is.InRange(1, 65_536));
            Assert.That(sps.ReorderDepth, Is.InRange(0, 15));
            Assert.That(sps.FrameRate, Is.Null.Or.InRange(double.Epsilon, 1000.0));
            Assert.That(sps.ProfileName + sps.LevelName, Is.Not.Empty);
        }
    });

    [Test]
    public void H4_H265_video_parameter_sets() =>
        Fuzz(0x40, data => Assert.That(H265Vps.ReadFrameRate(data), Is.Null.Or.InRange(double.Epsilon, 1000.0)));

    [Test]
    public void H4_avcC_records() => Fuzz(1, data =>
    {
        if (AvcConfiguration.TryParse(data, out var configuration))
        {
            Assert.That(configuration.NalLengthSize, Is.AnyOf(1, 2, 4));
            AvcConfiguration.TryBuild(configuration.SequenceParameterSets.AsSpan(), configuration.PictureParameterSets.AsSpan(), out _);
        }

        Assert.That(Codec.FromAvcConfiguration(data).Name, Is.EqualTo("H264"));
    });

    [Test]
    public void H4_AV1_sequence_headers() => Fuzz(8, data =>
    {
        if (Av1Configuration.TryBuild(data, out var record))
            Assert.That(new Codec(MediaKind.Video, CodecNames.Av1, Codec.VideoClockRate, configuration: record).Video, Is.Not.Null);
    });

    [Test]
    public void H4_hvcC_records() => Fuzz(1, data =>
    {
        if (HevcConfiguration.TryParse(data, out var configuration))
        {
            Assert.That(configuration.NalLengthSize, Is.AnyOf(1, 2, 4));
            HevcConfiguration.TryBuild(
                configuration.VideoParameterSets.AsSpan(), configuration.SequenceParameterSets.AsSpan(),
                configuration.PictureParameterSets.AsSpan(), out _);
        }

        Assert.That(Codec.FromHevcConfiguration(data).Name, Is.EqualTo("H265"));
    });

    [Test]
    public void H4_AudioSpecificConfigs_and_ADTS_headers() => Fuzz(null, data =>
    {
        if (AudioSpecificConfig.TryParse(data, out var config))
        {
            Assert.That(config.SampleRate, Is.InRange(1, 0xFFFFFF));
            Assert.That(AudioSpecificConfig.TryParse(config.ToArray(), out var again) && again == config, "what is read can be written");
        }

        if (AudioSpecificConfig.TryParseAdts(data, out var adts, out var headerLength, out var frameLength))
        {
            Assert.That(adts.ToArray(), Has.Length.EqualTo(2));
            Assert.That(headerLength, Is.LessThanOrEqualTo(frameLength));
        }
    });

    [Test]
    public void H4_av1C_records() => Fuzz(0x81, data =>
    {
        if (Av1SequenceHeader.TryParseRecord(data, out var header))
        {
            Assert.That((header.Width, header.Height), Is.EqualTo((Math.Clamp(header.Width, 1, 65_536), Math.Clamp(header.Height, 1, 65_536))));
            Assert.That(header.FrameRate, Is.Null.Or.InRange(double.Epsilon, 1000.0));
            Assert.That(header.ProfileName + header.LevelName, Is.Not.Empty);
        }

        if (Av1SequenceHeader.TryConvertDescriptor(data, out var record))
            Assert.That(Av1SequenceHeader.IsRecord(record));
        Av1SequenceHeader.IsIn(data);
        foreach (var name in new[] { CodecNames.Av1, CodecNames.Vp8, CodecNames.Vp9 })
            new Codec(MediaKind.Video, name, Codec.VideoClockRate, configuration: data).IsKeyframe(data);
    });

    [Test]
    public void H4_Headers_of_sound() => Fuzz(null, data =>
    {
        if (OpusHead.TryParse(data, out var opus))
            Assert.That(opus.Channels, Is.InRange(1, 255));
        if (FlacStreamInfo.TryParse(data, out var flac, out var block))
            Assert.That((flac.SampleRate > 0, flac.Channels is >= 1 and <= 8, block.Length), Is.EqualTo((true, true, 34)));
        if (Ac3Header.TryParse(data, out var ac3))
            Assert.That((ac3.SampleRate is >= 8000 and <= 48_000, ac3.Channels is >= 1 and <= 6), Is.EqualTo((true, true)));
        if (Mp3Header.TryParse(data, out var mp3))
            Assert.That((mp3.SampleRate is >= 8000 and <= 48_000, mp3.Channels is 1 or 2), Is.EqualTo((true, true)));
    });

    [Test]
    public void H4_Access_units() => Fuzz(null, data =>
    {
        NalUnits.IsH264Keyframe(data);
        NalUnits.IsH265Keyframe(data);
        if (NalUnits.TryMeasureAnnexB(data, out var length))
        {
            var converted = new byte[length];
            Assert.That(NalUnits.ConvertAnnexB(data, converted), Is.EqualTo(length));
            Assert.That(NalUnits.TryMeasureLengthPrefixed(converted, 4, out var same) && same == length);
        }

        for (var size = 1; size <= 4; size++)
        {
            if (NalUnits.TryMeasureLengthPrefixed(data, size, out length))
                Assert.That(NalUnits.ConvertLengthPrefixed(data, size, new byte[length]), Is.EqualTo(length));
        }
    });

    // Half of the inputs keep the byte that leads into the parser; no exception is expected.
    private static void Fuzz(byte? first, Action<byte[]> parse) => MediaGraph.Testing.Fuzz.Run<UnexpectedException>(
        Seeds, (data, _) => parse(data), (data, random) =>
        {
            if (first is { } value && data.Length > 0 && random.Next(2) == 0)
                data[0] = value;
        });

    private sealed class UnexpectedException : Exception;
}
