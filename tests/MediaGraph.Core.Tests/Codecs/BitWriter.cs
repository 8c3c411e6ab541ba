namespace MediaGraph.Tests.Codecs;

/// <summary>Writes what the parsers read: bits, Exp-Golomb codes, and NAL units with emulation prevention.</summary>
internal sealed class BitWriter
{
    private readonly List<bool> _bits = [];

    public BitWriter Bits(ulong value, int count)
    {
        for (var i = count - 1; i >= 0; i--)
            _bits.Add(((value >> i) & 1) != 0);
        return this;
    }

    public BitWriter Flag(bool value) => Bits(value ? 1u : 0, 1);

    public BitWriter Ue(long value)
    {
        var length = 1;
        while ((value + 1) >> length != 0)
            length++;
        return Bits(0, length - 1).Bits((ulong)(value + 1), length);
    }

    public BitWriter Se(long value) => Ue(value > 0 ? (2 * value) - 1 : -2 * value);

    public byte[] ToArray()
    {
        var bytes = new byte[(_bits.Count + 7) / 8];
        for (var i = 0; i < _bits.Count; i++)
            bytes[i / 8] |= (byte)(_bits[i] ? 0x80 >> (i % 8) : 0);
        return bytes;
    }

    /// <summary>The bits with rbsp_trailing_bits and emulation prevention.</summary>
    public byte[] ToNalUnit()
    {
        Flag(true);
        var escaped = new List<byte>();
        var zeros = 0;
        foreach (var value in ToArray())
        {
            if (zeros >= 2 && value <= 3)
            {
                escaped.Add(3);
                zeros = 0;
            }

            escaped.Add(value);
            zeros = value == 0 ? zeros + 1 : 0;
        }

        return [.. escaped];
    }
}
