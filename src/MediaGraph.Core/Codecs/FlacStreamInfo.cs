namespace MediaGraph.Codecs;

/// <summary>FLAC's stream information (RFC 9639 §8.2).</summary>
/// <param name="SampleRate">Samples per second, 1 to 1,048,575.</param>
/// <param name="Channels">1 to 8.</param>
internal readonly record struct FlacStreamInfo(int SampleRate, int Channels)
{
    /// <summary>Bytes of the metadata block, without its header.</summary>
    public const int Length = 34;

    /// <summary>
    /// Parses the block alone, behind its header, or behind the stream's marker and the header: senders differ.
    /// </summary>
    /// <param name="data">The bytes; other metadata blocks may follow.</param>
    /// <param name="info">What the block says.</param>
    /// <param name="block">The block alone.</param>
    public static bool TryParse(ReadOnlySpan<byte> data, out FlacStreamInfo info, out ReadOnlySpan<byte> block)
    {
        info = default;
        block = default;
        if (data.StartsWith("fLaC"u8))
            data = data[4..];
        if (data is [0x00 or 0x80, 0, 0, Length, ..] && data.Length >= 4 + Length)
            data = data[4..];
        else if (data.Length != Length)
            return false;
        block = data[..Length];
        var reader = new BitReader(block[10..]); // behind the sizes of blocks and frames
        info = new FlacStreamInfo((int)reader.ReadBits(20), (int)reader.ReadBits(3) + 1);
        return info.SampleRate > 0;
    }
}
