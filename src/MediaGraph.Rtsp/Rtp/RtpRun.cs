using System.Buffers.Binary;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// The RTP packets of one access unit, one behind the other in one buffer. Used again for each: <see cref="Detach"/> hands the
/// memory over. Not thread-safe.
/// </summary>
/// <param name="pool">Where the memory comes from.</param>
/// <param name="isInterleaved">
/// Whether each packet has the four bytes in front that RTSP over TCP puts there (RFC 2326 §10.12), for channel 0.
/// </param>
internal sealed class RtpRun(PacketPool pool, bool isInterleaved = false) : IDisposable
{
    /// <summary>Bytes that an interleaved packet has beside its payload.</summary>
    public const int OverheadLength = InterleavedHeaderLength + RtpHeader.Length;

    private const int InterleavedHeaderLength = 4;

    private readonly int _headroom = isInterleaved ? InterleavedHeaderLength : 0;
    private PooledBuffer? _buffer;
    private int _expected; // bytes of the next run: as many as the last had
    private int[] _ends = new int[32];

    /// <summary>Packets.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all, with what is in front of each.</summary>
    public int Length => Count == 0 ? 0 : _ends[Count - 1];

    /// <summary>Where each packet ends, in bytes.</summary>
    public ReadOnlySpan<int> Ends => _ends.AsSpan(0, Count);

    /// <summary>The whole run.</summary>
    public ReadOnlySpan<byte> Span => _buffer is null ? default : _buffer.Span[..Length];

    /// <summary>An RTP packet without what is in front of it.</summary>
    public ReadOnlySpan<byte> this[int index] => Packet(index);

    /// <summary>Reads the next packet of an interleaved run, which is cut off from its start.</summary>
    /// <returns>False at its end.</returns>
    public static bool TryReadInterleaved(ref ReadOnlySpan<byte> run, out ReadOnlySpan<byte> packet)
    {
        packet = default;
        if (run.Length < InterleavedHeaderLength)
            return false;
        var end = InterleavedHeaderLength + BinaryPrimitives.ReadUInt16BigEndian(run[2..]);
        packet = run[InterleavedHeaderLength..end];
        run = run[end..];
        return true;
    }

    /// <summary>Drops the packets, and makes room for about as many bytes.</summary>
    public void Start(int capacity)
    {
        Count = 0;
        if (capacity == 0 || (_buffer is not null && _buffer.Capacity >= capacity))
            return;
        _buffer?.Release();
        _buffer = null; // before what may throw
        _buffer = pool.Rent(capacity);
    }

    /// <summary>Appends a packet and returns where its payload belongs.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The packet is longer than 65,535 bytes.</exception>
    public Span<byte> Append(scoped in RtpHeader header, int payloadLength)
    {
        var packetLength = RtpHeader.Length + payloadLength;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(packetLength, ushort.MaxValue, nameof(payloadLength));
        var start = Length;
        var end = start + _headroom + packetLength;
        Reserve(start, end);
        if (Count == _ends.Length)
            Array.Resize(ref _ends, 2 * Count);
        _ends[Count++] = end;
        var packet = _buffer!.Span[start..end];
        if (isInterleaved)
        {
            (packet[0], packet[1]) = ((byte)'$', 0);
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packetLength);
        }

        header.Write(packet[_headroom..]);
        return packet[(_headroom + RtpHeader.Length)..];
    }

    /// <summary>Sets the marker of the last packet.</summary>
    public void Mark()
    {
        if (Count > 0)
            Packet(Count - 1)[1] |= 0x80;
    }

    /// <summary>Hands the memory over, whose <see cref="Length"/> first bytes are the run.</summary>
    public PooledBuffer Detach()
    {
        var buffer = _buffer ?? throw new InvalidOperationException("The run was not started.");
        _expected = Length;
        _buffer = null;
        Count = 0;
        return buffer;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _buffer?.Release();
        _buffer = null;
        Count = 0;
    }

    private Span<byte> Packet(int index) =>
        _buffer!.Span[((index == 0 ? 0 : _ends[index - 1]) + _headroom).._ends[index]];

    private void Reserve(int start, int end)
    {
        if (_buffer is not null && _buffer.Capacity >= end)
            return;
        var larger = pool.Rent(Math.Max(Math.Max(end, _expected), 2 * start));
        Span.CopyTo(larger.Span);
        _buffer?.Release();
        _buffer = larger;
    }
}
