using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Messages;

// Rows: M4, M6.

/// <summary>Aggregate messages byte for byte, from RTMP 1.0, section 7.1.6.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class AggregateReaderTests
{
    private const RtmpMessageType Audio = RtmpMessageType.Audio;
    private const RtmpMessageType Video = RtmpMessageType.Video;

    [Test]
    public void M4_Parts_are_moved_by_what_the_first_differs_from_the_aggregate() => Assert.That(
        Read("08 000002 000064 00 000000 AABB 0000000D" + "09 000001 00006E 00 000000 CC 0000000C", 1000),
        Is.EqualTo(new[] { (Audio, 1000u, "AABB"), (Video, 1010u, "CC") }));

    [Test]
    public void M4_Times_inside_may_go_back() => Assert.That(
        Read("08 000000 000064 00 000000 0000000B" + "09 000000 00005A 00 000000 0000000B", 0),
        Is.EqualTo(new[] { (Audio, 0u, ""), (Video, 0xFFFFFFF6u, "") }));

    [Test]
    public void M6_Times_inside_have_their_upper_byte_last_and_wrap() => Assert.That(
        Read("08 000000 FFFFFF FF 000000 0000000B" + "08 000000 000009 00 000000 0000000B", 0xFFFFFFFF),
        Is.EqualTo(new[] { (Audio, 0xFFFFFFFFu, ""), (Audio, 9u, "") }));

    [Test]
    public void M4_The_stream_ids_and_back_pointers_of_parts_are_nobody_s_business() => Assert.That(
        Read("08 000001 000000 00 112233 AA FFFFFFFF" + "12 000001 000000 00 445566 BB 00000000", 5),
        Is.EqualTo(new[] { (Audio, 5u, "AA"), (RtmpMessageType.DataAmf0, 5u, "BB") }));

    [Test]
    public void M4_The_last_back_pointer_may_be_missing_or_short([Values("", "00", "000000", "0000000C")] string last) => Assert.That(
        Read("08 000001 000000 00 000000 AA" + last, 5), Is.EqualTo(new[] { (Audio, 5u, "AA") }));

    [Test]
    public void M4_An_empty_aggregate_has_no_parts() => Assert.That(Read("", 5), Is.Empty);

    [TestCase("08", TestName = "H4_An_aggregate_that_ends_inside_a_header_is_refused")]
    [TestCase("08 000000 000000 00 0000", TestName = "H4_An_aggregate_that_ends_at_a_header_s_last_byte_is_refused")]
    [TestCase("08 000002 000000 00 000000 AA", TestName = "H4_An_aggregate_that_ends_inside_a_part_is_refused")]
    [TestCase("08 FFFFFF 000000 00 000000 AA", TestName = "H4_A_part_of_16_MiB_is_refused")]
    [TestCase("08 000000 000000 00 000000 0000000B 09", TestName = "H4_A_second_part_that_ends_is_refused")]
    [TestCase("16 000000 000000 00 000000 0000000B", TestName = "H4_An_aggregate_inside_an_aggregate_is_refused")]
    [TestCase("01 000004 000000 00 000000 00000001 0000000F", TestName = "H4_A_set_chunk_size_inside_an_aggregate_is_refused")]
    [TestCase("14 000000 000000 00 000000 0000000B", TestName = "H4_A_command_inside_an_aggregate_is_refused")]
    public void Malformed_aggregates(string hex) => Assert.That(() => Read(hex, 0), Throws.TypeOf<RtmpProtocolException>());

    private static List<(RtmpMessageType Type, uint Timestamp, string Payload)> Read(string hex, uint timestamp)
    {
        var payload = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        var reader = new AggregateReader(payload, timestamp);
        var parts = new List<(RtmpMessageType, uint, string)>();
        while (reader.TryRead(out var part))
            parts.Add((part.Type, part.Timestamp, Convert.ToHexString(payload, part.Offset, part.Length)));
        return parts;
    }
}
