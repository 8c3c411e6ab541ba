using MediaGraph.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

// Rows: H4, P11.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class HevcConfigurationTests
{
    [Test]
    public void A_record_is_built_as_ffmpeg_builds_it()
    {
        Assert.That(HevcConfiguration.TryBuild(
            [Vectors.Hex(Vectors.Vps720)], [Vectors.Hex(Vectors.Sps720)], [Vectors.Hex(Vectors.Pps720)], out var record));
        Assert.That(Convert.ToHexStringLower(record!), Is.EqualTo(Vectors.HvcC720));
    }

    [Test]
    public void P11_All_parameter_sets_are_kept()
    {
        byte[] sps = Vectors.Hex(Vectors.Sps720), pps = Vectors.Hex(Vectors.Pps720);
        byte[][] pictures = [pps, [0x44, 1, 1], [0x44, 1, 2]];
        Assert.That(HevcConfiguration.TryBuild([], [sps, sps], [.. pictures.Select(set => (ReadOnlyMemory<byte>)set)], out var record));
        Assert.That(HevcConfiguration.TryParse(record, out var parsed));
        Assert.That(parsed!.VideoParameterSets, Is.Empty);
        Assert.That(parsed.SequenceParameterSets.Select(set => set.ToArray()), Is.EqualTo(new[] { sps, sps }));
        Assert.That(parsed.PictureParameterSets.Select(set => set.ToArray()), Is.EqualTo(pictures));
    }

    [TestCase(0, 1)]
    [TestCase(1, 2)]
    [TestCase(2, 0)]
    [TestCase(3, 4)]
    public void NAL_length_size_is_read_and_3_is_refused(int bits, int size)
    {
        var record = Vectors.Hex(Vectors.HvcC720);
        record[21] = (byte)((record[21] & 0xFC) | bits);
        Assert.That(HevcConfiguration.TryParse(record, out var parsed), Is.EqualTo(size > 0));
        Assert.That(parsed?.NalLengthSize ?? 0, Is.EqualTo(size));
    }

    [Test]
    public void H4_Every_cut_of_a_record_is_refused()
    {
        var whole = Vectors.Hex(Vectors.HvcC720);
        for (var length = 0; length < whole.Length; length++)
            Assert.That(HevcConfiguration.TryParse(whole.AsSpan(0, length), out _), Is.False, $"{length} bytes");
    }

    [Test]
    public void H4_A_record_of_nothing_but_empty_sets_is_refused_beyond_the_limit()
    {
        var record = new byte[23 + 3 + (2 * 257)];
        record[0] = 1;
        record[21] = 3;
        record[22] = 1;
        record[23] = 33;
        record[24] = 1; // 256 sets
        Assert.That(HevcConfiguration.TryParse(record, out var parsed));
        Assert.That(parsed!.SequenceParameterSets, Is.Empty);
        record[25] = 1; // 257
        Assert.That(HevcConfiguration.TryParse(record, out _), Is.False);
    }

    [Test]
    public void Arrays_of_other_NAL_units_are_passed_over()
    {
        var record = Vectors.Hex(Vectors.HvcC720 + "27000100024e01");
        record[22] = 4;
        Assert.That(HevcConfiguration.TryParse(record, out var parsed));
        Assert.That(parsed!.SequenceParameterSets, Has.Length.EqualTo(1));
    }
}
