using System.Buffers;
using MediaGraph.Rtmp.Amf;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Wire;

internal sealed class AmfReferenceTests
{
    [Test(Description = "The 7 in the length of \"connect\" is no reference")]
    public void Writing_and_skipping_a_connect_command_allocate_nothing()
    {
        var output = new ArrayBufferWriter<byte>(4096);
        Run(output);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Run(output);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        static void Run(ArrayBufferWriter<byte> output)
        {
            output.ResetWrittenCount();
            var writer = new Amf0Writer(output);
            writer.WriteString("connect");
            writer.WriteNumber(1);
            writer.WriteObjectStart();
            writer.WriteProperty("app"u8, "live");
            writer.WriteProperty("fpad"u8, false);
            writer.WriteObjectEnd();
            var reader = new Amf0Reader(output.WrittenSpan);
            reader.ReadUtf8String();
            reader.ReadNumber();
            reader.SkipValue();
        }
    }

    [Test]
    public void References_are_what_they_refer_to()
    {
        var reader = new Amf0Reader(Convert.FromHexString("0A0000000203" + "00016B003FF0000000000000" + "000009" + "070001" + "070001"));
        var value = reader.ReadValue();
        var inner = new AmfObject(new AmfProperty("k", 1.0));
        Assert.That(value, Is.EqualTo(AmfValue.StrictArray(inner, inner)));
        Assert.That(reader.ReadValue().AsObject, Is.SameAs(value.AsArray![0].AsObject));
    }

    [TestCase("070000", TestName = "A_reference_to_nothing_is_refused")]
    [TestCase("0A00000001070000", TestName = "A_reference_to_the_enclosing_array_is_refused")]
    [TestCase("0300016103000162070000000009000009", TestName = "A_reference_to_an_enclosing_object_is_refused")]
    public void A_reference_to_what_is_not_complete_is_refused(string hex) =>
        Assert.That(() => new Amf0Reader(Convert.FromHexString(hex)).ReadValue(), Throws.TypeOf<RtmpProtocolException>());
}
