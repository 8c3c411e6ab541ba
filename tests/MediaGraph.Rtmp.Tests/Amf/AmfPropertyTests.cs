using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Rtmp.Amf;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Amf;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class AmfPropertyTests
{
    // Any characters but halves of pairs, which have no UTF-8.
    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.Choose(1, 0xD7FF).Select(c => (char)c).ArrayOf().Select(c => new string(c)),
        Gen.Elements("", "connect", "\0", "\U0001F3A5", new string('x', 65_535), new string('\u00E4', 32_768)));

    private static readonly Gen<AmfValue> Scalars = Gen.OneOf(
        Gen.Choose(int.MinValue, int.MaxValue).Two().Select(t => (AmfValue)BitConverter.Int64BitsToDouble(((long)t.Item1 << 32) | (uint)t.Item2)),
        Gen.Elements<AmfValue>(0.0, -0.0, double.NaN, double.Epsilon, double.NegativeInfinity, true, false, AmfValue.Null, AmfValue.Undefined, AmfValue.Unsupported),
        Text.Select(t => (AmfValue)t),
        Gen.Choose(0, int.MaxValue).Select(t => AmfValue.Date(t * 1000.0)),
        Text.Select(AmfValue.XmlDocument));

    [Test]
    public void Any_value_tree_within_the_budget_survives_writing_and_reading()
    {
        Prop.ForAll(Tree(4).ArrayOf(3).ToArbitrary(), values =>
        {
            var output = new ArrayBufferWriter<byte>();
            var writer = new Amf0Writer(output);
            foreach (var value in values)
                writer.WriteValue(value);
            if (output.WrittenCount > 256 << 10)
                return; // no message is so long

            var reader = new Amf0Reader(output.WrittenSpan);
            var skipping = new Amf0Reader(output.WrittenSpan);
            foreach (var value in values)
            {
                Assert.That(reader.ReadValue(), Is.EqualTo(value));
                skipping.SkipValue();
                Assert.That(skipping.Position, Is.EqualTo(reader.Position));
            }

            Assert.That(reader.IsAtEnd);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    private static Gen<AmfValue> Tree(int depth)
    {
        if (depth == 0)
            return Scalars;
        var properties =
            (from name in Gen.OneOf(Gen.Elements("", "a", "app", "tcUrl"), Text.Where(t => t.Length < 100))
             from value in Tree(depth - 1)
             select new AmfProperty(name, value)).ListOf().Select(l => l.Take(5).ToArray());
        return Gen.OneOf(
            Scalars,
            properties.Select(p => (AmfValue)new AmfObject(p)),
            properties.Select(p => (AmfValue)AmfObject.EcmaArray(p)),
            properties.Select(p => (AmfValue)AmfObject.Typed("flex.Thing", p)),
            Tree(depth - 1).ListOf().Select(l => AmfValue.StrictArray([.. l.Take(5)])));
    }
}
