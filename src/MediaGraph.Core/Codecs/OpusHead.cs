using System.Buffers.Binary;

namespace MediaGraph.Codecs;

/// <summary>Opus's identification header (RFC 7845 §5.1).</summary>
/// <param name="Channels">Output channels, 1 to 255.</param>
/// <param name="PreSkip">Samples at 48 kHz that a decoder drops at the start.</param>
internal readonly record struct OpusHead(int Channels, int PreSkip)
{
    /// <summary>The clock of all Opus, whatever its input's rate was (RFC 7587 §4.1).</summary>
    public const int ClockRate = 48_000;

    private const int MinLength = 19;

    /// <summary>Parses the header. Any minor version is taken (§5.1.1.1).</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out OpusHead head)
    {
        head = default;
        if (data.Length < MinLength || !data.StartsWith("OpusHead"u8) || data[8] > 15 || data[9] == 0)
            return false;
        if (data[18] != 0 && data.Length < 21 + data[9])
            return false; // the channel mapping table
        head = new OpusHead(data[9], BinaryPrimitives.ReadUInt16LittleEndian(data[10..]));
        return true;
    }
}
