using System.Buffers;
using System.Buffers.Binary;
using MediaGraph.Rtmp.Chunking;

namespace MediaGraph.Rtmp.Messages;

/// <summary>
/// Writes protocol control and user control messages, each as one chunk on chunk stream 2, and reads their payloads (RTMP 1.0,
/// sections 5.4 and 7.1.7). Their payload of at most 10 bytes fits any chunk size that we announce.
/// </summary>
internal static class ControlMessage
{
    public const int ChunkStreamId = 2;

    public static void WriteSetChunkSize(IBufferWriter<byte> output, int chunkSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunkSize, 1);
        Write(output, RtmpMessageType.SetChunkSize, (uint)chunkSize);
    }

    public static void WriteAbort(IBufferWriter<byte> output, int chunkStreamId) =>
        Write(output, RtmpMessageType.Abort, (uint)chunkStreamId);

    /// <param name="bytesRead">All bytes so far, modulo 2^32.</param>
    public static void WriteAcknowledgement(IBufferWriter<byte> output, uint bytesRead) =>
        Write(output, RtmpMessageType.Acknowledgement, bytesRead);

    public static void WriteWindowAcknowledgementSize(IBufferWriter<byte> output, uint window) =>
        Write(output, RtmpMessageType.WindowAcknowledgementSize, window);

    public static void WriteSetPeerBandwidth(IBufferWriter<byte> output, uint window, PeerBandwidthLimit limit)
    {
        Span<byte> payload = stackalloc byte[5];
        BinaryPrimitives.WriteUInt32BigEndian(payload, window);
        payload[4] = (byte)limit;
        Write(output, RtmpMessageType.SetPeerBandwidth, payload);
    }

    public static void WriteStreamBegin(IBufferWriter<byte> output, uint streamId) =>
        WriteUserControl(output, UserControlEvent.StreamBegin, streamId);

    public static void WriteStreamEof(IBufferWriter<byte> output, uint streamId) =>
        WriteUserControl(output, UserControlEvent.StreamEof, streamId);

    public static void WriteStreamDry(IBufferWriter<byte> output, uint streamId) =>
        WriteUserControl(output, UserControlEvent.StreamDry, streamId);

    public static void WriteSetBufferLength(IBufferWriter<byte> output, uint streamId, uint milliseconds)
    {
        Span<byte> payload = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)UserControlEvent.SetBufferLength);
        BinaryPrimitives.WriteUInt32BigEndian(payload[2..], streamId);
        BinaryPrimitives.WriteUInt32BigEndian(payload[6..], milliseconds);
        Write(output, RtmpMessageType.UserControl, payload);
    }

    /// <param name="time">The response repeats it.</param>
    public static void WritePingRequest(IBufferWriter<byte> output, uint time) =>
        WriteUserControl(output, UserControlEvent.PingRequest, time);

    /// <param name="time">Of the request.</param>
    public static void WritePingResponse(IBufferWriter<byte> output, uint time) =>
        WriteUserControl(output, UserControlEvent.PingResponse, time);

    /// <summary>Reads the number that starts the payload of every protocol control message.</summary>
    public static uint ReadUInt32(ReadOnlySpan<byte> payload) =>
        BinaryPrimitives.TryReadUInt32BigEndian(payload, out var value)
            ? value
            : throw new RtmpProtocolException($"A control message has {payload.Length} bytes, fewer than 4.");

    /// <summary>Reads a User Control message. Events that nobody knows have any payload: their value is 0 if it is short.</summary>
    /// <returns>The event, and its first number: a stream id or a time.</returns>
    public static (UserControlEvent Event, uint Value) ReadUserControl(ReadOnlySpan<byte> payload)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(payload, out var type))
            throw new RtmpProtocolException($"A user control message has {payload.Length} bytes, fewer than 2.");
        var isComplete = BinaryPrimitives.TryReadUInt32BigEndian(payload[2..], out var value);
        if (!isComplete && type <= (ushort)UserControlEvent.PingResponse)
            throw new RtmpProtocolException($"A user control message of type {type} has only {payload.Length} bytes.");
        return ((UserControlEvent)type, value);
    }

    private static void WriteUserControl(IBufferWriter<byte> output, UserControlEvent type, uint value)
    {
        Span<byte> payload = stackalloc byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)type);
        BinaryPrimitives.WriteUInt32BigEndian(payload[2..], value);
        Write(output, RtmpMessageType.UserControl, payload);
    }

    private static void Write(IBufferWriter<byte> output, RtmpMessageType type, uint value)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, value);
        Write(output, type, payload);
    }

    private static void Write(IBufferWriter<byte> output, RtmpMessageType type, ReadOnlySpan<byte> payload) =>
        ChunkWriter.Write(output, ChunkStreamId, timestamp: 0, type, streamId: 0, payload, ChunkReader.DefaultChunkSize);
}
