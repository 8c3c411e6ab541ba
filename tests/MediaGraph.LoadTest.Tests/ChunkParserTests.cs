using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

[Parallelizable(ParallelScope.All)]
public sealed class ChunkParserTests
{
    private static readonly byte[] Payload = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(10_000)]
    public void Messages_of_any_chunk_stream_come_whole_however_they_are_cut(int piece)
    {
        byte[] bytes =
        [
            .. (byte[])[0x03, 0, 0, 0, 0, 0, 200, 9, 1, 0, 0, 0], .. Payload[..128], 0xC3, .. Payload[128..200], // one byte
            .. (byte[])[0x00, 5, 0, 0, 0, 0, 0, 3, 8, 1, 0, 0, 0], .. Payload[..3], // two: 69
            .. (byte[])[0x01, 5, 1, 0, 0, 0, 0, 0, 4, 8, 1, 0, 0, 0], .. Payload[..4], // three: 325
            .. (byte[])[0x83, 0, 0, 40], .. Payload[..128], 0xC3, .. Payload[128..200], // the length and type of the one before
            .. (byte[])[0x41, 5, 1, 0, 0, 40, 0, 0, 2, 9], .. Payload[..2],
        ];
        Assert.That(Parse(bytes, piece), Is.EqualTo(new[] { (9, 200), (8, 3), (8, 4), (9, 200), (9, 2) }));
    }

    [Test]
    public void An_extended_timestamp_stands_in_each_chunk()
    {
        byte[] bytes =
        [
            .. (byte[])[0x04, 0xFF, 0xFF, 0xFF, 0, 0, 130, 9, 1, 0, 0, 0, 1, 2, 3, 4], .. Payload[..128],
            .. (byte[])[0xC4, 1, 2, 3, 4], .. Payload[128..130],
            .. (byte[])[0x84, 0, 0, 40], .. Payload[..128], 0xC4, .. Payload[128..130], // not any more
        ];
        Assert.That(Parse(bytes, 5), Is.EqualTo(new[] { (9, 130), (9, 130) }));
    }

    [Test]
    public void Chunks_of_two_messages_may_alternate_and_grow()
    {
        byte[] bytes =
        [
            .. (byte[])[0x06, 0, 0, 0, 0, 0, 250, 9, 1, 0, 0, 0], .. Payload[..128],
            .. (byte[])[0x04, 0, 0, 0, 0, 0, 3, 8, 1, 0, 0, 0], .. Payload[..3],
            .. (byte[])[0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 1, 0], // chunks of 256
            .. (byte[])[0xC6], .. Payload[128..250],
            .. (byte[])[0xC6], .. Payload[..250],
        ];
        Assert.That(Parse(bytes, 11), Is.EqualTo(new[] { (8, 3), (9, 250), (9, 250) }));
    }

    [TestCase(new byte[] { 0xC5 }, Description = "a first chunk without its header")]
    [TestCase(new byte[] { 0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0 }, Description = "chunks of no length")]
    public void Nonsense_is_refused(byte[] bytes) =>
        Assert.That(() => Parse(bytes, 1), Throws.InstanceOf<InvalidDataException>());

    [Test]
    public void A_message_that_starts_within_another_is_refused()
    {
        byte[] header = [0x06, 0, 0, 0, 0, 0, 250, 9, 1, 0, 0, 0];
        Assert.That(() => Parse([.. header, .. Payload[..128], .. header], 50), Throws.InstanceOf<InvalidDataException>());
    }

    private static List<(int Type, int Length)> Parse(byte[] bytes, int piece)
    {
        var parser = new Collector();
        foreach (var part in bytes.Chunk(piece))
            parser.Parse(part);
        Assert.That(parser.BytesParsed, Is.EqualTo(bytes.Length));
        return parser.Messages;
    }

    private sealed class Collector : ChunkParser
    {
        private readonly Dictionary<Message, List<byte>> _parts = [];

        public List<(int Type, int Length)> Messages { get; } = [];

        protected override void OnPayload(Message message, int offset, ReadOnlySpan<byte> bytes)
        {
            if (!_parts.TryGetValue(message, out var parts))
                _parts[message] = parts = [];
            Assert.That(offset, Is.EqualTo(parts.Count));
            parts.AddRange(bytes);
            if (!message.IsComplete)
                return;
            Assert.That(parts, Is.EqualTo(Payload[..message.Length]));
            Messages.Add((message.Type, message.Length));
            parts.Clear();
        }
    }
}
