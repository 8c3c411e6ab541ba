using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Chunking;

// Rows: M4, M6.

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class ChunkPropertyTests
{
    private static readonly int[] ChunkStreamIds = [3, 4, 6, 63, 64, 65, 319, 320, 65_599];

    private static readonly RtmpMessageType[] Types =
        [RtmpMessageType.Audio, RtmpMessageType.Video, RtmpMessageType.DataAmf0, RtmpMessageType.CommandAmf0, RtmpMessageType.Acknowledgement];

    private static readonly Gen<uint> Timestamps = Gen.OneOf(
        Gen.Choose(0, 1000).Select(t => (uint)t),
        Gen.Choose(-3, 3).Select(t => (uint)(0xFFFFFF + t)),
        Gen.Choose(-50, 50).Select(t => unchecked((uint)t)), // around the wrap
        Gen.Choose(-3, 3).Select(t => unchecked(0x80000000 + (uint)t)),
        Gen.Choose(int.MinValue, int.MaxValue).Select(t => unchecked((uint)t)));

    private static readonly Gen<int> Lengths = Gen.OneOf(
        Gen.Constant(0), Gen.Choose(1, 10), Gen.Elements(127, 128, 129, 255, 256, 257), Gen.Choose(0, 2000));

    private static readonly Gen<Message> Messages =
        from type in Gen.Elements(Types)
        from timestamp in Timestamps
        from stream in Gen.Elements(0u, 1u, 2u, 0xFFFFFFFFu)
        from id in Gen.Elements(ChunkStreamIds)
        from length in Lengths
        from fill in Gen.Choose(0, int.MaxValue)
        select new Message(type, timestamp, stream, id, Payload(length, fill));

    // Streams of real media: few headers change, so that types 2 and 3 come often.
    private static readonly Gen<Message[]> Media =
        from start in Timestamps
        from interval in Gen.Elements(0u, 20u, 23u, 40u, 0xFFFFFEu, 0xFFFFFFu, 0x1000000u)
        from ids in Gen.Elements(ChunkStreamIds).ArrayOf(2)
        from length in Gen.Elements(0, 1, 100, 200, 600)
        from count in Gen.Choose(1, 12)
        select Enumerable.Range(0, count).Select(i => new Message(
            i % 2 == 0 ? RtmpMessageType.Audio : RtmpMessageType.Video, unchecked(start + ((uint)(i / 2) * interval)), 1,
            ids[0] == ids[1] ? ids[0] : ids[i % 2], Payload(length, i))).ToArray();

    private static readonly Gen<int> ChunkSizes =
        Gen.OneOf(Gen.Choose(1, 20), Gen.Elements(127, 128, 129, 4096, 65_536, 0xFFFFFF), Gen.Choose(1, 5000));

    [Test]
    public void M4_Any_messages_survive_any_chunk_sizes_interleaving_and_read_boundaries() => Check(
        from messages in Gen.OneOf(Messages.ArrayOf(), Media)
        from sizes in ChunkSizes.ArrayOf(3)
        from interleaves in Gen.Elements(true, false)
        from seed in Gen.Choose(0, int.MaxValue)
        select (messages, sizes, interleaves, seed),
        input =>
        {
            var random = new Random(input.seed);
            var encoder = new CompressingEncoder(random);
            var expected = new List<Message>();
            foreach (var (size, part) in input.sizes.Zip(input.messages.Chunk((input.messages.Length / 3) + 1)))
            {
                encoder.SetChunkSize(size);
                expected.AddRange(encoder.Write(part, input.interleaves));
            }

            AssertRead(encoder.TakeOutput(), expected, random);
        });

    [Test]
    public void M6_Any_messages_survive_without_repeated_extended_timestamps() => Check(
        from messages in Messages.ArrayOf()
        from seed in Gen.Choose(0, int.MaxValue)
        select (messages, seed),
        input =>
        {
            // Where the payload begins as the field would, nobody can tell: with random payloads that does not happen.
            var random = new Random(input.seed);
            var encoder = new CompressingEncoder(random, repeatsExtended: false);
            var messages = input.messages.Select(m => m with { Payload = m.Payload.Replace("00", "5A", StringComparison.Ordinal) + "5A5A5A5A5A" });
            var expected = encoder.Write(messages, interleaves: true);
            AssertRead(encoder.TakeOutput(), expected, random);
        });

    [Test]
    public void M6_Any_message_of_the_chunk_writer_is_read_as_it_was() => Check(
        from messages in Messages.ArrayOf()
        from size in ChunkSizes
        from seed in Gen.Choose(0, int.MaxValue)
        select (messages, size, seed),
        input =>
        {
            var output = new ArrayBufferWriter<byte>();
            ControlMessage.WriteSetChunkSize(output, input.size);
            var messages = input.messages.Select(m => m with { ChunkStreamId = 2 + (m.ChunkStreamId % 62) }).ToList();
            foreach (var message in messages)
            {
                var payload = Convert.FromHexString(message.Payload);
                var before = output.WrittenCount;
                ChunkWriter.Write(
                    output, message.ChunkStreamId, message.Timestamp, message.Type, message.StreamId, payload, input.size);
                Assert.That(output.WrittenCount - before, Is.EqualTo(ChunkWriter.Measure(payload.Length, message.Timestamp, input.size)));
            }

            AssertRead(output.WrittenSpan.ToArray(), messages, new Random(input.seed));
        });

    [Test]
    public void M4_Timestamps_of_a_chunk_stream_are_exact_over_the_24_and_32_bit_limits() => Check(
        from start in Timestamps
        from deltas in Gen.OneOf(Gen.Choose(0, 100).Select(d => (uint)d), Timestamps).ArrayOf()
        from seed in Gen.Choose(0, int.MaxValue)
        select (start, deltas, seed),
        input =>
        {
            var random = new Random(input.seed);
            var encoder = new CompressingEncoder(random);
            var time = input.start;
            var messages = input.deltas.Select(delta => new Message(RtmpMessageType.Audio, unchecked(time += delta), 1, 4, "AA")).ToList();
            encoder.Write(messages, interleaves: false);
            AssertRead(encoder.TakeOutput(), messages, random);
        });

    private static void AssertRead(byte[] bytes, List<Message> expected, Random random)
    {
        var messages = new List<Message>();
        using (var wire = new Wire())
        {
            // Reads of a few bytes or many, each of them in one segment or several.
            var largest = random.Next(3) switch { 0 => 4, 1 => 200, _ => bytes.Length + 1 };
            for (var position = 0; position < bytes.Length;)
            {
                var count = Math.Min(bytes.Length - position, random.Next(1, largest + 1));
                var part = bytes[position..(position + count)];
                var cuts = Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(count + 1)).Order().ToArray();
                messages.AddRange(wire.Feed(Wire.Split(part, cuts)));
                position += count;
            }

            Assert.That(wire.Reader.BytesRead, Is.EqualTo(bytes.Length));
            Assert.That(wire.Pool.GetStatistics().OutstandingBuffers, Is.Zero);
        }

        if (!messages.SequenceEqual(expected))
            Assert.That(messages, Is.EqualTo(expected));
    }

    private static string Payload(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return Convert.ToHexString(bytes);
    }

    private static void Check<T>(Gen<T> gen, Action<T> property) =>
        Prop.ForAll(gen.ToArbitrary(), property).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
}
