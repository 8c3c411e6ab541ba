using System.Buffers.Binary;

namespace MediaGraph.Containers.MpegTs;

/// <summary>Puts the PES packets of one PID together (ISO/IEC 13818-1 §2.4.3.6). Holds at most one, and drops what is damaged.</summary>
internal sealed class PesAssembler(MpegTsStream stream, int maxBytes)
{
    private const int FirstBytes = 4 << 10;

    private byte[] _data = [];
    private int _length;
    private int _announced; // bytes of the data; -1 when they end where the next packet starts
    private bool _isOpen;
    private bool _followsLoss;
    private int _counter = -1; // of the packet before
    private ulong? _presentation; // 33 bits
    private ulong? _decode;

    public MpegTsStream Stream { get; } = stream;

    /// <summary>PES packets that were dropped because something of them was missing, or too long.</summary>
    public long Dropped { get; private set; }

    /// <summary>Whether a packet's continuity_counter is that of the packet before: a repetition, to be passed over.</summary>
    public bool IsRepeated(int counter) => counter == _counter;

    /// <summary>Notes a packet's counter; what is missing before it damages what is open.</summary>
    public void Continue(int counter, bool isDiscontinuity)
    {
        if (_counter >= 0 && counter != ((_counter + 1) & 0xF) && !isDiscontinuity)
            Lose();
        _counter = counter;
    }

    /// <summary>Something may be missing here.</summary>
    public void Lose()
    {
        _followsLoss = true;
        Drop();
    }

    /// <summary>Adds the start of a PES packet; what was open must have been taken or dropped.</summary>
    public void Start(ReadOnlySpan<byte> payload)
    {
        Drop();
        // packet_start_code_prefix, stream_id, length, '10' and flags, flags, length of the header.
        if (payload.Length < 9 || payload[0] != 0 || payload[1] != 0 || payload[2] != 1 || (payload[6] & 0xC0) != 0x80)
        {
            _followsLoss = true;
            return;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(payload[4..]);
        var start = 9 + payload[8];
        if (start > payload.Length || (length != 0 && length < start - 6))
        {
            _followsLoss = true;
            return;
        }

        _announced = length == 0 ? -1 : length - (start - 6);
        var flags = payload[7] >> 6;
        _presentation = flags >= 2 && start >= 14 ? ReadTime(payload[9..]) : null;
        _decode = flags == 3 && start >= 19 ? ReadTime(payload[14..]) : null;
        _isOpen = true;
        Add(payload[start..]);
    }

    public void Add(ReadOnlySpan<byte> payload)
    {
        if (!_isOpen)
            return;
        if (_announced >= 0)
            payload = payload[..Math.Min(payload.Length, _announced - _length)];
        if (payload.Length > maxBytes - _length)
        {
            Lose();
            return;
        }

        // Grows with what has arrived, never with what was announced.
        if (_length + payload.Length > _data.Length)
            Array.Resize(ref _data, Math.Min(maxBytes, Math.Max(FirstBytes, 2 * (_length + payload.Length))));
        payload.CopyTo(_data.AsSpan(_length));
        _length += payload.Length;
    }

    /// <summary>Takes the packet that is open if it is complete.</summary>
    /// <param name="isAtEnd">Whether nothing more of it comes, which completes one that announced no length.</param>
    /// <param name="unwrap">Makes a time of 33 bits one without wraps.</param>
    /// <param name="unit">Its contents, until the next call.</param>
    public bool TryTake(bool isAtEnd, Func<ulong, long> unwrap, out MpegTsUnit unit)
    {
        unit = default;
        if (!_isOpen || (_announced < 0 ? !isAtEnd : _length < _announced))
            return false;
        _isOpen = false;
        if (_length == 0)
            return false;
        long? presentation = _presentation is { } p ? unwrap(p) : null;
        long? decode = _decode is { } d ? unwrap(d) : presentation;
        unit = new MpegTsUnit
        {
            Stream = Stream,
            Data = _data.AsSpan(0, _length),
            PresentationTime = presentation,
            DecodeTime = decode,
            FollowsLoss = _followsLoss,
        };
        _followsLoss = false;
        return true;
    }

    private void Drop()
    {
        if (_isOpen)
        {
            Dropped++;
            _followsLoss = true;
        }

        _isOpen = false;
        _length = 0;
    }

    // §2.4.3.7: 3, 15 and 15 bits, each with a marker behind it.
    private static ulong ReadTime(ReadOnlySpan<byte> bytes) =>
        ((ulong)(bytes[0] & 0x0E) << 29) | ((ulong)bytes[1] << 22) | ((ulong)(bytes[2] & 0xFE) << 14) | ((ulong)bytes[3] << 7) |
        ((ulong)bytes[4] >> 1);
}
