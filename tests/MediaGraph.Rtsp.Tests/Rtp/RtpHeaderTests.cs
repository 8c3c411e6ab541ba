using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>RFC 3550 §5.1. Rows: H4.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class RtpHeaderTests
{
    private const string Fixed = "E0 1234 89ABCDEF 01020304"; // marker, type 96

    [TestCase("80" + Fixed + "AABB", "AABB")]
    [TestCase("80" + Fixed, "")]
    [TestCase("82" + Fixed + "11111111 22222222 AABB", "AABB", TestName = "Two contributing sources")]
    [TestCase("90" + Fixed + "BEDE 0001 10AA0000 AABB", "AABB", TestName = "An extension of one word")]
    [TestCase("90" + Fixed + "ABAC 0000 AABB", "AABB", TestName = "An empty extension")]
    [TestCase("91" + Fixed + "11111111 BEDE 0002 0000000000000000 AA", "AA", TestName = "A source and an extension")]
    [TestCase("A0" + Fixed + "AABB 000003", "AABB", TestName = "Padding of three bytes")]
    [TestCase("A0" + Fixed + "01", "", TestName = "Nothing but padding")]
    [TestCase("B1" + Fixed + "11111111 BEDE 0001 00000000 AA 0002", "AA", TestName = "All together")]
    public void A_payload_is_found_behind_whatever_precedes_it(string packet, string payload)
    {
        Assert.That(RtpHeader.TryParse(Vectors.Hex(packet), out var header, out var found));
        Assert.That(header, Is.EqualTo(new RtpHeader(96, true, 0x1234, 0x89ABCDEF, 0x01020304)));
        Assert.That(Convert.ToHexString(found), Is.EqualTo(payload));
    }

    [TestCase("", TestName = "Nothing")]
    [TestCase("80E0123489ABCDEF010203", TestName = "A cut header")]
    [TestCase("40" + Fixed, TestName = "Version 1")]
    [TestCase("81" + Fixed + "111111", TestName = "A source that is cut")]
    [TestCase("8F" + Fixed + "11111111", TestName = "Fifteen sources that are not there")]
    [TestCase("90" + Fixed + "BEDE", TestName = "An extension that is cut in its head")]
    [TestCase("90" + Fixed + "BEDE 0001 0000", TestName = "An extension that is cut")]
    [TestCase("90" + Fixed + "BEDE FFFF 0000", TestName = "An extension of 256 KiB")]
    [TestCase("A0" + Fixed + "AA00", TestName = "Padding of no bytes")]
    [TestCase("A0" + Fixed + "AA03", TestName = "Padding longer than the payload")]
    [TestCase("A0" + Fixed, TestName = "Padding in a packet without payload")]
    public void H4_a_malformed_packet_is_refused(string packet) =>
        Assert.That(RtpHeader.TryParse(Vectors.Hex(packet), out _, out _), Is.False);

    [Test]
    public void What_is_written_is_read() => Prop.ForAll(
        Gen.Choose(0, 127).Zip(Gen.Choose(0, 65_535)).Zip(Gen.Choose(int.MinValue, int.MaxValue)).ToArbitrary(), c =>
        {
            var header = new RtpHeader((byte)c.Item1.Item1, c.Item2 % 2 == 0, (ushort)c.Item1.Item2, (uint)c.Item2, ~(uint)c.Item2);
            var packet = new byte[RtpHeader.Length + 3];
            header.Write(packet);
            return RtpHeader.TryParse(packet, out var read, out var payload) && read == header && payload.Length == 3;
        }).QuickCheckThrowOnFailure();
}
