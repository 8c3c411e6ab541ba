using System.Buffers;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Handshake;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Chunking;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests;

/// <summary>H4, H5: any bytes give values or an <see cref="RtmpProtocolException"/>, and take little memory.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class WireFuzzTests
{
    private static readonly byte[][] AmfSeeds =
    [
        Hex("020007636F6E6E656374003FF00000000000000300036170700200046C69766500047470616401000000094E554C4C05000009"),
        Hex("02000D40736574446174614672616D6502000A6F6E4D6574614461746108000000020005776964746800409E000000000000000573746572656F0101000009"),
        Hex("0A0000000203000161050000090A000000010701FF07000107000007FFFF"),
        Hex("0A0000000303000009070001070001"), Hex("0B42D6444D49AF000000000C00000003666F6F0D0F000000043C612F3E100001430001610500000906"),
        Hex("1106" + "07666F6F" + "1104BFFFFFFF" + "1105" + "3FF8000000000000" + "1103"),
        [.. Enumerable.Repeat(Hex("03000161"), 17).SelectMany(b => b)], Hex("0AFFFFFFFF050505050505050505050505"), [],
    ];

    private static readonly byte[][] ChunkSeeds =
    [
        Hex("0400000A000003080100000041424344000014000003094142434400000AAABBCCC4DDEEFF"),
        Hex("02000000000004010000000000000002040000000000040801000000AABBC4CCDD"),
        Hex("04FFFFFF0000010801000000" + "01000000AA" + "84FFFFFF01000001BB" + "C401000001CC"),
        Hex("000000000000000108010000" + "00AA01FFFF0000000000010801000000AAC000BB"),
        Hex("040000000000820801000000" + new string('A', 256) + "0200000000000402000000000000000404000007000001090100000" + "0BB"),
        Hex("02000000000004010000000000FFFFFF" + "06000000800000090100000041"),
        Compressed(1), Compressed(2), Compressed(3),
        [],
    ];

    private static readonly byte[][] ControlSeeds =
        [Hex("00000001"), Hex("000000000001"), Hex("00030000000100000BB8"), Hex("000601020304"), Hex("001A"), Hex("002625A002"), []];

    private static readonly byte[][] AggregateSeeds =
    [
        Hex("0800000200006400000000AABB0000000D" + "0900000100006E00000000CC0000000C"),
        Hex("08000000FFFFFFFF0000000000000B" + "120000010000090000000005"), Hex("16000000000000000000000000000B"), [],
    ];

    [Test]
    public void H4_Amf0Reader_ReadValue() => Fuzz.Run<RtmpProtocolException>(AmfSeeds, (data, _) =>
    {
        var reader = new Amf0Reader(data);
        while (!reader.IsAtEnd)
            reader.ReadValue();
    }, boundsMemory: true);

    [Test]
    public void H4_Amf0Reader_SkipValue_agrees_with_ReadValue() => Fuzz.Run<RtmpProtocolException>(AmfSeeds, (data, _) =>
    {
        var reader = new Amf0Reader(data);
        var skipping = new Amf0Reader(data);
        while (!reader.IsAtEnd)
        {
            reader.ReadValue();
            skipping.SkipValue();
            if (skipping.Position != reader.Position)
                throw new InvalidOperationException("Skipping differs from reading.");
        }
    });

    [Test]
    public void H4_Amf0Reader_values_that_were_read_can_be_written_and_read() => Fuzz.Run<RtmpProtocolException>(AmfSeeds, (data, _) =>
    {
        var reader = new Amf0Reader(data);
        while (!reader.IsAtEnd)
        {
            var value = reader.ReadValue();
            var output = new ArrayBufferWriter<byte>();
            new Amf0Writer(output).WriteValue(value);
            if (new Amf0Reader(output.WrittenSpan).ReadValue() != value)
                throw new InvalidOperationException("Another value came back.");
        }
    });

    [Test]
    public void H4_Amf0Reader_commands() => Fuzz.Run<RtmpProtocolException>(AmfSeeds, (data, random) =>
    {
        var reader = new Amf0Reader(data);
        while (!reader.IsAtEnd)
        {
            switch (random.Next(6))
            {
                case 0:
                    reader.TryReadString(out _);
                    break;
                case 1:
                    reader.TryReadNumber(out _);
                    break;
                case 2:
                    reader.TryReadBoolean(out _);
                    break;
                case 3:
                    reader.ReadUtf8String();
                    break;
                case 4:
                    reader.SkipValue();
                    break;
                default:
                    reader.ReadValue();
                    break;
            }
        }
    }, boundsMemory: true);

    [Test]
    public void H4_ChunkReader()
    {
        var pool = new PacketPool(new PacketPoolOptions { Diagnostics = false, MaxRetainedBytes = 0 });
        Fuzz.Run<RtmpProtocolException>(ChunkSeeds, (data, random) =>
        {
            try
            {
                Read(pool, data, data.Length);
            }
            finally
            {
                ThrowIfInUse(pool);
            }
        });
    }

    [Test]
    public void H5_ChunkReader_takes_no_more_memory_than_arrives()
    {
        var pool = new PacketPool(new PacketPoolOptions { Diagnostics = false });
        Fuzz.Run<RtmpProtocolException>(ChunkSeeds, (data, _) => Read(pool, data, data.Length), boundsMemory: true);
        ThrowIfInUse(pool);
    }

    [Test]
    public void H4_ChunkReader_gives_the_same_at_any_read_boundaries()
    {
        var pool = new PacketPool(new PacketPoolOptions { Diagnostics = false });
        Fuzz.Run<RtmpProtocolException>(ChunkSeeds, (data, random) =>
        {
            var (whole, wholeError) = TryRead(pool, data, data.Length);
            var (parts, partsError) = TryRead(pool, data, random.Next(1, 20));
            if (!whole.SequenceEqual(parts) || wholeError != partsError)
                throw new InvalidOperationException($"Read in parts it is otherwise: {wholeError} {partsError}");
        });
    }

    [Test]
    public void H4_Handshake_as_a_server()
    {
        var simple = new byte[RtmpHandshake.C0C1Length];
        var digest = new byte[RtmpHandshake.C0C1Length];
        RtmpHandshake.WriteC0C1(simple, RtmpHandshakeKind.Simple, 0);
        RtmpHandshake.WriteC0C1(digest, RtmpHandshakeKind.Digest, 0);
        var s0s1s2 = new byte[RtmpHandshake.S0S1S2Length];
        Fuzz.Run<RtmpProtocolException>([simple, digest], (data, _) =>
        {
            Array.Resize(ref data, RtmpHandshake.C0C1Length);
            RtmpHandshake.AnswerClient(data, s0s1s2, 0);
            RtmpHandshake.IsAnswer(data.AsSpan(1), s0s1s2);
        });
    }

    [Test]
    public void H4_Handshake_as_a_client()
    {
        var c0c1 = new byte[RtmpHandshake.C0C1Length];
        var answer = new byte[RtmpHandshake.S0S1S2Length];
        RtmpHandshake.WriteC0C1(c0c1, RtmpHandshakeKind.Digest, 0);
        RtmpHandshake.AnswerClient(c0c1, answer, 0);
        var c2 = new byte[RtmpHandshake.BlockLength];
        Fuzz.Run<RtmpProtocolException>([answer], (data, _) =>
        {
            Array.Resize(ref data, RtmpHandshake.S0S1S2Length);
            RtmpHandshake.AnswerServer(data, c0c1, c2, out var _);
        });
    }

    [Test]
    public void H4_Control_messages() => Fuzz.Run<RtmpProtocolException>(ControlSeeds, (data, random) =>
    {
        if (random.Next(2) == 0)
            ControlMessage.ReadUInt32(data);
        else
            ControlMessage.ReadUserControl(data);
    }, boundsMemory: true);

    [Test]
    public void H4_Aggregate_messages() => Fuzz.Run<RtmpProtocolException>(AggregateSeeds, (data, random) =>
    {
        var reader = new AggregateReader(data, (uint)random.Next());
        var end = 0;
        while (reader.TryRead(out var part))
        {
            if (part.Offset < end + 11 || part.Length < 0 || part.Length > data.Length - part.Offset)
                throw new InvalidOperationException("A part lies outside.");
            end = part.Offset + part.Length;
        }
    }, boundsMemory: true);

    private static (List<(RtmpMessageType, uint, uint, int, int, int)> Messages, string? Error) TryRead(PacketPool pool, byte[] data, int part)
    {
        var messages = new List<(RtmpMessageType, uint, uint, int, int, int)>();
        try
        {
            Read(pool, data, part, message => messages.Add((
                message.Type, message.Timestamp, message.StreamId, message.ChunkStreamId, message.Length, Sum(message.Payload))));
        }
        catch (RtmpProtocolException exception)
        {
            return (messages, exception.Message);
        }

        return (messages, null);

        static int Sum(ReadOnlySpan<byte> bytes)
        {
            var sum = 0;
            foreach (var value in bytes)
                sum = unchecked((sum * 31) + value);
            return sum;
        }
    }

    private static void Read(PacketPool pool, byte[] data, int part, Action<RtmpMessage>? read = null)
    {
        using var reader = new ChunkReader(pool);
        for (int start = 0, end = Math.Min(part, data.Length); ; end = Math.Min(end + part, data.Length))
        {
            var input = new ReadOnlySequence<byte>(data, start, end - start);
            while (reader.TryRead(ref input, out var message))
            {
                read?.Invoke(message);
                message.Buffer.Release();
            }

            start = end - (int)input.Length;
            if (input.Length > 17 || reader.BytesRead != start)
                throw new InvalidOperationException("The reader left too much.");
            if (end == data.Length)
                return;
        }
    }

    private static void ThrowIfInUse(PacketPool pool)
    {
        if (pool.GetStatistics().OutstandingBuffers != 0)
            throw new InvalidOperationException("A buffer is left.");
    }

    private static byte[] Compressed(int seed)
    {
        var random = new Random(seed);
        var encoder = new CompressingEncoder(random);
        encoder.SetChunkSize(10);
        encoder.Write(
            Enumerable.Range(0, 12).Select(i => new Message(
                i % 2 == 0 ? RtmpMessageType.Audio : RtmpMessageType.Video, (uint)((seed == 3 ? 0xFFFFF0 : 0) + (20 * i)), 1, 4 + (i % 2),
                new string('A', 2 * random.Next(25)))),
            interleaves: true);
        return encoder.TakeOutput();
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text);
}
