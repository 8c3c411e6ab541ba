using System.Buffers;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Chunking;

// Rows: M6.

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class ChunkWriterTests
{
    [Test]
    public void A_message_starts_with_a_type_0_header() => Assert.That(
        Write(1000, "AABBCC", 128, streamId: 0x04030201), Is.EqualTo("060003E80000030901020304AABBCC"));

    [Test]
    public void Further_chunks_start_with_a_type_3_header() => Assert.That(
        Write(1, "0102030405", 2), Is.EqualTo("060000010000050901000000" + "0102" + "C6" + "0304" + "C6" + "05"));

    [Test]
    public void A_message_of_whole_chunks_ends_without_an_empty_one() => Assert.That(
        Write(1, "01020304", 2), Is.EqualTo("060000010000040901000000" + "0102" + "C6" + "0304"));

    [Test]
    public void An_empty_message_is_a_header() => Assert.That(Write(1, "", 1), Is.EqualTo("060000010000000901000000"));

    [Test]
    public void M6_The_last_plain_timestamp_is_not_extended() => Assert.That(
        Write(0xFFFFFE, "0102", 1), Is.EqualTo("06FFFFFE0000020901000000" + "01" + "C6" + "02"));

    [TestCase(0xFFFFFFu, "00FFFFFF")]
    [TestCase(0x01000000u, "01000000")]
    [TestCase(16_777_233u, "01000011")]
    [TestCase(0xFFFFFFFFu, "FFFFFFFF")]
    public void M6_An_extended_timestamp_is_in_all_chunks(uint timestamp, string hex) => Assert.That(
        Write(timestamp, "010203", 1), Is.EqualTo($"06FFFFFF0000030901000000{hex}01C6{hex}02C6{hex}03"));

    [Test]
    public void M6_What_is_measured_is_what_is_written_and_read(
        [Values(0, 1, 127, 128, 129, 255, 256, 257, 4096, 70_000)] int length, [Values(1, 128, 4096, 65_536, 0xFFFFFF)] int chunkSize,
        [Values(0u, 0xFFFFFEu, 0xFFFFFFu, 0xFFFFFFFFu)] uint timestamp, [Values(0, 1, 5, 200)] int headLength)
    {
        var payload = new byte[length];
        new Random(length).NextBytes(payload);
        var head = payload.AsSpan(0, Math.Min(headLength, length));
        var measured = ChunkWriter.Measure(length, timestamp, chunkSize);
        var bytes = new byte[measured]; // not one byte more
        Assert.That(
            ChunkWriter.Write(bytes, 63, timestamp, RtmpMessageType.Video, 1, head, payload.AsSpan(head.Length), chunkSize),
            Is.EqualTo(measured));

        using var wire = new Wire();
        var size = new ArrayBufferWriter<byte>();
        ControlMessage.WriteSetChunkSize(size, chunkSize);
        wire.Feed(size.WrittenSpan.ToArray());
        Assert.That(wire.Feed(bytes).Single(), Is.EqualTo(new Message(RtmpMessageType.Video, timestamp, 1, 63, Convert.ToHexString(payload))));
    }

    [Test]
    public void Headers_that_cannot_be_written_are_refused()
    {
        Assert.That(() => Header(1, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => Header(64, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => Header(2, 0x1000000), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(Header(2, 0xFFFFFF), Is.EqualTo(12));

        static int Header(int id, int length) => ChunkWriter.WriteHeader(new byte[16], id, 0, RtmpMessageType.Audio, 1, length);
    }

    private static string Write(uint timestamp, string payload, int chunkSize, uint streamId = 1)
    {
        var output = new ArrayBufferWriter<byte>();
        ChunkWriter.Write(output, 6, timestamp, RtmpMessageType.Video, streamId, Convert.FromHexString(payload), chunkSize);
        return Convert.ToHexString(output.WrittenSpan);
    }
}
