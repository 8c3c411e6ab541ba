using MediaGraph.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

/// <summary>Rows: H4.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class Av1ConfigurationTests
{
    // Records of libaom and SVT-AV1.
    [TestCase(Vectors.Av1C320, TestName = "4:2:0")]
    [TestCase("81001c000a0a00000002afff9b5f2540", TestName = "Monochrome")]
    [TestCase("812000000a0a20000002afff9b5f2040", TestName = "4:4:4")]
    [TestCase("814008000a0a40000002afff9b5f2020", TestName = "4:2:2")]
    [TestCase("81004c000a0a00000002afff9b5f2808", TestName = "4:2:0 of 10 bits")]
    [TestCase("814048000a0a40000002afff9b5f2810", TestName = "4:2:2 of 10 bits")]
    [TestCase("812000000a0d20000002afff9b5f2404340080", TestName = "RGB")]
    [TestCase("81000c000a0a00000002afff805f0008", TestName = "With most tools left out")]
    public void A_record_of_a_sequence_header_is_what_the_encoder_wrote(string record)
    {
        var expected = Vectors.Hex(record);
        byte[] unit = [8, .. expected[6..]]; // without the size
        Assert.That(Av1Configuration.TryBuild(unit, out var built));
        Assert.That(built, Is.EqualTo(expected));
    }

    [Test]
    public void The_extension_of_a_units_header_is_kept()
    {
        byte[] payload = Vectors.Hex(Vectors.Av1C320)[6..];
        Assert.That(Av1Configuration.TryBuild([0x0C, 0x18, .. payload], out var built));
        Assert.That(built![4..7], Is.EqualTo(new byte[] { 0x0E, 0x18, (byte)payload.Length }));
    }

    [TestCase("", TestName = "Nothing")]
    [TestCase("08", TestName = "No payload")]
    [TestCase("0C18", TestName = "No payload behind an extension")]
    [TestCase("30000000043cfeccdaf90040", TestName = "Another type")]
    [TestCase("0a0b000000043cfeccdaf90040", TestName = "With a size")]
    [TestCase("08000000043cfeccda", TestName = "Cut")]
    [TestCase("08600000043cfeccdaf90040", TestName = "A profile that is reserved")]
    public void H4_what_is_no_sequence_header_is_refused(string unit) =>
        Assert.That(Av1Configuration.TryBuild(Vectors.Hex(unit), out _), Is.False);
}
