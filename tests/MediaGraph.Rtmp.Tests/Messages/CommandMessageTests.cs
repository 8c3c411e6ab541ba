using System.Buffers;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Messages;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class CommandMessageTests
{
    [Test]
    public void The_answer_to_createStream_is_a_number_behind_null() => Assert.That(
        Write(o => CommandMessage.WriteResult(o, 4, AmfValue.Null, 1.0)),
        Is.EqualTo("0200075F726573756C74" + "004010000000000000" + "05" + "003FF0000000000000"));

    [Test]
    public void A_status_is_level_code_and_description_on_transaction_0()
    {
        var values = Read(Write(o => CommandMessage.WriteOnStatus(o, CommandMessage.StatusLevel, "NetStream.Play.Start", "demo")));
        Assert.That(values, Is.EqualTo(new AmfValue[] { "onStatus", 0.0, AmfValue.Null, Information("status", "NetStream.Play.Start", "demo") }));
    }

    [Test]
    public void A_refusal_is_an_error_with_the_transaction_of_its_command()
    {
        var values = Read(Write(o => CommandMessage.WriteError(o, 7, "NetConnection.Call.Failed", "no")));
        Assert.That(values, Is.EqualTo(new AmfValue[] { "_error", 7.0, AmfValue.Null, Information("error", "NetConnection.Call.Failed", "no") }));
    }

    [Test]
    public void A_command_starts_with_its_name_and_transaction() => Assert.That(
        Write(o => CommandMessage.WriteStart(o, "play"u8, 0)), Is.EqualTo("020004706C6179" + "000000000000000000"));

    [TestCase(17, "00020001610" + "5", "0200016105")]
    [TestCase(17, "0200016105", "0200016105")]
    [TestCase(15, "00020001610" + "5", "0200016105")]
    [TestCase(16, "00", "")]
    [TestCase(17, "", "")]
    [TestCase(20, "003FF0000000000000", "003FF0000000000000")]
    [TestCase(18, "003FF0000000000000", "003FF0000000000000")]
    public void The_zero_byte_of_an_AMF3_envelope_is_no_value(int type, string hex, string expected)
    {
        var pool = new PacketPool();
        var buffer = pool.Rent(100);
        var payload = Convert.FromHexString(hex);
        payload.CopyTo(buffer.Span);
        var message = new RtmpMessage((RtmpMessageType)type, 0, 0, 3, buffer, payload.Length);
        Assert.That(Convert.ToHexString(message.AmfPayload), Is.EqualTo(expected));
        buffer.Release();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    private static AmfValue Information(string level, string code, string description) => new AmfObject(
        new AmfProperty("level", level), new AmfProperty("code", code), new AmfProperty("description", description));

    private static string Write(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Convert.ToHexString(output.WrittenSpan);
    }

    private static List<AmfValue> Read(string hex)
    {
        var reader = new Amf0Reader(Convert.FromHexString(hex));
        var values = new List<AmfValue>();
        while (!reader.IsAtEnd)
            values.Add(reader.ReadValue());
        return values;
    }
}
