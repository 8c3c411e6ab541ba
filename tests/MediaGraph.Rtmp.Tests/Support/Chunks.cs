using System.Buffers;
using System.Buffers.Binary;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Tests.Support;

/// <summary>Bytes as any client might send them, right or wrong; independent of the library's own chunk writer.</summary>
internal static class Chunks
{
    /// <summary>A basic header of one, two or three bytes (RTMP 1.0 §5.3.1.1).</summary>
    public static byte[] Basic(int format, int chunkStreamId) => chunkStreamId switch
    {
        < 64 => [(byte)((format << 6) | chunkStreamId)],
        < 320 => [(byte)(format << 6), (byte)(chunkStreamId - 64)],
        _ => [(byte)((format << 6) | 1), (byte)(chunkStreamId - 64), (byte)((chunkStreamId - 64) >> 8)],
    };

    /// <summary>The headers of a chunk; <paramref name="time"/> is a timestamp in format 0 and a delta in formats 1 and 2.</summary>
    public static byte[] Header(int format, int chunkStreamId, uint time, RtmpMessageType type, uint streamId, int length)
    {
        var header = new byte[11];
        BinaryPrimitives.WriteUInt32BigEndian(header, Math.Min(time, 0xFFFFFF) << 8);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(3), (uint)length << 8);
        header[6] = (byte)type;
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(7), streamId);
        var used = header.AsSpan(0, format switch { 0 => 11, 1 => 7, 2 => 3, _ => 0 });
        byte[] extended = [];
        if (time >= 0xFFFFFF)
        {
            extended = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(extended, time);
        }

        return [.. Basic(format, chunkStreamId), .. used, .. extended];
    }

    /// <summary>A whole message.</summary>
    public static byte[] Message(
        int format, int chunkStreamId, uint time, RtmpMessageType type, uint streamId, ReadOnlySpan<byte> payload, int chunkSize = 128)
    {
        var output = new List<byte>(Header(format, chunkStreamId, time, type, streamId, payload.Length));
        var continuation = Header(3, chunkStreamId, time, type, streamId, 0);
        for (var first = true; first || !payload.IsEmpty; first = false)
        {
            if (!first)
                output.AddRange(continuation);
            var count = Math.Min(chunkSize, payload.Length);
            output.AddRange(payload[..count]);
            payload = payload[count..];
        }

        return [.. output];
    }

    public static byte[] Command(string name, double transaction, params ReadOnlySpan<AmfValue> values)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new Amf0Writer(output);
        writer.WriteString(name);
        writer.WriteNumber(transaction);
        foreach (var value in values)
            writer.WriteValue(value);
        return output.WrittenSpan.ToArray();
    }

    public static byte[] Amf(params ReadOnlySpan<AmfValue> values)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new Amf0Writer(output);
        foreach (var value in values)
            writer.WriteValue(value);
        return output.WrittenSpan.ToArray();
    }

    public static byte[] UInt32(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] UserControl(UserControlEvent type, uint value) => [0, (byte)type, .. UInt32(value)];

    /// <summary>C0 and C1 of a simple handshake.</summary>
    public static byte[] C0C1()
    {
        var bytes = new byte[1537];
        bytes[0] = 3;
        for (var i = 9; i < bytes.Length; i++)
            bytes[i] = (byte)(i * 7);
        return bytes;
    }
}
