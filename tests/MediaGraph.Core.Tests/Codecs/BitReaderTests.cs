using MediaGraph.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class BitReaderTests
{
    [Test]
    public void Bits_cross_byte_boundaries()
    {
        var reader = new BitReader([0b1010_0101, 0xFF, 0x00, 0x12, 0x34, 0x56]);
        Assert.That(reader.ReadBits(3), Is.EqualTo(5));
        Assert.That(reader.ReadBits(7), Is.EqualTo(0b0010111));
        Assert.That(reader.ReadBits(0), Is.Zero);
        Assert.That(reader.ReadBits(32), Is.EqualTo(0xFC0048D1));
        Assert.That(reader.Remaining, Is.EqualTo(6));
        Assert.That(reader.Failed, Is.False);
    }

    [Test]
    public void Reading_past_the_end_fails_for_good_and_gives_zero()
    {
        var reader = new BitReader([0xFF]);
        Assert.That(reader.ReadBits(9), Is.Zero);
        Assert.That(reader.Failed);
        Assert.That(reader.ReadBits(1), Is.Zero);
        Assert.That(reader.ReadUe(), Is.Zero);
        Assert.That(reader.ReadSe(), Is.Zero);
        Assert.That(reader.Remaining, Is.Zero);
    }

    [Test]
    public void Exp_Golomb_codes_come_back()
    {
        long[] values = [0, 1, 2, 3, 7, 8, 255, 65_535, int.MaxValue, 4_294_967_294];
        var writer = new BitWriter();
        foreach (var value in values)
            writer.Ue(value);
        var reader = new BitReader(writer.ToArray());
        foreach (var value in values)
            Assert.That(reader.ReadUe(), Is.EqualTo(value));
        Assert.That(reader.Failed, Is.False);
    }

    [Test]
    public void Signed_Exp_Golomb_codes_come_back()
    {
        long[] values = [0, 1, -1, 2, -2, 1000, -1000, int.MaxValue, -int.MaxValue];
        var writer = new BitWriter();
        foreach (var value in values)
            writer.Se(value);
        var reader = new BitReader(writer.ToArray());
        foreach (var value in values)
            Assert.That(reader.ReadSe(), Is.EqualTo(value));
        Assert.That(reader.Failed, Is.False);
    }

    [Test]
    public void A_code_of_more_than_31_leading_zeros_fails()
    {
        var reader = new BitReader([0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        Assert.That(reader.ReadUe(), Is.Zero);
        Assert.That(reader.Failed);
    }

    [Test]
    public void A_value_above_the_limit_of_the_syntax_fails()
    {
        var reader = new BitReader(new BitWriter().Ue(31).Ue(32).ToArray());
        Assert.That(reader.ReadUe(31), Is.EqualTo(31));
        Assert.That(reader.ReadUe(31), Is.Zero);
        Assert.That(reader.Failed);
    }
}
