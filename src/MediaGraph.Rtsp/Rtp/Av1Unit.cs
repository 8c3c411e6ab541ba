namespace MediaGraph.Rtsp.Rtp;

/// <summary>An open bitstream unit of AV1 (§5.3).</summary>
/// <param name="Start">Where it starts.</param>
/// <param name="HeaderLength">1 byte, or 2 with the layers' extension.</param>
/// <param name="PayloadStart">Where its payload starts, behind the header and its size.</param>
/// <param name="PayloadLength">Its payload's length in bytes.</param>
internal readonly record struct Av1Unit(int Start, int HeaderLength, int PayloadStart, int PayloadLength)
{
    public const int SequenceHeader = 1;
    public const int TemporalDelimiter = 2;
    public const int FrameHeader = 3;
    public const int TileGroup = 4;
    public const int Frame = 6;
    public const int TileList = 8;

    /// <summary>obu_has_size_field.</summary>
    public const int SizeFlag = 2;

    private const int MaxSizeLength = 8;

    /// <summary>Bytes of the unit without its size: an OBU element of RTP.</summary>
    public int ElementLength => HeaderLength + PayloadLength;

    /// <summary>obu_type, of a unit's first byte.</summary>
    public static int TypeOf(byte header) => (header >> 3) & 0xF;

    /// <summary>Reads the unit at a position; one without a size goes to the end.</summary>
    /// <returns>False when it is malformed, or does not fit.</returns>
    public static bool TryRead(ReadOnlySpan<byte> units, int start, out Av1Unit unit)
    {
        unit = default;
        if (start >= units.Length || (units[start] & 0x80) != 0)
            return false;
        var headerLength = (units[start] & 4) != 0 ? 2 : 1;
        var position = start + headerLength;
        if (position > units.Length)
            return false;
        var length = units.Length - position;
        if ((units[start] & SizeFlag) != 0 && (!TryReadSize(units, ref position, out length) || length > units.Length - position))
            return false;
        unit = new Av1Unit(start, headerLength, position, length);
        return true;
    }

    /// <summary>Reads leb128(), §4.10.5.</summary>
    public static bool TryReadSize(ReadOnlySpan<byte> data, ref int position, out int value)
    {
        long read = 0;
        value = 0;
        for (var i = 0; i < MaxSizeLength; i++)
        {
            if (position >= data.Length)
                return false;
            var next = data[position++];
            read |= (long)(next & 0x7F) << (7 * i);
            if ((next & 0x80) != 0)
                continue;
            if (read > int.MaxValue)
                return false;
            value = (int)read;
            return true;
        }

        return false;
    }

    /// <summary>Bytes that <see cref="WriteSize"/> writes.</summary>
    public static int MeasureSize(int value)
    {
        var length = 1;
        for (; value > 0x7F; value >>= 7)
            length++;
        return length;
    }

    /// <summary>Writes leb128() as short as it can be.</summary>
    public static void WriteSize(Span<byte> destination, int value)
    {
        var position = 0;
        for (; value > 0x7F; value >>= 7)
            destination[position++] = (byte)((value & 0x7F) | 0x80);
        destination[position] = (byte)value;
    }
}
