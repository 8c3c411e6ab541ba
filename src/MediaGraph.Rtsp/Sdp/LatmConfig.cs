using MediaGraph.Codecs;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>StreamMuxConfig (ISO/IEC 14496-3 §1.7.3): of one program with one layer, whose frames say their lengths.</summary>
/// <param name="SubFrames">Access units in an AudioMuxElement, 1 to 64.</param>
/// <param name="OtherDataBits">Bits behind them that are no audio.</param>
/// <param name="AudioPosition">Where the AudioSpecificConfig is, in bits.</param>
/// <param name="AudioBits">Its bits.</param>
internal readonly record struct LatmConfig(int SubFrames, int OtherDataBits, int AudioPosition, int AudioBits)
{
    /// <summary>The longest AudioSpecificConfig that is taken, in bytes.</summary>
    public const int MaxAudioLength = 512;

    private const int MaxOtherDataBits = 1 << 20;
    private const int Sbr = 5;
    private const int Ps = 29;

    /// <summary>Reads a configuration.</summary>
    /// <param name="data">What it is in.</param>
    /// <param name="position">Where it begins, and after it where it ends, in bits.</param>
    /// <param name="mayBeCut">Whether it may end with the AudioSpecificConfig, as GStreamer's does in session descriptions.</param>
    /// <param name="config">What it says.</param>
    /// <returns>Why it cannot be understood; null where it can.</returns>
    public static string? Read(ReadOnlySpan<byte> data, ref int position, bool mayBeCut, out LatmConfig config)
    {
        config = default;
        var total = data.Length * 8;
        var reader = new BitReader(data);
        reader.Skip(position);
        var version = reader.ReadBits(1);
        if (version == 1)
        {
            if (reader.ReadFlag())
                return "MP4A-LATM of a version that is not understood"; // audioMuxVersionA
            ReadValue(ref reader); // taraBufferFullness
        }

        if (!reader.ReadFlag())
            return "MP4A-LATM with streams of different framing"; // allStreamsSameTimeFraming
        var subFrames = (int)reader.ReadBits(6) + 1;
        if (reader.ReadBits(4) != 0 || reader.ReadBits(3) != 0)
            return "MP4A-LATM with several programs or layers";

        var audioLength = version == 1 ? ReadValue(ref reader) : 0;
        var start = total - (int)reader.Remaining;
        if (audioLength > MaxAudioLength * 8)
            return "MP4A-LATM with an AudioSpecificConfig that is too long";
        if (version == 1)
            reader.Skip((int)audioLength);
        else if (!TrySkipAudioConfig(ref reader))
            return "MP4A-LATM with audio that is not understood";
        if (reader.Failed)
            return "MP4A-LATM with a malformed configuration";
        var audioBits = total - (int)reader.Remaining - start;

        if (reader.ReadBits(3) != 0)
            return "MP4A-LATM with frames of a fixed length"; // frameLengthType
        reader.Skip(8); // latmBufferFullness
        var otherDataBits = reader.ReadFlag() ? ReadOtherDataLength(ref reader, version) : 0;
        if (reader.ReadFlag())
            reader.Skip(8); // crcCheckSum
        if (reader.Failed ? !mayBeCut : otherDataBits > MaxOtherDataBits)
            return "MP4A-LATM with a malformed configuration";
        position = total - (int)reader.Remaining;
        config = new LatmConfig(subFrames, reader.Failed ? 0 : (int)otherDataBits, start, audioBits);
        return null;
    }

    /// <summary>The AudioSpecificConfig.</summary>
    /// <param name="data">What the configuration was read from.</param>
    /// <param name="buffer">Room for <see cref="MaxAudioLength"/>.</param>
    public ReadOnlySpan<byte> CopyAudioConfig(ReadOnlySpan<byte> data, Span<byte> buffer)
    {
        var audio = buffer[..((AudioBits + 7) / 8)];
        CopyBits(data, AudioPosition, audio);
        if (AudioBits % 8 != 0)
            audio[^1] &= (byte)(0xFF << (8 - (AudioBits % 8)));
        return audio;
    }

    /// <summary>Copies bytes that begin at any bit. Behind the end of the data there are zeros.</summary>
    public static void CopyBits(ReadOnlySpan<byte> data, int position, Span<byte> destination)
    {
        var source = data[(position >> 3)..];
        var shift = position & 7;
        if (shift == 0)
        {
            source[..destination.Length].CopyTo(destination);
            return;
        }

        for (var i = 0; i < destination.Length; i++)
        {
            var next = i + 1 < source.Length ? source[i + 1] : 0;
            destination[i] = (byte)((source[i] << shift) | (next >> (8 - shift)));
        }
    }

    // LatmGetValue.
    private static uint ReadValue(ref BitReader reader)
    {
        var length = (int)reader.ReadBits(2) + 1;
        return reader.ReadBits(length * 8);
    }

    private static uint ReadOtherDataLength(ref BitReader reader, uint version)
    {
        if (version == 1)
            return ReadValue(ref reader);
        for (uint length = 0; ;)
        {
            var continues = reader.ReadFlag(); // otherDataLenEsc
            length = (length << 8) | reader.ReadBits(8);
            if (!continues || length > MaxOtherDataBits)
                return length;
        }
    }

    // In version 0 nothing says how long it is (§1.6.2.1): only AAC's own can be passed over.
    private static bool TrySkipAudioConfig(ref BitReader reader)
    {
        var objectType = reader.ReadBits(5);
        SkipSampleRate(ref reader);
        var channels = reader.ReadBits(4);
        if (objectType is Sbr or Ps)
        {
            SkipSampleRate(ref reader);
            objectType = reader.ReadBits(5);
        }

        var isErrorResilient = objectType is 17 or 19 or 23;
        if ((objectType is < 1 or > 4 && !isErrorResilient) || channels == 0)
            return false; // no channels: a layout in a program_config_element follows
        reader.Skip(1); // frameLengthFlag
        if (reader.ReadFlag())
            reader.Skip(14); // coreCoderDelay
        if (reader.ReadFlag()) // extensionFlag
            reader.Skip(isErrorResilient ? 3 + 1 : 1);
        if (isErrorResilient && reader.ReadBits(2) > 1)
            return false; // epConfig: error protection follows
        SkipBackwardCompatibleExtension(ref reader);
        return true;
    }

    // It stands where frameLengthType would, which never begins with these bits.
    private static void SkipBackwardCompatibleExtension(ref BitReader reader)
    {
        var ahead = reader;
        if (ahead.ReadBits(11) != 0x2B7 || ahead.ReadBits(5) != Sbr)
            return;
        if (ahead.ReadFlag())
        {
            SkipSampleRate(ref ahead);
            var behind = ahead;
            if (behind.ReadBits(11) == 0x548)
            {
                behind.Skip(1);
                ahead = behind;
            }
        }

        reader = ahead;
    }

    private static void SkipSampleRate(ref BitReader reader)
    {
        if (reader.ReadBits(4) == 15)
            reader.Skip(24);
    }
}
