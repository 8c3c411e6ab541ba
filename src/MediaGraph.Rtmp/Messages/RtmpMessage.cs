using MediaGraph.Packets;

namespace MediaGraph.Rtmp.Messages;

/// <summary>One whole message. Whoever receives it owns one reference to <see cref="Buffer"/>.</summary>
/// <param name="Timestamp">Milliseconds, modulo 2^32.</param>
/// <param name="Length">Of the payload, which starts the buffer.</param>
internal readonly record struct RtmpMessage(
    RtmpMessageType Type, uint Timestamp, uint StreamId, int ChunkStreamId, PooledBuffer Buffer, int Length)
{
    public ReadOnlySpan<byte> Payload => Buffer.Span[..Length];

    /// <summary>
    /// The AMF0 values of a command or data message: the payload, without the byte 0 that starts the types with AMF3 in their
    /// names. Some clients send those types without that byte.
    /// </summary>
    public ReadOnlySpan<byte> AmfPayload
    {
        get
        {
            var payload = Payload;
            return Type is RtmpMessageType.CommandAmf3 or RtmpMessageType.DataAmf3 or RtmpMessageType.SharedObjectAmf3
                && payload is [0, ..]
                ? payload[1..]
                : payload;
        }
    }
}
