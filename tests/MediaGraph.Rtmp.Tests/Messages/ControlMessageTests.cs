using System.Buffers;
using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Messages;

// Rows: H4, M5.

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class ControlMessageTests
{
    [Test]
    public void M5_Control_messages_are_one_chunk_on_chunk_stream_2()
    {
        Assert.That(Write(o => ControlMessage.WriteSetChunkSize(o, 4096)), Is.EqualTo("02000000000004010000000000001000"));
        Assert.That(Write(o => ControlMessage.WriteAbort(o, 4)), Is.EqualTo("02000000000004020000000000000004"));
        Assert.That(Write(o => ControlMessage.WriteAcknowledgement(o, 0xFFFFFFFF)), Is.EqualTo("020000000000040300000000FFFFFFFF"));
        Assert.That(Write(o => ControlMessage.WriteWindowAcknowledgementSize(o, 2_500_000)), Is.EqualTo("020000000000040500000000002625A0"));
        Assert.That(
            Write(o => ControlMessage.WriteSetPeerBandwidth(o, 2_500_000, PeerBandwidthLimit.Dynamic)),
            Is.EqualTo("020000000000050600000000002625A002"));
    }

    [Test]
    public void M5_User_control_messages_are_an_event_and_its_data()
    {
        Assert.That(Write(o => ControlMessage.WriteStreamBegin(o, 1)), Is.EqualTo("020000000000060400000000" + "000000000001"));
        Assert.That(Write(o => ControlMessage.WriteStreamEof(o, 1)), Is.EqualTo("020000000000060400000000" + "000100000001"));
        Assert.That(Write(o => ControlMessage.WriteStreamDry(o, 1)), Is.EqualTo("020000000000060400000000" + "000200000001"));
        Assert.That(Write(o => ControlMessage.WriteSetBufferLength(o, 1, 3000)), Is.EqualTo("0200000000000A0400000000" + "00030000000100000BB8"));
        Assert.That(Write(o => ControlMessage.WritePingRequest(o, 0x01020304)), Is.EqualTo("020000000000060400000000" + "000601020304"));
        Assert.That(Write(o => ControlMessage.WritePingResponse(o, 0x01020304)), Is.EqualTo("020000000000060400000000" + "000701020304"));
    }

    [Test]
    public void A_chunk_size_of_0_is_not_written() =>
        Assert.That(() => ControlMessage.WriteSetChunkSize(new ArrayBufferWriter<byte>(), 0), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [TestCase("000000000001", UserControlEvent.StreamBegin, 1u)]
    [TestCase("0001FFFFFFFF", UserControlEvent.StreamEof, 0xFFFFFFFFu)]
    [TestCase("00030000000100000BB8", UserControlEvent.SetBufferLength, 1u)]
    [TestCase("000601020304", UserControlEvent.PingRequest, 0x01020304u)]
    [TestCase("00070102030405", UserControlEvent.PingResponse, 0x01020304u)]
    public void M5_User_control_messages_are_read(string hex, object type, uint value) =>
        Assert.That(ControlMessage.ReadUserControl(Convert.FromHexString(hex)), Is.EqualTo(((UserControlEvent)type, value)));

    [TestCase("001A", 26)]
    [TestCase("001F0000", 31)]
    [TestCase("0020", 32)]
    [TestCase("FFFF", 0xFFFF)]
    public void M5_Events_that_nobody_knows_are_read_without_data(string hex, int type) =>
        Assert.That(ControlMessage.ReadUserControl(Convert.FromHexString(hex)), Is.EqualTo(((UserControlEvent)type, 0u)));

    [TestCase("")]
    [TestCase("00")]
    [TestCase("0000")]
    [TestCase("0006010203")]
    public void H4_A_short_user_control_message_is_refused(string hex) =>
        Assert.That(() => ControlMessage.ReadUserControl(Convert.FromHexString(hex)), Throws.TypeOf<RtmpProtocolException>());

    [TestCase("")]
    [TestCase("010203")]
    public void H4_A_short_control_message_is_refused(string hex) =>
        Assert.That(() => ControlMessage.ReadUInt32(Convert.FromHexString(hex)), Throws.TypeOf<RtmpProtocolException>());

    [Test]
    public void A_longer_control_message_is_read_by_its_start() =>
        Assert.That(ControlMessage.ReadUInt32(Convert.FromHexString("002625A002")), Is.EqualTo(2_500_000));

    private static string Write(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Convert.ToHexString(output.WrittenSpan);
    }
}
