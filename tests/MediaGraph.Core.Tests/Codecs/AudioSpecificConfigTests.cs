using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class AudioSpecificConfigTests
{
    [TestCase("1210", 2, 44_100, 2, 1024, null, false, TestName = "AAC LC, stereo")]
    [TestCase("121056e500", 2, 44_100, 2, 1024, null, false, TestName = "AAC LC that says it has no SBR")]
    [TestCase("11b056e500", 2, 48_000, 6, 1024, null, false, TestName = "5.1")]
    [TestCase("11b856e500", 2, 48_000, 8, 1024, null, false, TestName = "7.1: configuration 7 has 8 channels")]
    [TestCase("158856e500", 2, 8_000, 1, 1024, null, false, TestName = "8 kHz, mono")]
    [TestCase("1214", 2, 44_100, 2, 960, null, false, TestName = "960 samples")]
    [TestCase("2b920800", 2, 22_050, 2, 1024, 44_100, false, TestName = "HE-AAC, hierarchical")]
    [TestCase("eb8a0800", 2, 22_050, 1, 1024, 44_100, true, TestName = "HE-AAC v2, hierarchical")]
    [TestCase("139056e5a0", 2, 22_050, 2, 1024, 44_100, false, TestName = "HE-AAC, backward compatible")]
    [TestCase("138856e5a54880", 2, 22_050, 1, 1024, 44_100, true, TestName = "HE-AAC v2, backward compatible")]
    [TestCase("f8e85000", 39, 44_100, 2, 480, null, false, TestName = "ELD, 480 samples (escaped object type)")]
    [TestCase("1780560010", 2, 44_032, 2, 1024, null, false, TestName = "Explicit sample rate of 24 bits")]
    [TestCase("1200", 2, 44_100, 0, 1024, null, false, TestName = "Channels in the stream (PCE)")]
    public void Parses(string hex, int type, int rate, int channels, int frameLength, int? extensionRate, bool hasParametricStereo)
    {
        Assert.That(AudioSpecificConfig.TryParse(Vectors.Hex(hex), out var config));
        Assert.That(
            (config!.ObjectType, config.SampleRate, config.Channels, config.FrameLength), Is.EqualTo((type, rate, channels, frameLength)));
        Assert.That((config.ExtensionSampleRate, config.HasParametricStereo), Is.EqualTo((extensionRate, hasParametricStereo)));
    }

    [TestCase("", TestName = "H4 No AudioSpecificConfig")]
    [TestCase("12", TestName = "H4 One byte")]
    [TestCase("1690", TestName = "H4 A reserved sample rate")]
    [TestCase("1780000010", TestName = "H4 A sample rate of 0")]
    [TestCase("0210", TestName = "H4 Object type 0")]
    [TestCase("2b921400", TestName = "H4 SBR inside SBR")]
    [TestCase("ffff", TestName = "H4 All ones")]
    public void Refuses(string hex) => Assert.That(AudioSpecificConfig.TryParse(Vectors.Hex(hex), out _), Is.False);

    [Test]
    public void A_configuration_comes_back()
    {
        var configs =
            from type in Gen.Elements(1, 2, 3, 4, 6, 7, 17, 19, 20, 22, 23, 36, 39, 42, 95)
            from rate in Gen.OneOf(Gen.Elements(96_000, 44_100, 7_350), Gen.Choose(1, 0xFFFFFF))
            from channels in Gen.Choose(0, 15)
            from isShort in Gen.Elements(true, false)
            from extension in Gen.OneOf(Gen.Elements<int?>(null, 48_000, 1), Gen.Choose(1, 0xFFFFFF).Select(x => (int?)x))
            from hasParametricStereo in Gen.Elements(true, false)
            select new AudioSpecificConfig
            {
                ObjectType = type,
                SampleRate = rate,
                ChannelConfiguration = channels,
                FrameLength = type is 36 or 42 or 95 ? 1024 : type is 23 or 39 ? (isShort ? 480 : 512) : (isShort ? 960 : 1024),
                ExtensionSampleRate = extension,
                HasParametricStereo = extension is not null && hasParametricStereo,
            };
        Prop.ForAll(Arb.From(configs), config =>
            AudioSpecificConfig.TryParse(config.ToArray(), out var parsed) && parsed == config).QuickCheckThrowOnFailure();
    }

    [Test]
    public void AAC_LC_is_written_in_two_bytes() =>
        Assert.That(new AudioSpecificConfig { SampleRate = 48_000 }.ToArray(), Is.EqualTo(new byte[] { 0x11, 0x90 }));

    [Test]
    public void Properties_out_of_range_are_not_written()
    {
        Assert.That(() => new AudioSpecificConfig { ObjectType = 31 }.ToArray(), Throws.InvalidOperationException);
        Assert.That(() => new AudioSpecificConfig { SampleRate = 0 }.ToArray(), Throws.InvalidOperationException);
        Assert.That(() => new AudioSpecificConfig { ChannelConfiguration = 16 }.ToArray(), Throws.InvalidOperationException);
        Assert.That(() => new AudioSpecificConfig { ExtensionSampleRate = 1 << 24 }.ToArray(), Throws.InvalidOperationException);
    }

    [Test]
    public void An_ADTS_header_gives_the_configuration()
    {
        var frame = Vectors.Hex("fff150802b3ffcde02004c6176633539");
        Assert.That(AudioSpecificConfig.TryParseAdts(frame, out var config, out var headerLength, out var frameLength));
        Assert.That(config!.ToArray(), Is.EqualTo(Vectors.Hex("1210")));
        Assert.That((headerLength, frameLength), Is.EqualTo((7, 0x159)));

        frame[1] = 0xF0; // with a checksum
        Assert.That(AudioSpecificConfig.TryParseAdts(frame, out _, out headerLength, out _));
        Assert.That(headerLength, Is.EqualTo(9));
        Assert.That(AudioSpecificConfig.TryParseAdts(frame.AsSpan(0, 6), out _, out _, out _), Is.False);
        Assert.That(AudioSpecificConfig.TryParseAdts(frame.AsSpan(1), out _, out _, out _), Is.False);
    }
}
