namespace MediaGraph.Containers.MpegTs;

/// <summary>The check sum of sections (ISO/IEC 13818-1 annex A). Over a section with its sum it is 0.</summary>
internal static class MpegTsCrc
{
    private const uint Polynomial = 0x04C11DB7;

    // Sections have some 20 bytes and come once or twice a second: a table would be more than it is worth.
    public static uint Of(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= (uint)value << 24;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc << 1) ^ ((crc >> 31) * Polynomial);
        }

        return crc;
    }
}
