using MediaGraph.Packets;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Chunking;

/// <summary>
/// What the last headers of one chunk stream said, and what has arrived of its current message. A short message is assembled in
/// one buffer, a long one in segments, which are joined when it is complete: memory follows what arrived, not what was announced.
/// </summary>
internal sealed class ChunkStream(int id)
{
    public const int SegmentLength = 64 << 10;

    private const int SmallestBuffer = 256;

    private readonly List<PooledBuffer> _segments = []; // full ones
    private PooledBuffer? _last; // takes the next bytes
    private int _lastFilled;

    public int Id => id;

    public RtmpMessageType Type { get; set; }

    public uint StreamId { get; set; }

    /// <summary>Bytes of the message.</summary>
    public int Length { get; set; }

    /// <summary>Of the message, in milliseconds modulo 2^32.</summary>
    public uint Timestamp { get; set; }

    /// <summary>The last header's timestamp field, extended or not: what a type-3 chunk adds when it starts a message.</summary>
    public uint TimestampField { get; set; }

    /// <summary>Whether the last timestamp field was extended, so that type-3 chunks repeat it.</summary>
    public bool IsExtended { get; set; }

    /// <summary>Whether a message has started and is not complete.</summary>
    public bool IsAssembling { get; private set; }

    /// <summary>Bytes of the message that have arrived.</summary>
    public int Received { get; private set; }

    public void Start() => IsAssembling = true;

    /// <param name="bytes">At most what the message lacks.</param>
    public void Append(ReadOnlySpan<byte> bytes, PacketPool pool)
    {
        while (!bytes.IsEmpty)
        {
            var last = MakeRoom(bytes.Length, pool);
            var count = Math.Min(bytes.Length, last.Capacity - _lastFilled);
            bytes[..count].CopyTo(last.Span[_lastFilled..]);
            bytes = bytes[count..];
            _lastFilled += count;
            Received += count;
        }
    }

    /// <summary>Ends the complete message. The caller owns the buffer's one reference.</summary>
    public PooledBuffer Complete(PacketPool pool)
    {
        var whole = _segments.Count > 0 ? Join(pool) : _last ?? pool.Rent(0);
        if (_segments.Count == 0)
            _last = null;
        Discard();
        return whole;
    }

    /// <summary>Forgets the message under assembly.</summary>
    public void Discard()
    {
        foreach (var segment in _segments)
            segment.Release();
        _segments.Clear();
        _last?.Release();
        _last = null;
        _lastFilled = 0;
        Received = 0;
        IsAssembling = false;
    }

    private PooledBuffer MakeRoom(int incoming, PacketPool pool)
    {
        if (_last is not null && _lastFilled < _last.Capacity)
            return _last;
        if (_lastFilled == SegmentLength)
        {
            _segments.Add(_last!);
            _last = null;
            _lastFilled = 0;
        }

        // A buffer doubles what has arrived. One of the announced length would let 64 chunk streams of a byte each take 4 MiB.
        var most = Math.Min(SegmentLength, Length - Received + _lastFilled);
        var wanted = _segments.Count > 0 ? SegmentLength : Math.Max(SmallestBuffer, 2 * (_lastFilled + incoming));
        var larger = pool.Rent(Math.Min(most, wanted));
        _last?.Span.CopyTo(larger.Span);
        _last?.Release();
        _last = larger;
        return larger;
    }

    private PooledBuffer Join(PacketPool pool)
    {
        var whole = pool.Rent(Length);
        var rest = whole.Span[..Length];
        foreach (var segment in _segments)
        {
            segment.Span.CopyTo(rest);
            rest = rest[SegmentLength..];
        }

        _last!.Span[..rest.Length].CopyTo(rest);
        return whole;
    }
}
