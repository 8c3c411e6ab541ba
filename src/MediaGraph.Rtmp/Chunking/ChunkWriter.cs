using System.Buffers;
using System.Buffers.Binary;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Chunking;

/// <summary>
/// Writes messages in chunks, each with a type-0 header first: without state, so that the bytes are the same for every viewer.
/// </summary>
internal static class ChunkWriter
{
    private const uint ExtendedTimestamp = 0xFFFFFF;

    /// <summary>Bytes of the first header; the header of a further chunk is 11 bytes shorter.</summary>
    public static int HeaderLength(uint timestamp) => timestamp < ExtendedTimestamp ? 12 : 16;

    /// <summary>Bytes of a message in chunks.</summary>
    public static int Measure(int payloadLength, uint timestamp, int chunkSize)
    {
        var header = HeaderLength(timestamp);
        return header + payloadLength + (FurtherChunks(payloadLength, chunkSize) * (header - 11));
    }

    /// <summary>Writes the first header of a message, for a viewer that needs another than the shared one.</summary>
    /// <param name="chunkStreamId">2 to 63.</param>
    /// <returns>Bytes written: <see cref="HeaderLength"/>.</returns>
    public static int WriteHeader(
        Span<byte> destination, int chunkStreamId, uint timestamp, RtmpMessageType type, uint streamId, int payloadLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunkStreamId, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chunkStreamId, 63);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payloadLength, 0xFFFFFF);
        destination = destination[..HeaderLength(timestamp)];
        BinaryPrimitives.WriteUInt32BigEndian(destination, Math.Min(timestamp, ExtendedTimestamp));
        destination[0] = (byte)chunkStreamId;
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], (uint)payloadLength << 8);
        destination[7] = (byte)type;
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], streamId);
        if (destination.Length > 12)
            BinaryPrimitives.WriteUInt32BigEndian(destination[12..], timestamp);
        return destination.Length;
    }

    /// <summary>Writes a message whose payload comes in two parts, of which each may be empty.</summary>
    /// <param name="destination">At least <see cref="Measure"/> bytes.</param>
    /// <param name="chunkStreamId">2 to 63.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(
        Span<byte> destination,
        int chunkStreamId,
        uint timestamp,
        RtmpMessageType type,
        uint streamId,
        ReadOnlySpan<byte> head,
        ReadOnlySpan<byte> body,
        int chunkSize)
    {
        var length = head.Length + body.Length;
        var position = WriteHeader(destination, chunkStreamId, timestamp, type, streamId, length);
        var room = chunkSize;
        while (true)
        {
            var part = head.IsEmpty ? body : head;
            var count = Math.Min(room, part.Length);
            part[..count].CopyTo(destination[position..]);
            position += count;
            length -= count;
            room -= count;
            if (length == 0)
                return position;
            if (head.IsEmpty)
                body = body[count..];
            else
                head = head[count..];
            if (room > 0)
                continue;

            room = chunkSize;
            destination[position++] = (byte)(0xC0 | chunkStreamId);
            if (timestamp >= ExtendedTimestamp)
            {
                BinaryPrimitives.WriteUInt32BigEndian(destination[position..], timestamp);
                position += 4;
            }
        }
    }

    /// <summary>Writes a message to a buffer.</summary>
    /// <inheritdoc cref="Write(Span{byte}, int, uint, RtmpMessageType, uint, ReadOnlySpan{byte}, ReadOnlySpan{byte}, int)"/>
    public static void Write(
        IBufferWriter<byte> output,
        int chunkStreamId,
        uint timestamp,
        RtmpMessageType type,
        uint streamId,
        ReadOnlySpan<byte> payload,
        int chunkSize)
    {
        var span = output.GetSpan(Measure(payload.Length, timestamp, chunkSize));
        output.Advance(Write(span, chunkStreamId, timestamp, type, streamId, payload, [], chunkSize));
    }

    private static int FurtherChunks(int payloadLength, int chunkSize) => payloadLength == 0 ? 0 : (payloadLength - 1) / chunkSize;
}
