namespace MediaGraph.Codecs;

/// <summary>The start of an AC-3 or E-AC-3 frame (ETSI TS 102 366 §4.4.1 and §E.1.2).</summary>
/// <param name="IsEnhanced">Whether it is E-AC-3.</param>
/// <param name="SampleRate">Samples per second, 8,000 to 48,000.</param>
/// <param name="Channels">1 to 6, the low frequency channel counted.</param>
internal readonly record struct Ac3Header(bool IsEnhanced, int SampleRate, int Channels)
{
    private static ReadOnlySpan<int> SampleRates => [48_000, 44_100, 32_000];

    private static ReadOnlySpan<int> ChannelsOfMode => [2, 1, 2, 3, 3, 4, 4, 5];

    /// <summary>Parses the header of the first frame.</summary>
    public static bool TryParse(ReadOnlySpan<byte> frame, out Ac3Header header)
    {
        header = default;
        if (frame.Length < 8 || frame is not [0x0B, 0x77, ..])
            return false;
        var identification = frame[5] >> 3; // bsid, at the same place in both
        return identification switch
        {
            <= 10 => TryParseAc3(frame, Math.Max(0, identification - 8), out header),
            <= 16 => TryParseEnhanced(frame, out header),
            _ => false,
        };
    }

    private static bool TryParseAc3(ReadOnlySpan<byte> frame, int rateShift, out Ac3Header header)
    {
        header = default;
        var reader = new BitReader(frame);
        reader.Skip(32); // syncword, crc1
        var rate = (int)reader.ReadBits(2);
        reader.Skip(6 + 5 + 3); // frmsizecod, bsid, bsmod
        var mode = (int)reader.ReadBits(3);
        if (rate > 2)
            return false;
        if ((mode & 1) != 0 && mode != 1)
            reader.Skip(2); // cmixlev
        if ((mode & 4) != 0)
            reader.Skip(2); // surmixlev
        if (mode == 2)
            reader.Skip(2); // dsurmod
        header = new Ac3Header(false, SampleRates[rate] >> rateShift, ChannelsOfMode[mode] + (reader.ReadFlag() ? 1 : 0));
        return true;
    }

    private static bool TryParseEnhanced(ReadOnlySpan<byte> frame, out Ac3Header header)
    {
        header = default;
        var reader = new BitReader(frame);
        reader.Skip(16 + 2 + 3 + 11); // syncword, strmtyp, substreamid, frmsiz
        var rate = (int)reader.ReadBits(2);
        var second = (int)reader.ReadBits(2); // fscod2 at half rates, numblkscod otherwise
        if (rate == 3 && second == 3)
            return false;
        var mode = (int)reader.ReadBits(3);
        var sampleRate = rate == 3 ? SampleRates[second] / 2 : SampleRates[rate];
        header = new Ac3Header(true, sampleRate, ChannelsOfMode[mode] + (reader.ReadFlag() ? 1 : 0));
        return true;
    }
}
