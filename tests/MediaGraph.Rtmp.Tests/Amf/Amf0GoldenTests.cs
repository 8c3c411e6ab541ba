using System.Buffers;
using MediaGraph.Rtmp.Amf;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Amf;

// Rows: M4.

/// <summary>AMF0 byte for byte, from the specification's section 2.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class Amf0GoldenTests
{
    private static readonly (string Name, string Hex, AmfValue Value)[] Both =
    [
        ("number", "003FF8000000000000", 1.5),
        ("negative zero", "008000000000000000", -0.0),
        ("not a number", "00FFF8000000000000", double.NaN),
        ("infinity", "007FF0000000000000", double.PositiveInfinity),
        ("true", "0101", true),
        ("false", "0100", false),
        ("empty string", "020000", ""),
        ("string", "020003666F6F", "foo"),
        ("string of two-byte characters", "020004C3A4C3B6", "äö"),
        ("string of four-byte characters", "020004F09F8EA5", "\U0001F3A5"),
        ("empty object", "03000009", new AmfObject()),
        ("object", "030001610101000009", new AmfObject(new AmfProperty("a", true))),
        ("object with an empty name", "0300000101000009", new AmfObject(new AmfProperty("", true))),
        ("null", "05", AmfValue.Null),
        ("undefined", "06", AmfValue.Undefined),
        ("ECMA array", "08000000010001610101000009", AmfObject.EcmaArray(new AmfProperty("a", true))),
        ("empty ECMA array", "0800000000000009", AmfObject.EcmaArray()),
        ("strict array", "0A000000020506", AmfValue.StrictArray(AmfValue.Null, AmfValue.Undefined)),
        ("empty strict array", "0A00000000", AmfValue.StrictArray()),
        ("date", "0B42D6444D49AF00000000", AmfValue.Date(BitConverter.Int64BitsToDouble(0x42D6444D49AF0000))),
        ("unsupported", "0D", AmfValue.Unsupported),
        ("XML document", "0F000000043C612F3E", AmfValue.XmlDocument("<a/>")),
        ("typed object", "10000143000161050000" + "09", AmfObject.Typed("C", new AmfProperty("a", AmfValue.Null))),
        ("nested", "03000161" + "0A00000001" + "08000000010001620500000900" + "0009",
            new AmfObject(new AmfProperty("a", AmfValue.StrictArray(AmfObject.EcmaArray(new AmfProperty("b", AmfValue.Null)))))),
    ];

    private static IEnumerable<TestCaseData> Values() => Both.Select(v => new TestCaseData(v.Hex, v.Value).SetArgDisplayNames(v.Name));

    [TestCaseSource(nameof(Values))]
    public void Every_type_reads_from_the_bytes_of_the_specification(string hex, object value)
    {
        var reader = Reader(hex);
        Assert.That(reader.ReadValue(), Is.EqualTo((AmfValue)value));
        Assert.That(reader.IsAtEnd);
        Assert.That(reader.Position, Is.EqualTo(hex.Length / 2));
    }

    [TestCaseSource(nameof(Values))]
    public void Every_type_is_written_as_the_bytes_of_the_specification(string hex, object value) =>
        Assert.That(Write((AmfValue)value), Is.EqualTo(hex));

    [TestCaseSource(nameof(Values))]
    public void Skipping_reads_the_same_bytes_as_reading(string hex, object value)
    {
        var reader = Reader(hex + "05");
        reader.SkipValue();
        Assert.That(reader.Position, Is.EqualTo(hex.Length / 2), $"{value}");
        Assert.That(reader.PeekMarker(), Is.EqualTo(AmfMarker.Null));
    }

    [TestCaseSource(nameof(Values))]
    public void M4_A_value_that_ends_too_early_is_refused_at_every_byte(string hex, object value)
    {
        var bytes = Convert.FromHexString(hex);
        for (var length = 0; length < bytes.Length; length++)
        {
            var part = bytes[..length];
            Assert.That(() => new Amf0Reader(part).ReadValue(), Throws.TypeOf<RtmpProtocolException>(), $"{value}, {length} bytes");
            Assert.That(() => Skip(part), Throws.TypeOf<RtmpProtocolException>(), $"{value}, {length} bytes");
        }
    }

    [Test]
    public void A_long_string_is_written_only_above_65535_bytes([Values(21_845, 21_846, 65_534, 65_535, 65_536)] int length)
    {
        var text = new string('x', length);
        var expected = (length > 65_535 ? $"0C{length:X8}" : $"02{length:X4}") + string.Concat(Enumerable.Repeat("78", length));
        Assert.That(Write(text), Is.EqualTo(expected));
        var output = new ArrayBufferWriter<byte>();
        new Amf0Writer(output).WriteString(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.That(Convert.ToHexString(output.WrittenSpan), Is.EqualTo(expected), "as UTF-8");
        Assert.That(Reader(expected).ReadString(), Is.EqualTo(text));
    }

    [Test]
    public void The_length_of_a_string_counts_bytes_not_characters()
    {
        var text = new string('\u4E2D', 21_846); // 65,538 bytes
        Assert.That(Write(text), Does.StartWith("0C00010002E4B8AD"));
    }

    [TestCase("0C00000003666F6F", TestName = "A_short_string_in_the_long_form_is_read")]
    [TestCase("020003666F6F", TestName = "A_short_string_in_the_short_form_is_read")]
    public void Both_string_forms_are_read(string hex)
    {
        var reader = Reader(hex);
        Assert.That(reader.TryReadString(out var text) && text == "foo");
        Assert.That(Reader(hex).ReadValue().AsString, Is.EqualTo("foo"));
    }

    [Test]
    public void Bytes_that_are_no_UTF8_are_replaced_not_refused() =>
        Assert.That(Reader("020003" + "61FF62").ReadString(), Is.EqualTo("a\uFFFDb"));

    [Test]
    public void Any_byte_but_zero_is_true() => Assert.That(Reader("01FF").ReadBoolean());

    [Test]
    public void A_time_zone_is_ignored() => Assert.That(Reader("0B0000000000000000FFC4").ReadValue().AsDate, Is.Zero);

    [TestCase("080000000005000009", TestName = "An_ECMA_array_with_the_wrong_null_name_is_refused", ExpectedResult = false)]
    [TestCase("08FFFFFFFF000161050000" + "09", TestName = "An_ECMA_array_count_is_only_a_hint", ExpectedResult = true)]
    [TestCase("0800000000000161050000" + "09", TestName = "An_ECMA_array_with_the_count_0_has_properties", ExpectedResult = true)]
    public bool Ecma_arrays(string hex)
    {
        try
        {
            return Reader(hex).ReadValue().AsObject!["a"] == AmfValue.Null;
        }
        catch (RtmpProtocolException)
        {
            return false;
        }
    }

    [Test]
    public void Of_two_properties_with_one_name_the_last_counts() =>
        Assert.That(Reader("03" + "0001610100" + "0001610101" + "000009").ReadValue().AsObject!["a"], Is.EqualTo((AmfValue)true));

    [Test]
    public void Reserved_and_unknown_markers_are_refused([Values("04", "09", "0E", "12", "7F", "FF")] string hex)
    {
        Assert.That(() => Reader(hex + "0000000000").ReadValue(), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(() => Reader("0A00000001" + hex + "0000000000").ReadValue(), Throws.TypeOf<RtmpProtocolException>());
    }

    [Test]
    public void A_value_of_another_type_is_refused_and_a_try_reads_nothing()
    {
        Assert.That(() => Reader("05").ReadNumber(), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(() => Reader("05").ReadString(), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(() => Reader("05").ReadBoolean(), Throws.TypeOf<RtmpProtocolException>());
        var reader = Reader("05");
        Assert.That(reader.TryReadNumber(out _) | reader.TryReadString(out _) | reader.TryReadBoolean(out _), Is.False);
        Assert.That(reader.Position, Is.Zero);
        var end = Reader("");
        Assert.That(end.TryReadNumber(out _) | end.TryReadString(out _) | end.TryReadBoolean(out _), Is.False);
        Assert.That(end.PeekMarker(), Is.Null);
    }

    [Test]
    public void A_connect_command_reads_in_order()
    {
        var reader = Reader("020007636F6E6E656374" + "003FF0000000000000" + "03" + "000361707002" + "00046C697665" + "000009");
        Assert.That(reader.ReadUtf8String().SequenceEqual("connect"u8));
        Assert.That(reader.ReadNumber(), Is.EqualTo(1));
        Assert.That(reader.ReadValue().AsObject!["app"].AsString, Is.EqualTo("live"));
        Assert.That(reader.IsAtEnd);
    }

    [TestCase("1100", AmfType.Undefined, null)]
    [TestCase("1101", AmfType.Null, null)]
    [TestCase("1102", AmfType.Boolean, "false")]
    [TestCase("1103", AmfType.Boolean, "true")]
    [TestCase("110400", AmfType.Number, "0")]
    [TestCase("11047F", AmfType.Number, "127")]
    [TestCase("11048100", AmfType.Number, "128")]
    [TestCase("1104FFFFFFFF", AmfType.Number, "-1")]
    [TestCase("1104BFFFFFFF", AmfType.Number, "268435455")]
    [TestCase("1104C0808000", AmfType.Number, "-268435456")]
    [TestCase("11053FF8000000000000", AmfType.Number, "1.5")]
    [TestCase("110607666F6F", AmfType.String, "foo")]
    [TestCase("110601", AmfType.String, "")]
    public void AMF3_scalars_behind_the_AVM_marker_are_read(string hex, AmfType type, string? text)
    {
        var reader = Reader(hex);
        var value = reader.ReadValue();
        Assert.That(value.Type, Is.EqualTo(type));
        if (text is not null)
            Assert.That(value.ToString(), Is.EqualTo(text));
        Assert.That(reader.IsAtEnd);
        var skipped = Reader(hex);
        skipped.SkipValue();
        Assert.That(skipped.IsAtEnd);
    }

    [TestCase("110600", TestName = "An_AMF3_string_reference_is_refused")]
    [TestCase("1106FFFFFFFF", TestName = "An_AMF3_string_of_256_MiB_is_refused")]
    [TestCase("110A0B01", TestName = "An_AMF3_object_is_refused")]
    [TestCase("110901", TestName = "An_AMF3_array_is_refused")]
    [TestCase("1104FF", TestName = "An_AMF3_integer_that_ends_is_refused")]
    public void What_AMF3_needs_tables_for_is_refused(string hex) =>
        Assert.That(() => Reader(hex).ReadValue(), Throws.TypeOf<RtmpProtocolException>());

    private static Amf0Reader Reader(string hex) => new(Convert.FromHexString(hex));

    private static void Skip(byte[] bytes) => new Amf0Reader(bytes).SkipValue();

    private static string Write(AmfValue value)
    {
        var output = new ArrayBufferWriter<byte>();
        new Amf0Writer(output).WriteValue(value);
        return Convert.ToHexString(output.WrittenSpan);
    }
}
