namespace MediaGraph.Codecs;

/// <summary>
/// Reads bits, most significant first. Reading past the end sets <see cref="Failed"/> and gives 0 from then on, so that a
/// parser may read a whole structure and ask once.
/// </summary>
internal ref struct BitReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private long _position; // bits

    /// <summary>Whether anything was read past the end, or was no valid code.</summary>
    public bool Failed { get; private set; }

    /// <summary>Bits that are left; 0 after a failure.</summary>
    public readonly long Remaining => Failed ? 0 : (_data.Length * 8L) - _position;

    /// <summary>Reads an unsigned number of 0 to 32 bits: u(n).</summary>
    public uint ReadBits(int count)
    {
        if (count > Remaining)
        {
            Failed = true;
            return 0;
        }

        ulong value = 0;
        var read = 0;
        while (read < count)
        {
            var used = (int)(_position & 7);
            var take = Math.Min(8 - used, count - read);
            var bits = (_data[(int)(_position >> 3)] >> (8 - used - take)) & ((1 << take) - 1);
            value = (value << take) | (uint)bits;
            read += take;
            _position += take;
        }

        return (uint)value;
    }

    /// <summary>Reads one bit: u(1).</summary>
    public bool ReadFlag() => ReadBits(1) != 0;

    /// <summary>Reads an unsigned Exp-Golomb code of up to 2³² − 2: ue(v), ITU-T H.264 §9.1.</summary>
    public uint ReadUe()
    {
        var zeros = 0;
        while (!ReadFlag())
        {
            if (Failed || ++zeros > 31)
            {
                Failed = true;
                return 0;
            }
        }

        var suffix = ReadBits(zeros);
        return Failed ? 0 : (uint)((1UL << zeros) - 1) + suffix;
    }

    /// <summary>Reads an unsigned Exp-Golomb code and fails when it exceeds the largest value that the syntax allows.</summary>
    public int ReadUe(int maximum)
    {
        var value = ReadUe();
        if (value <= (uint)maximum)
            return (int)value;
        Failed = true;
        return 0;
    }

    /// <summary>Reads a signed Exp-Golomb code: se(v), ITU-T H.264 §9.1.1.</summary>
    public int ReadSe()
    {
        var code = ReadUe();
        var magnitude = (int)((code >> 1) + (code & 1)); // at most 2³¹ − 1
        return (code & 1) != 0 ? magnitude : -magnitude;
    }

    /// <summary>Marks what was read as malformed.</summary>
    public void Fail() => Failed = true;

    /// <summary>Passes over bits.</summary>
    public void Skip(int count)
    {
        if (count > Remaining)
            Failed = true;
        else
            _position += count;
    }
}
