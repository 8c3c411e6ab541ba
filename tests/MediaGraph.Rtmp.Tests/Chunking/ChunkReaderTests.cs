using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Chunking;

// Rows: J3, M4, M5, M6.

/// <summary>Chunks byte for byte, from RTMP 1.0, section 5.3.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class ChunkReaderTests
{
    private const RtmpMessageType Audio = RtmpMessageType.Audio;
    private const RtmpMessageType Video = RtmpMessageType.Video;

    [Test]
    public void M4_A_type_0_header_says_all() => Assert.That(
        Wire.Read("04 0003E8 000003 08 01000000 AABBCC"), Is.EqualTo(new[] { new Message(Audio, 1000, 1, 4, "AABBCC") }));

    [Test]
    public void M4_A_message_stream_id_is_little_endian() => Assert.That(
        Wire.Read("04 000000 000001 09 04030201 AA").Single().StreamId, Is.EqualTo(0x01020304));

    [Test]
    public void M4_The_specification_s_example_1_of_audio_messages_is_read()
    {
        // Section 5.3.2.1: 32 bytes each, at 1000, 1020, 1040 and 1060, by types 0, 2, 3 and 3.
        var payload = new string('A', 64);
        var messages = Wire.Read($"03 0003E8 000020 08 39300000 {payload}" + $"83 000014 {payload}" + $"C3 {payload}" + $"C3 {payload}");
        Assert.That(messages.Select(m => m.Timestamp), Is.EqualTo(new uint[] { 1000u, 1020, 1040, 1060 }));
        Assert.That(messages, Has.All.Matches<Message>(m => m is { StreamId: 12345, Type: Audio, ChunkStreamId: 3 } && m.Payload == payload));
    }

    [Test]
    public void M4_The_specification_s_example_2_of_a_video_in_three_chunks_is_read()
    {
        // Section 5.3.2.2: 307 bytes in chunks of 128, 128 and 51.
        var bytes = Enumerable.Range(0, 307).Select(i => (byte)i).ToArray();
        var hex = "04 0003E8 000133 09 3A300000" + Convert.ToHexString(bytes, 0, 128) + "C4" + Convert.ToHexString(bytes, 128, 128)
            + "C4" + Convert.ToHexString(bytes, 256, 51);
        Assert.That(Wire.Read(hex), Is.EqualTo(new[] { new Message(Video, 1000, 12346, 4, Convert.ToHexString(bytes)) }));
    }

    [Test]
    public void M4_A_type_1_header_keeps_the_message_stream_and_adds_its_delta() => Assert.That(
        Wire.Read("04 000064 000001 08 05000000 AA" + "44 00000A 000002 09 BBCC").Last(),
        Is.EqualTo(new Message(Video, 110, 5, 4, "BBCC")));

    [Test]
    public void M4_A_type_2_header_keeps_the_length_and_the_type() => Assert.That(
        Wire.Read("04 000064 000001 08 05000000 AA" + "84 00000A BB").Last(), Is.EqualTo(new Message(Audio, 110, 5, 4, "BB")));

    [Test]
    public void M4_A_type_3_chunk_that_starts_a_message_adds_the_last_delta() => Assert.That(
        Wire.Read("04 000064 000001 08 05000000 AA" + "44 00000A 000001 08 BB" + "C4 CC" + "C4 DD").Select(m => m.Timestamp),
        Is.EqualTo(new uint[] { 100u, 110, 120, 130 }));

    [Test]
    public void M4_A_type_3_chunk_after_type_0_adds_its_timestamp() => Assert.That(
        Wire.Read("04 000064 000001 08 05000000 AA" + "C4 BB").Select(m => m.Timestamp), Is.EqualTo(new uint[] { 100u, 200 }));

    [Test]
    public void M4_A_type_3_chunk_inside_a_message_adds_nothing()
    {
        var chunk = new string('A', 256);
        var messages = Wire.Read($"04 000064 000081 08 05000000 {chunk} C4 AA" + $"84 00000A {chunk} C4 AA" + $"C4 {chunk} C4 AA");
        Assert.That(messages.Select(m => m.Timestamp), Is.EqualTo(new uint[] { 100u, 110, 120 }));
    }

    [TestCase("02", 2)]
    [TestCase("3F", 63)]
    [TestCase("0000", 64)]
    [TestCase("00FF", 319)]
    [TestCase("010000", 64)]
    [TestCase("010001", 320)]
    [TestCase("01FFFF", 65_599)]
    [TestCase("010100", 65)]
    public void M4_Chunk_stream_ids_have_1_2_or_3_bytes(string basicHeader, int id)
    {
        var messages = Wire.Read(basicHeader + "000000 000001 08 01000000 AA" + WithFormat3(basicHeader) + "BB");
        Assert.That(messages.Select(m => (m.ChunkStreamId, m.Payload)), Is.EqualTo(new[] { (id, "AA"), (id, "BB") }));

        static string WithFormat3(string hex) => $"{Convert.ToByte(hex[..2], 16) | 0xC0:X2}{hex[2..]}";
    }

    [Test]
    public void M4_One_chunk_stream_by_two_forms_of_its_id_is_one() => Assert.That(
        Wire.Read("0001 000064 000001 08 01000000 AA" + "C10100 BB").Last(), Is.EqualTo(new Message(Audio, 200, 1, 65, "BB")));

    [Test]
    public void M4_Interleaved_messages_are_put_together_by_chunk_stream()
    {
        var (a, b) = (new string('A', 256), new string('B', 256));
        var messages = Wire.Read($"04 000000 000081 08 01000000 {a}" + $"06 000000 000082 09 01000000 {b}" + "C4 01" + "C6 0203");
        Assert.That(messages.Select(m => m.Payload), Is.EqualTo(new[] { a + "01", b + "0203" }));
    }

    [Test]
    public void M4_A_control_message_may_come_between_the_chunks_of_another()
    {
        var half = new string('A', 256);
        var messages = Wire.Read($"04 000000 000082 08 01000000 {half}" + "02 000000 000004 05 00000000 00002710" + "C4 0102");
        Assert.That(messages.Select(m => m.Type), Is.EqualTo(new[] { RtmpMessageType.WindowAcknowledgementSize, Audio }));
        Assert.That(messages[1].Payload, Is.EqualTo(half + "0102"));
    }

    [Test]
    public void M6_An_extended_timestamp_is_read_in_each_type_of_header()
    {
        var messages = Wire.Read(
            "04 FFFFFF 000001 08 01000000 01000000 AA" + "44 FFFFFF 000001 08 01000001 BB" + "84 FFFFFF 01000002 CC" + "C4 01000002 DD");
        Assert.That(messages.Select(m => m.Timestamp), Is.EqualTo(new uint[] { 0x01000000u, 0x02000001, 0x03000003, 0x04000005 }));
        Assert.That(string.Concat(messages.Select(m => m.Payload)), Is.EqualTo("AABBCCDD"));
    }

    [Test]
    public void M6_An_extended_timestamp_below_the_limit_is_read_too() => Assert.That(
        Wire.Read("04 FFFFFF 000001 08 01000000 00FFFFFF AA").Single().Timestamp, Is.EqualTo(0xFFFFFF));

    [Test]
    public void M6_Type_3_chunks_repeat_the_extended_timestamp_or_do_not([Values] bool isRepeated)
    {
        var bytes = Enumerable.Range(0, 300).Select(i => (byte)(i + 7)).ToArray();
        var type3 = isRepeated ? "C4 01000000" : "C4";
        var messages = Wire.Read(
            "04 FFFFFF 00012C 08 01000000 01000000" + Convert.ToHexString(bytes, 0, 128) + type3 + Convert.ToHexString(bytes, 128, 128)
            + type3 + Convert.ToHexString(bytes, 256, 44) + "04 000001 000001 08 01000000 EE");
        Assert.That(messages, Is.EqualTo(new[] { new Message(Audio, 0x01000000, 1, 4, Convert.ToHexString(bytes)), new Message(Audio, 1, 1, 4, "EE") }));
    }

    [Test]
    public void M6_A_payload_that_starts_like_the_repeated_timestamp_is_told_from_it_at_every_boundary()
    {
        // Without the repetition, the second chunk starts with three of the four bytes.
        var bytes = Convert.FromHexString("04FFFFFF000084080100000001000000" + new string('A', 256) + "C4" + "010000FF" + "04000001000001080100000" + "0EE");
        for (var at = 1; at < bytes.Length; at++)
        {
            using var wire = new Wire();
            var messages = wire.Feed(bytes[..at]);
            messages.AddRange(wire.Feed(bytes[at..]));
            Assert.That(messages.Select(m => m.Payload[^2..]), Is.EqualTo(new[] { "FF", "EE" }), $"cut at {at}");
            Assert.That(messages[0].Payload, Does.EndWith("AA010000FF"));
        }
    }

    [Test]
    public void M6_After_a_plain_timestamp_nothing_is_extended()
    {
        var messages = Wire.Read("04 FFFFFF 000001 08 01000000 01000000 AA" + "44 000005 000004 08 01020304" + "C4 01000000");
        Assert.That(messages.Select(m => (m.Timestamp, m.Payload)), Is.EqualTo(new[] { (0x01000000u, "AA"), (0x01000005u, "01020304"), (0x0100000Au, "01000000") }));
    }

    [Test]
    public void M6_Timestamps_wrap_at_32_bits() => Assert.That(
        Wire.Read("04 FFFFFF 000001 08 01000000 FFFFFFFF AA" + "84 000005 BB" + "C4 CC").Select(m => m.Timestamp),
        Is.EqualTo(new uint[] { 0xFFFFFFFFu, 4, 9 }));

    [Test]
    public void M4_A_zero_length_message_is_complete_at_its_header()
    {
        var messages = Wire.Read("04 000001 000000 08 01000000" + "C4" + "84 000002" + "04 000000 000001 09 01000000 AA");
        Assert.That(messages.Select(m => (m.Timestamp, m.Payload)), Is.EqualTo(new[] { (1u, ""), (2u, ""), (4u, ""), (0u, "AA") }));
    }

    [Test]
    public void M4_A_chunk_stream_may_start_with_type_1_on_message_stream_0() => Assert.That(
        Wire.Read("43 000064 000001 14 AA" + "83 000001 BB"),
        Is.EqualTo(new[] { new Message(RtmpMessageType.CommandAmf0, 100, 0, 3, "AA"), new Message(RtmpMessageType.CommandAmf0, 101, 0, 3, "BB") }));

    [Test]
    public void J3_Acknowledgements_of_all_types_on_message_stream_0_are_read() => Assert.That(
        Wire.Read("02 000000 000004 03 00000000 001312D0" + "42 000000 000004 03 002625A0" + "82 000000 00393870" + "C2 004C4B40")
            .Select(m => (m.Type, m.StreamId, m.Payload)),
        Is.EqualTo(new[] { "001312D0", "002625A0", "00393870", "004C4B40" }.Select(p => (RtmpMessageType.Acknowledgement, 0u, p))));

    [TestCase("84 000000 AA", TestName = "M4_A_chunk_stream_that_starts_with_type_2_is_refused")]
    [TestCase("C4 AA", TestName = "M4_A_chunk_stream_that_starts_with_type_3_is_refused")]
    [TestCase("04 000000 000001 08 01000000 AA C5", TestName = "M4_Another_chunk_stream_s_history_does_not_count")]
    public void Chunk_streams_without_history(string hex) => Refused(hex, "starts with");

    [TestCase("44 000000 000083 08", TestName = "H4_A_header_that_makes_a_message_longer_is_refused")]
    [TestCase("44 000000 000001 08", TestName = "H4_A_header_that_makes_a_message_shorter_is_refused")]
    [TestCase("44 000000 000082 09", TestName = "H4_A_header_that_changes_the_type_of_a_message_is_refused")]
    [TestCase("04 000000 000082 08 02000000", TestName = "H4_A_header_that_changes_the_stream_of_a_message_is_refused")]
    [TestCase("04 000000 FFFFFF 09 01000000", TestName = "H4_A_header_that_changes_all_of_a_message_is_refused")]
    public void Headers_inside_a_message(string hex) =>
        Refused($"04 000000 000082 08 01000000 {new string('A', 256)}" + hex + "0102", "changes the message");

    [Test]
    public void M4_A_header_inside_a_message_that_repeats_what_was_said_continues_it([Values("84 000000", "44 000000 000082 08", "04 000000 000082 08 01000000")] string hex)
    {
        var half = new string('A', 256);
        Assert.That(Wire.Read($"04 000000 000082 08 01000000 {half} {hex} 0102").Single().Payload, Is.EqualTo(half + "0102"));
    }

    [Test]
    public void M4_Abort_forgets_the_message_under_assembly()
    {
        var half = new string('A', 256);
        using var wire = new Wire();
        wire.Feed($"04 000000 000082 08 01000000 {half}");
        Assert.That(wire.Pool.GetStatistics().OutstandingBuffers, Is.Positive);
        Assert.That(wire.Feed("02 000000 000004 02 00000000 00000004"), Is.Empty);
        Assert.That(wire.Pool.GetStatistics().OutstandingBuffers, Is.Zero);
        Assert.That(wire.Feed("04 000007 000001 09 01000000 BB"), Is.EqualTo(new[] { new Message(Video, 7, 1, 4, "BB") }));
    }

    [Test]
    public void M4_Abort_of_what_is_not_under_assembly_is_nothing([Values("00000004", "00000002", "00000000", "00000063", "FFFFFFFF", "80000004")] string id)
    {
        using var wire = new Wire();
        wire.Feed("04 000000 000001 08 01000000 AA" + $"02 000000 000004 02 00000000 {id}");
        Assert.That(wire.Feed("C4 BB").Single().Payload, Is.EqualTo("BB"));
    }

    [Test]
    public void M5_Set_chunk_size_counts_from_the_next_chunk_on()
    {
        using var wire = new Wire();
        Assert.That(wire.Reader.ChunkSize, Is.EqualTo(128));
        var half = new string('A', 256);
        var messages = wire.Feed($"04 000000 000084 08 01000000 {half}" + "02 000000 000004 01 00000000 00000001" + "C4 01 C4 02 C4 03 C4 04");
        Assert.That(messages.Single().Payload, Is.EqualTo(half + "01020304"));
        Assert.That(wire.Reader.ChunkSize, Is.EqualTo(1));
    }

    [TestCase("00010001", 65_537)]
    [TestCase("00FFFFFF", 0xFFFFFF)]
    [TestCase("01000000", 0xFFFFFF)]
    [TestCase("7FFFFFFF", 0xFFFFFF)]
    public void M5_A_large_chunk_size_is_obeyed_and_no_more_than_a_message(string size, int expected)
    {
        using var wire = new Wire();
        var payload = new string('A', 200_000);
        var messages = wire.Feed($"02 000000 000004 01 00000000 {size}" + $"04 000000 00FFFF 08 01000000 {payload[..131_070]}");
        Assert.That(wire.Reader.ChunkSize, Is.EqualTo(expected));
        Assert.That(messages.Single().Payload, Has.Length.EqualTo(131_070));
        Assert.That(wire.Pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    [TestCase("00000000", TestName = "M5_A_chunk_size_of_0_is_refused")]
    [TestCase("80000000", TestName = "M5_A_chunk_size_with_the_top_bit_is_refused")]
    [TestCase("FFFFFFFF", TestName = "M5_A_chunk_size_of_all_ones_is_refused")]
    public void Chunk_sizes_that_are_refused(string size) => Refused($"02 000000 000004 01 00000000 {size}", "chunk size");

    [TestCase("02 000000 000000 01 00000000", TestName = "H4_An_empty_set_chunk_size_is_refused")]
    [TestCase("02 000000 000001 01 00000000 01", TestName = "H4_A_set_chunk_size_of_1_byte_is_refused")]
    [TestCase("02 000000 000003 02 00000000 000004", TestName = "H4_An_abort_of_3_bytes_is_refused")]
    public void Short_control_messages(string hex) => Refused(hex, "fewer than 4");

    [Test]
    public void M4_Messages_survive_every_read_boundary()
    {
        var bytes = Convert.FromHexString(
            "04FFFFFF000084080100000001000000" + new string('A', 256) + "C401000000" + "01020304" // extended, in two chunks
            + "0106000000640000010901000000BB" + "C10600CC" // three-byte ids
            + "02000000000004010000000000000002" // chunk size 2
            + "4300000000000414" + "1122" + "C3" + "3344"); // type 1 first
        var expected = Whole(bytes);
        for (var at = 1; at < bytes.Length; at++)
        {
            using var wire = new Wire();
            Assert.That(wire.Feed(Wire.Split(bytes, at)), Is.EqualTo(expected), $"segments cut at {at}");
            Assert.That(wire.Reader.BytesRead, Is.EqualTo(bytes.Length));
            using var late = new Wire();
            var messages = late.Feed(bytes[..at]);
            messages.AddRange(late.Feed(bytes[at..]));
            Assert.That(messages, Is.EqualTo(expected), $"reads cut at {at}");
            Assert.That(late.Reader.BytesRead, Is.EqualTo(bytes.Length));
        }

        using var single = new Wire();
        Assert.That(single.Feed(Wire.Split(bytes, [.. Enumerable.Range(1, bytes.Length - 1)])), Is.EqualTo(expected), "byte by byte");

        static List<Message> Whole(byte[] bytes)
        {
            using var wire = new Wire();
            return wire.Feed(bytes);
        }
    }

    private static void Refused(string hex, string reason)
    {
        using var wire = new Wire();
        Assert.That(() => wire.Feed(hex), Throws.TypeOf<RtmpProtocolException>().With.Message.Contains(reason));
    }
}
