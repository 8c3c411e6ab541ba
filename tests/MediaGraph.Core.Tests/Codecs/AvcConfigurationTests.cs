using MediaGraph.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

// Rows: H4, P11.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class AvcConfigurationTests
{
    [Test]
    public void A_record_is_built_as_ffmpeg_builds_it()
    {
        Assert.That(AvcConfiguration.TryBuild(Vectors.Hex(Vectors.Sps1080), Vectors.Hex(Vectors.Pps1080), out var record));
        Assert.That(Convert.ToHexStringLower(record!), Is.EqualTo(Vectors.AvcC1080));
    }

    [Test]
    public void P11_All_parameter_sets_are_kept()
    {
        byte[] sps1 = Vectors.Hex(Vectors.Sps1080), sps2 = Vectors.Hex(Vectors.SpsBaseline), pps = Vectors.Hex(Vectors.Pps1080);
        Assert.That(AvcConfiguration.TryBuild([sps1, sps2], [pps, new byte[] { 0x68, 1 }, new byte[] { 0x68, 2 }], out var record));
        Assert.That(AvcConfiguration.TryParse(record, out var parsed));
        Assert.That(parsed!.SequenceParameterSets.Select(set => set.ToArray()), Is.EqualTo(new[] { sps1, sps2 }));
        Assert.That(parsed.PictureParameterSets.Select(set => set.ToArray()), Is.EqualTo(new byte[][] { pps, [0x68, 1], [0x68, 2] }));
        Assert.That((parsed.ProfileIdc, parsed.ConstraintFlags, parsed.LevelIdc), Is.EqualTo((100, 0, 40)));
        Assert.That(AvcConfiguration.TryBuild(
            parsed.SequenceParameterSets.AsSpan(), parsed.PictureParameterSets.AsSpan(), out var again) && again.SequenceEqual(record!));
    }

    [TestCase(0, 1)]
    [TestCase(1, 2)]
    [TestCase(3, 4)]
    public void NAL_length_size_is_read(int bits, int size)
    {
        var record = Vectors.Hex(Vectors.AvcC1080);
        record[4] = (byte)(0xFC | bits);
        Assert.That(AvcConfiguration.TryParse(record, out var parsed));
        Assert.That(parsed!.NalLengthSize, Is.EqualTo(size));
    }

    [Test]
    public void A_NAL_length_size_of_3_is_refused()
    {
        var record = Vectors.Hex(Vectors.AvcC1080);
        record[4] = 0xFE;
        Assert.That(AvcConfiguration.TryParse(record, out _), Is.False);
    }

    [Test]
    public void H4_A_record_may_end_behind_its_parameter_sets_but_not_before()
    {
        var whole = Vectors.Hex(Vectors.AvcC1080);
        for (var length = 0; length <= whole.Length; length++)
        {
            Assert.That(
                AvcConfiguration.TryParse(whole.AsSpan(0, length), out _), Is.EqualTo(length >= whole.Length - 4), $"{length} bytes");
        }
    }

    [Test]
    public void The_parsed_record_does_not_change_with_its_source()
    {
        var record = Vectors.Hex(Vectors.AvcC1080);
        Assert.That(AvcConfiguration.TryParse(record, out var parsed));
        Array.Clear(record);
        Assert.That(Convert.ToHexStringLower(parsed!.SequenceParameterSets[0].Span), Is.EqualTo(Vectors.Sps1080));
    }

    [Test]
    public void Wrong_NAL_units_build_nothing()
    {
        byte[] sps = Vectors.Hex(Vectors.Sps1080), pps = Vectors.Hex(Vectors.Pps1080);
        Assert.That(AvcConfiguration.TryBuild(pps, sps, out _), Is.False);
        Assert.That(AvcConfiguration.TryBuild(sps, [], out _), Is.False);
        Assert.That(AvcConfiguration.TryBuild([], pps, out _), Is.False);
        Assert.That(AvcConfiguration.TryBuild([0x67, 1, 2], pps, out _), Is.False);
        Assert.That(AvcConfiguration.TryBuild(sps, [0x68, .. new byte[65_535]], out _), Is.False);
        Assert.That(AvcConfiguration.TryBuild(
            Enumerable.Repeat<ReadOnlyMemory<byte>>(sps, 32).ToArray(), (ReadOnlyMemory<byte>[])[pps], out _), Is.False);
    }
}
