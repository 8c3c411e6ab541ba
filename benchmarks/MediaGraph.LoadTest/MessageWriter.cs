using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MediaGraph.LoadTest;

/// <summary>Writes the few messages that a client sends around its media; each is one chunk.</summary>
internal sealed class MessageWriter
{
    private readonly ArrayBufferWriter<byte> _output = new(512);

    public ReadOnlyMemory<byte> Take()
    {
        var bytes = _output.WrittenSpan.ToArray();
        _output.ResetWrittenCount();
        return bytes;
    }

    public void SetChunkSize(int size) => Add(2, 1, 0, BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(size)));

    /// <summary>A command with either an object of <c>name=value</c> properties, or a null and one string, or a null alone.</summary>
    public void Command(uint streamId, string name, double transaction, params string?[] values)
    {
        var body = new ArrayBufferWriter<byte>(256);
        AddString(body, name);
        body.Write((ReadOnlySpan<byte>)[0]);
        BinaryPrimitives.WriteDoubleBigEndian(body.GetSpan(8), transaction);
        body.Advance(8);
        if (values is [{ } first, ..] && first.Contains('=', StringComparison.Ordinal))
        {
            body.Write((ReadOnlySpan<byte>)[3]);
            foreach (var value in values)
            {
                var parts = value!.Split('=', 2);
                AddText(body, parts[0]);
                AddString(body, parts[1]);
            }

            body.Write((ReadOnlySpan<byte>)[0, 0, 9]);
        }
        else
        {
            body.Write((ReadOnlySpan<byte>)[5]);
            foreach (var value in values)
            {
                if (value is not null)
                    AddString(body, value);
            }
        }

        Add(3, 20, streamId, body.WrittenSpan);
    }

    private static void AddString(ArrayBufferWriter<byte> body, string text)
    {
        body.Write((ReadOnlySpan<byte>)[2]);
        AddText(body, text);
    }

    private static void AddText(ArrayBufferWriter<byte> body, string text)
    {
        BinaryPrimitives.WriteUInt16BigEndian(body.GetSpan(2), (ushort)text.Length);
        body.Advance(2);
        body.Write(Encoding.ASCII.GetBytes(text));
    }

    public void Add(int chunkStream, byte type, uint streamId, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[12];
        WriteHeader(header, chunkStream, 0, type, streamId, payload.Length);
        _output.Write(header);
        _output.Write(payload);
    }

    /// <summary>Writes a type-0 header of 12 bytes.</summary>
    public static void WriteHeader(Span<byte> header, int chunkStream, int timestamp, byte type, uint streamId, int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(header, timestamp);
        header[0] = (byte)chunkStream;
        BinaryPrimitives.WriteInt32BigEndian(header[4..], length << 8);
        header[7] = type;
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], streamId);
    }
}
