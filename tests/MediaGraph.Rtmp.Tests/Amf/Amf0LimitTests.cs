using System.Buffers;
using MediaGraph.Rtmp.Amf;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Amf;

/// <summary>H4, H5: what a message may make the AMF0 reader do.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class Amf0LimitTests
{
    [Test]
    public void H4_16_containers_inside_each_other_are_read_and_17_are_not([Values("03000161", "0A00000001", "0800000001000161", "10000143000161")] string open)
    {
        var close = open.StartsWith("0A", StringComparison.Ordinal) ? "" : "000009";
        Assert.That(Depth(Parse(Nest(16)).Value), Is.EqualTo(16));
        Assert.That(() => Parse(Nest(17)), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(() => Skip(Nest(17)), Throws.TypeOf<RtmpProtocolException>());
        Skip(Nest(16));

        byte[] Nest(int depth) => Convert.FromHexString(
            string.Concat(Enumerable.Repeat(open, depth)) + "05" + string.Concat(Enumerable.Repeat(close, depth)));
    }

    [Test]
    public void H4_A_megabyte_of_nested_objects_is_refused_without_recursion()
    {
        var bytes = Enumerable.Repeat(new byte[] { 3, 0, 1, 0x61 }, 1 << 18).SelectMany(b => b).ToArray();
        Assert.That(() => Parse(bytes), Throws.TypeOf<RtmpProtocolException>().With.Message.Contains("deeper"));
        Assert.That(() => Skip(bytes), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(AllocatedBy(() => Assert.Catch(() => Parse(bytes))), Is.LessThan(64 << 10));
    }

    [Test]
    public void H4_A_strict_array_of_17_bytes_with_a_huge_count_allocates_nothing_for_it([Values(0xFFFFFFFFu, 0x7FFFFFFFu, 4096u, 13u)] uint count)
    {
        var bytes = Convert.FromHexString($"0A{count:X8}" + "050505050505050505050505");
        Assert.That(bytes, Has.Length.EqualTo(17));
        Assert.That(() => Parse(bytes), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(() => Skip(bytes), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(AllocatedBy(() => Assert.Catch(() => Parse(bytes))), Is.LessThan(64 << 10));
    }

    [Test]
    public void H4_4096_values_are_read_and_4097_are_not()
    {
        var most = new byte[5 + 4095];
        most.AsSpan().Fill(5);
        (most[0], most[1], most[2], most[3], most[4]) = (0x0A, 0, 0, 0x0F, 0xFF);
        Assert.That(Parse(most).Value.AsArray, Has.Count.EqualTo(4095));

        var more = most.Append((byte)5).ToArray();
        (more[3], more[4]) = (0x10, 0x00);
        Assert.That(() => Parse(more), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(() => ReadAll(more.AsSpan(5)), Throws.Nothing, "4,096 values in a row");
        Assert.That(() => ReadAll(new byte[] { 5 }.Concat(more[5..]).ToArray()), Throws.TypeOf<RtmpProtocolException>());
    }

    [Test]
    public void H4_A_string_of_64_KiB_is_read_and_a_longer_one_is_not([Values("0C", "0F", "11")] string marker)
    {
        Assert.That(Parse(Text(65_536)).Value.Type, Is.AnyOf(AmfType.String, AmfType.XmlDocument));
        Assert.That(() => Parse(Text(65_537)), Throws.TypeOf<RtmpProtocolException>());
        Assert.That(() => Skip(Text(65_537)), Throws.TypeOf<RtmpProtocolException>());

        byte[] Text(int length)
        {
            // U29: 7, 7, 7 and 8 bits; the lowest bit says that it is no reference.
            var u29 = (length << 1) | 1;
            var amf3 = $"1106{0x80 | (u29 >> 14):X2}{0x80 | ((u29 >> 7) & 0x7F):X2}{u29 & 0x7F:X2}";
            return [.. Convert.FromHexString(marker == "11" ? amf3 : $"{marker}{length:X8}"), .. new byte[length]];
        }
    }

    [Test]
    public void H4_A_length_that_is_negative_as_a_signed_number_is_refused([Values("0CFFFFFFFF", "0C80000000", "0FFFFFFFFF", "0AFFFFFFFF")] string hex) =>
        Assert.That(() => Parse(Convert.FromHexString(hex + "0000")), Throws.TypeOf<RtmpProtocolException>());

    [Test]
    public void H4_References_that_double_a_value_each_time_are_refused()
    {
        // [ [null, null], [ref 1, ref 1], [ref 2, ref 2] … ]: 2^n values.
        var hex = "0A00000010" + "0A000000020505" + string.Concat(Enumerable.Range(1, 15).Select(i => $"0A0000000207{i:X4}07{i:X4}"));
        Assert.That(() => Parse(Convert.FromHexString(hex)), Throws.TypeOf<RtmpProtocolException>());
    }

    [Test]
    public void H4_References_that_nest_deeper_than_16_are_refused()
    {
        var hex = "0A00000020" + "0A0000000105" + string.Concat(Enumerable.Range(1, 31).Select(i => $"0A0000000107{i:X4}"));
        Assert.That(() => Parse(Convert.FromHexString(hex)), Throws.TypeOf<RtmpProtocolException>().With.Message.Contains("deeper"));
    }

    [Test]
    public void H4_References_that_repeat_a_long_string_are_refused()
    {
        var text = new byte[60_000];
        var bytes = Convert.FromHexString("0A00000010" + "0A000000010C0000EA60").Concat(text)
            .Concat(Convert.FromHexString(string.Concat(Enumerable.Repeat("070001", 15)))).ToArray();
        Assert.That(() => Parse(bytes), Throws.TypeOf<RtmpProtocolException>().With.Message.Contains("repeat"));
    }

    [TestCase("070000", TestName = "H4_A_reference_to_nothing_is_refused")]
    [TestCase("0A00000001070000", TestName = "H4_A_cyclic_reference_of_an_array_is_refused")]
    [TestCase("030001610700000000" + "09", TestName = "H4_A_cyclic_reference_of_an_object_is_refused")]
    [TestCase("0800000000000161070000" + "000009", TestName = "H4_A_cyclic_reference_of_an_ECMA_array_is_refused")]
    [TestCase("100001430001610700000000" + "09", TestName = "H4_A_cyclic_reference_of_a_typed_object_is_refused")]
    [TestCase("0A000000020A00000001070000" + "05", TestName = "H4_A_cyclic_reference_over_two_levels_is_refused")]
    [TestCase("0A0000000207000105", TestName = "H4_A_reference_to_a_later_value_is_refused")]
    [TestCase("0A000000010507FFFF", TestName = "H4_A_reference_beyond_the_table_is_refused")]
    public void Bad_references(string hex) =>
        Assert.That(() => ReadAll(Convert.FromHexString(hex)), Throws.TypeOf<RtmpProtocolException>());

    [Test]
    public void A_reference_to_a_value_of_the_same_message_is_read_after_it()
    {
        var reader = new Amf0Reader(Convert.FromHexString("10000143000161050000" + "09" + "070000"));
        var first = reader.ReadValue();
        Assert.That(first.Type, Is.EqualTo(AmfType.TypedObject));
        Assert.That(reader.ReadValue().AsObject, Is.SameAs(first.AsObject));
        var output = new ArrayBufferWriter<byte>();
        new Amf0Writer(output).WriteReference(0x1234);
        Assert.That(Convert.ToHexString(output.WrittenSpan), Is.EqualTo("071234"));
    }

    [Test]
    public void What_nests_too_deep_is_not_written()
    {
        AmfValue value = AmfValue.Null;
        for (var i = 0; i < 17; i++)
            value = AmfValue.StrictArray(value);
        Assert.That(() => new Amf0Writer(new ArrayBufferWriter<byte>()).WriteValue(value), Throws.ArgumentException);
        Assert.That(
            () => new Amf0Writer(new ArrayBufferWriter<byte>()).WriteValue(new AmfObject(new AmfProperty(new string('x', 65_536), 1.0))),
            Throws.ArgumentException);
    }

    [Test]
    public void H5_Objects_with_nothing_in_them_stay_within_the_memory_budget()
    {
        // The worst of a container: 4 bytes of wire for an object and an array's element.
        var bytes = Convert.FromHexString("0A00000FFF" + string.Concat(Enumerable.Repeat("03000009", 4095)));
        var limit = (4 * bytes.Length) + (64 << 10);
        Assert.That(AllocatedBy(() => Parse(bytes, quiet: true)), Is.LessThan(limit));
    }

    private static long AllocatedBy(Action action)
    {
        action(); // pools and code are warm
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static (AmfValue Value, int Position) Parse(byte[] bytes, bool quiet = false)
    {
        var reader = new Amf0Reader(bytes);
        try
        {
            return (reader.ReadValue(), reader.Position);
        }
        catch (RtmpProtocolException) when (quiet)
        {
            return default;
        }
    }

    private static void Skip(byte[] bytes) => new Amf0Reader(bytes).SkipValue();

    private static void ReadAll(ReadOnlySpan<byte> bytes)
    {
        var reader = new Amf0Reader(bytes);
        while (!reader.IsAtEnd)
            reader.ReadValue();
    }

    private static int Depth(AmfValue value) =>
        value.AsArray is { } array ? 1 + array.Max(Depth)
        : value.AsObject is { } properties ? 1 + properties.Properties.Max(p => Depth(p.Value))
        : 0;
}
