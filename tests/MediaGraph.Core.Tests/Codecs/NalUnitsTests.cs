using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class NalUnitsTests
{
    // NAL units as they may stand in a byte stream: no start code inside, no zero byte at the end.
    private static readonly Gen<byte[][]> Units =
        Gen.Choose(0, 255).Select(value => (byte)value).ListOf().Select(bytes => WithoutStartCodes([0x65, .. bytes, 0x80])).ArrayOf()
            .Where(units => units.Length > 0);

    [TestCase("00000001090f00000165", "090f|65", TestName = "Start codes of 4 and 3 bytes")]
    [TestCase("0000016588000000000000016141", "6588|6141", TestName = "Trailing zeros")]
    [TestCase("00000165880000", "6588", TestName = "Zeros at the end")]
    [TestCase("ff000001658800000141", "6588|41", TestName = "Bytes before the first start code")]
    [TestCase("00000100000100000165", "65", TestName = "Empty NAL units")]
    [TestCase("00000165000003000003", "65000003000003", TestName = "Emulation prevention stays")]
    [TestCase("6588", "", TestName = "No start code")]
    [TestCase("000001", "", TestName = "Only a start code")]
    [TestCase("", "", TestName = "No bytes")]
    public void Annex_B_is_taken_apart(string stream, string expected)
    {
        var source = (ReadOnlySpan<byte>)Vectors.Hex(stream);
        var units = new List<string>();
        while (NalUnits.TryReadAnnexB(ref source, out var unit))
            units.Add(Convert.ToHexStringLower(unit));
        Assert.That(string.Join('|', units), Is.EqualTo(expected));
        Assert.That(source.IsEmpty);
    }

    [TestCase("01650261ff", 1, true, TestName = "1-byte lengths")]
    [TestCase("000165000261ff", 2, true, TestName = "2-byte lengths")]
    [TestCase("00000165", 3, true, TestName = "3-byte lengths")]
    [TestCase("0000000165", 4, true, TestName = "4-byte lengths")]
    [TestCase("00000000" + "0000000165", 4, true, TestName = "H4 An empty NAL unit is passed over")]
    [TestCase("00000000", 4, false, TestName = "H4 Nothing but an empty NAL unit")]
    [TestCase("0000000265", 4, false, TestName = "H4 A length beyond the end")]
    [TestCase("ffffffff65", 4, false, TestName = "H4 A length of 4 GiB")]
    [TestCase("00000001650000", 4, false, TestName = "H4 A cut length")]
    [TestCase("", 4, false, TestName = "H4 An empty access unit")]
    public void Length_prefixes_are_checked(string source, int size, bool isValid) =>
        Assert.That(NalUnits.TryMeasureLengthPrefixed(Vectors.Hex(source), size, out _), Is.EqualTo(isValid));

    [Test]
    public void Annex_B_becomes_length_prefixed() => Prop.ForAll(Arb.From(Units), units =>
    {
        var stream = units.SelectMany((unit, i) => (byte[])[.. new byte[i % 3], 0, 0, 1, .. unit, .. new byte[i % 2]]).ToArray();
        Assert.That(NalUnits.TryMeasureAnnexB(stream, out var length));
        var converted = new byte[length];
        Assert.That(NalUnits.ConvertAnnexB(stream, converted), Is.EqualTo(length));
        Assert.That(converted, Is.EqualTo(Prefix(units, 4)));
    }).QuickCheckThrowOnFailure();

    [Test]
    public void Length_prefixes_of_any_size_become_four_bytes([Values(1, 2, 3, 4)] int size) => Prop.ForAll(Arb.From(Units), units =>
    {
        var source = Prefix(units, size);
        Assert.That(NalUnits.TryMeasureLengthPrefixed(source, size, out var length));
        var converted = new byte[length];
        Assert.That(NalUnits.ConvertLengthPrefixed(source, size, converted), Is.EqualTo(length));
        Assert.That(converted, Is.EqualTo(Prefix(units, 4)));
    }).QuickCheckThrowOnFailure();

    [Test]
    public void A_destination_that_is_too_short_is_refused() =>
        Assert.That(() => NalUnits.ConvertAnnexB([0, 0, 1, 0x65, 0x88], new byte[5]), Throws.ArgumentException);

    [Test]
    public void A_length_size_out_of_range_is_refused([Values(0, 5)] int size) =>
        Assert.That(() => NalUnits.TryMeasureLengthPrefixed([1, 2], size, out _), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void Keyframes_of_H264_are_IDR_pictures()
    {
        for (var type = 0; type < 32; type++)
        {
            byte[] unit = [0, 0, 0, 2, 9, 0x10, 0, 0, 0, 1, (byte)(0x60 | type)];
            Assert.That(NalUnits.IsH264Keyframe(unit), Is.EqualTo(type == 5), $"{type}");
        }
    }

    [TestCase("060601c480", true, TestName = "A recovery point")]
    [TestCase("460601c480", true, TestName = "A recovery point, whatever the reference flags are")]
    [TestCase("0605021122060140", true, TestName = "A recovery point behind another message")]
    [TestCase("060503000003010601c480", true, TestName = "A recovery point behind a message with emulation prevention")]
    [TestCase("0605021122 80", false, TestName = "Another message")]
    [TestCase("06050206 01c480", false, TestName = "What looks like one inside another message")]
    [TestCase("060600", false, TestName = "A recovery point without a body")]
    [TestCase("0606", false, TestName = "A message without its size")]
    [TestCase("06ff", false, TestName = "Half a type")]
    [TestCase("06", false, TestName = "No message")]
    [TestCase("650601c480", false, TestName = "No message but a picture")]
    public void A_recovery_point_is_found_among_supplements(string unit, bool isFound)
    {
        var bytes = Vectors.Hex(unit.Replace(" ", "", StringComparison.Ordinal));
        Assert.That(NalUnits.IsH264RecoveryPoint(bytes), Is.EqualTo(isFound));
        Assert.That(NalUnits.IsH264Keyframe(Prefix([bytes, [0x41, 0x88]], 4)), Is.EqualTo(isFound || bytes[0] == 0x65));
    }

    [Test]
    public void Keyframes_of_H265_are_random_access_points()
    {
        for (var type = 0; type < 64; type++)
        {
            byte[] unit = [0, 0, 0, 2, 0x46, 1, 0, 0, 0, 2, (byte)(type << 1), 1];
            Assert.That(NalUnits.IsH265Keyframe(unit), Is.EqualTo(type is >= 16 and <= 21), $"{type}");
        }
    }

    [Test]
    public void Emulation_prevention_bytes_are_taken_out()
    {
        var scratch = new byte[16];
        byte[] Remove(params byte[] unit) => NalUnits.RemoveEmulationPrevention(unit, scratch).ToArray();
        Assert.That(Remove(0, 0, 3, 1), Is.EqualTo(new byte[] { 0, 0, 1 }));
        Assert.That(Remove(0, 0, 3, 0, 0, 3, 0), Is.EqualTo(new byte[] { 0, 0, 0, 0, 0 }));
        Assert.That(Remove(0, 3, 0, 0, 3), Is.EqualTo(new byte[] { 0, 3, 0, 0 }));
        Assert.That(Remove(0, 0, 3, 3), Is.EqualTo(new byte[] { 0, 0, 3 }));
    }

    private static byte[] Prefix(byte[][] units, int size) =>
        [.. units.SelectMany(unit => BitConverter.GetBytes(unit.Length).Take(size).Reverse().Concat(unit))];

    private static byte[] WithoutStartCodes(List<byte> bytes)
    {
        for (var i = 2; i < bytes.Count; i++)
        {
            if (bytes[i - 2] == 0 && bytes[i - 1] == 0 && bytes[i] <= 2)
                bytes[i] = 0x7F;
        }

        return [.. bytes.Take(254), 0x80];
    }
}
