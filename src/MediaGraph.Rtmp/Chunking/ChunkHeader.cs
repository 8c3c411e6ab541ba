using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Chunking;

/// <summary>What the bytes of one chunk header say by themselves (RTMP 1.0, section 5.3.1).</summary>
internal struct ChunkHeader
{
    /// <summary>Bytes of basic header, message header and extended timestamp.</summary>
    public const int MaxLength = 3 + 11 + 4;

    private const uint ExtendedTimestamp = 0xFFFFFF;

    /// <summary>The chunk's type: 0 to 3.</summary>
    public int Format { get; private set; }

    /// <summary>The chunk stream id, 2 to 65599.</summary>
    public int Id { get; private set; }

    /// <summary>Bytes of the header; of type 3 without the extended timestamp, which only what came before can tell of.</summary>
    public int Length { get; private set; }

    /// <summary>The timestamp of type 0, or the delta of types 1 and 2, extended or not; types 0 to 2.</summary>
    public uint TimestampField { get; private set; }

    /// <summary>Whether the timestamp field is an extended one; types 0 to 2.</summary>
    public bool IsExtended { get; private set; }

    /// <summary>Bytes of the message; types 0 and 1.</summary>
    public int MessageLength { get; private set; }

    /// <summary>The message's type; types 0 and 1.</summary>
    public RtmpMessageType Type { get; private set; }

    /// <summary>The message stream id; type 0.</summary>
    public uint StreamId { get; private set; }

    /// <summary>Takes a header apart. False: it is longer than the bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // once per chunk: the fields stay in registers
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ChunkHeader header)
    {
        header = default;
        if (bytes.IsEmpty)
            return false;
        var format = bytes[0] >> 6;
        var id = bytes[0] & 0x3F;
        var length = id switch { 0 => 2, 1 => 3, _ => 1 };
        if (bytes.Length < length)
            return false;
        if (id < 2)
            id = 64 + bytes[1] + (id == 1 ? bytes[2] << 8 : 0);
        var fields = bytes[length..];
        length += format switch { 0 => 11, 1 => 7, 2 => 3, _ => 0 };
        if (bytes.Length < length)
            return false;

        header.Format = format;
        header.Id = id;
        header.Length = length;
        if (format == 3)
            return true;
        if (format < 2)
        {
            header.MessageLength = (int)ReadUInt24(fields[3..]);
            header.Type = (RtmpMessageType)fields[6];
        }

        if (format == 0)
            header.StreamId = BinaryPrimitives.ReadUInt32LittleEndian(fields[7..]);
        header.TimestampField = ReadUInt24(fields);
        if (header.TimestampField != ExtendedTimestamp)
            return true;
        if (bytes.Length < length + 4)
            return false;
        header.TimestampField = BinaryPrimitives.ReadUInt32BigEndian(bytes[length..]);
        header.IsExtended = true;
        header.Length += 4;
        return true;
    }

    private static uint ReadUInt24(ReadOnlySpan<byte> bytes) => (uint)((bytes[0] << 16) | (bytes[1] << 8) | bytes[2]);
}
