using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>A frame in assembly: pooled memory that grows with what has come, up to a bound.</summary>
internal sealed class FrameBuffer(PacketPool pool)
{
    /// <summary>The longest frame, in bytes: an intra picture of 8K video.</summary>
    public const int MaxLength = 8 << 20;

    private const int FirstCapacity = 4 << 10;

    private PooledBuffer? _buffer;

    /// <summary>Bytes so far.</summary>
    public int Length { get; private set; }

    /// <summary>What was appended.</summary>
    public Span<byte> Span => _buffer is null ? [] : _buffer.Span[..Length];

    /// <summary>Appends bytes.</summary>
    /// <returns>False when the frame becomes too long; then nothing was appended.</returns>
    public bool TryAppend(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxLength - Length)
            return false;
        bytes.CopyTo(Extend(bytes.Length));
        return true;
    }

    /// <summary>Appends a NAL unit with its length in front.</summary>
    /// <inheritdoc cref="TryAppend"/>
    public bool TryAppendNalUnit(ReadOnlySpan<byte> nalUnit)
    {
        if (nalUnit.Length > MaxLength - Length - NalUnits.LengthSize)
            return false;
        var destination = Extend(NalUnits.LengthSize + nalUnit.Length);
        BinaryPrimitives.WriteInt32BigEndian(destination, nalUnit.Length);
        nalUnit.CopyTo(destination[NalUnits.LengthSize..]);
        return true;
    }

    /// <summary>Takes back what was appended last.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Hands the memory over, and starts anew.</summary>
    public PooledBuffer Detach()
    {
        var buffer = _buffer ?? pool.Rent(0);
        _buffer = null;
        Length = 0;
        return buffer;
    }

    /// <summary>Gives the memory back.</summary>
    public void Clear()
    {
        _buffer?.Release();
        _buffer = null;
        Length = 0;
    }

    private Span<byte> Extend(int count)
    {
        var needed = Length + count;
        if (_buffer is null || _buffer.Capacity < needed)
        {
            var larger = pool.Rent(Math.Max(Math.Max(FirstCapacity, needed), Math.Min(2 * Length, MaxLength)));
            Span.CopyTo(larger.Span);
            _buffer?.Release();
            _buffer = larger;
        }

        var start = Length;
        Length = needed;
        return _buffer.Span[start..needed];
    }
}
