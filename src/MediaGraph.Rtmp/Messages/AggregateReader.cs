using System.Buffers.Binary;

namespace MediaGraph.Rtmp.Messages;

/// <summary>
/// Takes an aggregate message apart (RTMP 1.0, section 7.1.6): FLV tags in a row. The parts' times are moved by as much as the
/// first differs from the aggregate's. Their message stream is the aggregate's, whatever they say.
/// </summary>
/// <param name="payload">Of the aggregate message.</param>
/// <param name="timestamp">Of the aggregate message.</param>
internal ref struct AggregateReader(ReadOnlySpan<byte> payload, uint timestamp)
{
    private const int HeaderLength = 11;
    private const int BackPointerLength = 4;

    private readonly ReadOnlySpan<byte> _payload = payload;
    private uint? _shift;
    private int _position;

    /// <summary>Reads the next part; false at the end.</summary>
    /// <exception cref="RtmpProtocolException">The bytes are no tag of audio, video or data.</exception>
    public bool TryRead(out AggregatePart part)
    {
        part = default;
        var rest = _payload[_position..];
        if (rest.IsEmpty)
            return false;
        if (rest.Length < HeaderLength)
            throw new RtmpProtocolException("An aggregate message ends inside a header.");

        // An aggregate inside an aggregate, or a control message in it, is nobody's but an attacker's.
        var type = (RtmpMessageType)rest[0];
        if (type is not (RtmpMessageType.Audio or RtmpMessageType.Video or RtmpMessageType.DataAmf0 or RtmpMessageType.DataAmf3))
            throw new RtmpProtocolException($"An aggregate message contains a message of type {(int)type}.");
        var length = (int)(BinaryPrimitives.ReadUInt32BigEndian(rest) & 0xFFFFFF);
        if (length > rest.Length - HeaderLength)
            throw new RtmpProtocolException("An aggregate message ends inside a part.");

        // 24 bits, then the 8 above them.
        var time = BinaryPrimitives.ReadUInt32BigEndian(rest[4..]);
        time = (time >> 8) | (time << 24);
        _shift ??= unchecked(timestamp - time);
        part = new AggregatePart(type, unchecked(time + _shift.Value), _position + HeaderLength, length);

        // The back pointer is for reading backwards: some senders leave out the last, or count it otherwise.
        _position = Math.Min(_position + HeaderLength + length + BackPointerLength, _payload.Length);
        return true;
    }
}
