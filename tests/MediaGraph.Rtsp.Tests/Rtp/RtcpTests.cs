using System.Text;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>RFC 3550 §6. Rows: H4.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class RtcpTests
{
    private const string Block = "00000009 40FFFFFE 00010005 00000020 33445566 00018000";

    [Test]
    public void A_compound_is_read_packet_by_packet()
    {
        ReadOnlySpan<byte> compound = Vectors.Hex(
            "81C8000C 00000001 1122334455667788 99AABBCC 0000000A 00000FA0" + Block +
            "82CA0005 00000007 01016100 00000001 02026262 01016300" +
            "A1CB0002 00000001 00000004");
        Assert.That(RtcpPacket.TryRead(ref compound, out var packet));
        Assert.That(packet.TryReadSenderReport(out var sender));
        Assert.That(sender, Is.EqualTo(new SenderReport(1, 0x1122334455667788, 0x99AABBCC, 10, 4000)));
        Assert.That(packet.TryReadReport(0, out var report));
        Assert.That(report, Is.EqualTo(new ReceptionReport(9, 0x40, -2, 0x10005, 0x20, 0x33445566, 0x18000)));
        Assert.That(packet.TryReadReport(1, out _), Is.False);

        Assert.That(RtcpPacket.TryRead(ref compound, out packet));
        Assert.That(packet.TryReadCanonicalName(1, out var name));
        Assert.That(Encoding.UTF8.GetString(name), Is.EqualTo("c"));
        Assert.That(packet.TryReadCanonicalName(2, out _), Is.False);
        Assert.That(packet.TryReadSenderReport(out _), Is.False);

        Assert.That(RtcpPacket.TryRead(ref compound, out packet));
        Assert.That((packet.IsGoodbyeOf(1), packet.IsGoodbyeOf(4)), Is.EqualTo((true, false)), "the second word is padding");
        Assert.That(RtcpPacket.TryRead(ref compound, out _), Is.False);
    }

    [TestCase("")]
    [TestCase("80C90001 000000", TestName = "A packet that is cut")]
    [TestCase("80C9FFFF 00000001", TestName = "A packet of 256 KiB")]
    [TestCase("40C90001 00000001", TestName = "Another version")]
    [TestCase("80600001 00000001", TestName = "RTP")]
    [TestCase("A0C90001 000000FF", TestName = "More padding than packet")]
    public void H4_what_is_no_packet_is_refused(string bytes)
    {
        ReadOnlySpan<byte> compound = Vectors.Hex(bytes);
        Assert.That(RtcpPacket.TryRead(ref compound, out _), Is.False);
    }

    [TestCase("81C80001 00000001", TestName = "A sender report without its report")]
    [TestCase("9FC90001 00000001", TestName = "A receiver report without its blocks")]
    [TestCase("81CA0001 00000001", TestName = "A description without items")]
    [TestCase("81CA0002 00000001 01FF6161", TestName = "A name longer than its packet")]
    [TestCase("9FCB0000", TestName = "A goodbye of nobody")]
    public void H4_a_packet_that_promises_more_than_it_has_has_nothing(string bytes)
    {
        ReadOnlySpan<byte> compound = Vectors.Hex(bytes);
        Assert.That(RtcpPacket.TryRead(ref compound, out var packet));
        Assert.That(
            packet.TryReadSenderReport(out _) || packet.TryReadReport(0, out _) || packet.TryReadReport(-1, out _) ||
            packet.TryReadCanonicalName(1, out _) || packet.IsGoodbyeOf(1),
            Is.False);
    }

    [Test]
    public void A_sender_report_is_written_as_the_specification_draws_it()
    {
        var buffer = new byte[RtcpWriter.MaxLength];
        var length = RtcpWriter.Write(buffer, new SenderReport(1, 0x1122334455667788, 0x99AABBCC, 10, 4000), "abc", isLeaving: true);
        Assert.That(Convert.ToHexString(buffer.AsSpan(0, length)), Is.EqualTo(
            "80C80006000000011122334455667788" + "99AABBCC0000000A00000FA0" + "81CA000300000001" + "0103616263000000" +
            "81CB000100000001"));
    }

    [Test]
    public void A_receiver_report_is_written_as_the_specification_draws_it()
    {
        var buffer = new byte[RtcpWriter.MaxLength];
        var report = new ReceptionReport(9, 0x40, -2, 0x10005, 0x20, 0x33445566, 0x18000);
        var length = RtcpWriter.Write(buffer, 1, report, "ab");
        Assert.That(Convert.ToHexString(buffer.AsSpan(0, length)), Is.EqualTo(
            "81C9000700000001" + Block.Replace(" ", "", StringComparison.Ordinal) + "81CA000300000001" + "0102616200000000"));
        length = RtcpWriter.Write(buffer, 1, null, new string('x', RtcpWriter.MaxNameLength));
        ReadOnlySpan<byte> compound = buffer.AsSpan(0, length);
        Assert.That(RtcpPacket.TryRead(ref compound, out var packet) && !packet.TryReadReport(0, out _));
        Assert.That(RtcpPacket.TryRead(ref compound, out packet) && packet.TryReadCanonicalName(1, out var name) && name.Length == 255);
        Assert.That(() => RtcpWriter.Write(buffer, 1, null, new string('x', 256)), Throws.ArgumentException);
    }

    [Test]
    public void Ntp_counts_from_1900() =>
        Assert.That(NtpTime.Of(DateTimeOffset.UnixEpoch.AddSeconds(0.5)), Is.EqualTo((2_208_988_800UL << 32) | 0x80000000));

    [Test]
    public void Ntp_differences_survive_the_wrap_of_2036()
    {
        var before = NtpTime.Of(new DateTimeOffset(2036, 2, 7, 6, 28, 15, TimeSpan.Zero));
        var after = NtpTime.Of(new DateTimeOffset(2036, 2, 7, 6, 28, 17, TimeSpan.Zero));
        Assert.That(after, Is.LessThan(before));
        Assert.That(NtpTime.Difference(before, after, 90_000), Is.EqualTo(180_000));
        Assert.That(NtpTime.Difference(after, before, 44_100), Is.EqualTo(-88_200));
    }
}
