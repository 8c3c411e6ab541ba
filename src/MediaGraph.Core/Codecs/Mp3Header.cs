namespace MediaGraph.Codecs;

/// <summary>The header of an MPEG audio frame (ISO/IEC 11172-3 §2.4.1.3, ISO/IEC 13818-3 §2.4.1.3).</summary>
/// <param name="SampleRate">Samples per second, 8,000 to 48,000.</param>
/// <param name="Channels">1 or 2.</param>
internal readonly record struct Mp3Header(int SampleRate, int Channels)
{
    private static ReadOnlySpan<int> SampleRates => [44_100, 48_000, 32_000];

    /// <summary>Parses the header of any layer, of MPEG-1, MPEG-2, or the quarter rates of what is called MPEG-2.5.</summary>
    public static bool TryParse(ReadOnlySpan<byte> frame, out Mp3Header header)
    {
        header = default;
        if (frame.Length < 4 || frame[0] != 0xFF || (frame[1] & 0xE0) != 0xE0)
            return false;
        var version = (frame[1] >> 3) & 3; // 3 MPEG-1, 2 MPEG-2, 0 MPEG-2.5
        var layer = (frame[1] >> 1) & 3;
        var rate = (frame[2] >> 2) & 3;
        if (version == 1 || layer == 0 || rate == 3 || frame[2] >> 4 == 15)
            return false;
        var shift = version switch { 3 => 0, 2 => 1, _ => 2 };
        header = new Mp3Header(SampleRates[rate] >> shift, frame[3] >> 6 == 3 ? 1 : 2);
        return true;
    }
}
