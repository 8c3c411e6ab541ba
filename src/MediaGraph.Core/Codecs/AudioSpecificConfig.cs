using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Codecs;

/// <summary>The parameters of MPEG-4 audio (ISO/IEC 14496-3 §1.6.2.1).</summary>
public sealed record AudioSpecificConfig
{
    private const int AacLc = 2;
    private const int Sbr = 5;
    private const int ErAacLd = 23;
    private const int Ps = 29;
    private const int Escape = 31;
    private const int ErAacEld = 39;
    private const int ExplicitRate = 15;

    /// <summary>audioObjectType of the core coder: 2 AAC LC, 1 Main, 23 ER AAC LD, 39 ER AAC ELD …; 1 to 95, not 31.</summary>
    public int ObjectType { get; init; } = AacLc;

    /// <summary>Samples per second of the core coder, 1 to 16,777,215: the clock in which a frame is <see cref="FrameLength"/>.</summary>
    public int SampleRate { get; init; } = 44_100;

    /// <summary>channelConfiguration, 0 to 15: 1 to 6 are as many channels, 7 is 7.1, 0 leaves it to the stream.</summary>
    public int ChannelConfiguration { get; init; } = 2;

    /// <summary>Samples per channel in a frame of the core coder: 1024 or 960; 512 or 480 for LD and ELD.</summary>
    public int FrameLength { get; init; } = 1024;

    /// <summary>Samples per second behind spectral band replication (HE-AAC); null when the configuration does not signal it.</summary>
    public int? ExtensionSampleRate { get; init; }

    /// <summary>Whether parametric stereo makes two channels of one (HE-AAC v2).</summary>
    public bool HasParametricStereo { get; init; }

    /// <summary>Channels of the core coder (table 1.19); 0 where the stream itself says so.</summary>
    public int Channels => ChannelConfiguration switch
    {
        <= 6 => ChannelConfiguration,
        7 or 12 or 14 => 8,
        11 => 7,
        13 => 24,
        _ => 0,
    };

    private static ReadOnlySpan<int> SampleRates =>
        [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

    private bool IsLowDelay => ObjectType is ErAacLd or ErAacEld;

    // GASpecificConfig follows (table 1.15).
    private bool IsGeneralAudio => ObjectType is 1 or 2 or 3 or 4 or 6 or 7 or 17 or 19 or 20 or 21 or 22 or ErAacLd;

    private bool IsErrorResilient => ObjectType is 17 or (>= 19 and <= 27) or ErAacEld;

    /// <summary>Parses a configuration. What a decoder alone needs is not looked at, nor is a channel layout in the stream.</summary>
    /// <returns>False when the bytes are malformed or say a reserved sample rate.</returns>
    public static bool TryParse(ReadOnlySpan<byte> data, [NotNullWhen(true)] out AudioSpecificConfig? config)
    {
        config = null;
        var reader = new BitReader(data);
        var objectType = ReadObjectType(ref reader);
        var sampleRate = ReadSampleRate(ref reader);
        var channelConfiguration = (int)reader.ReadBits(4);
        int? extensionSampleRate = null;
        var hasParametricStereo = objectType == Ps;
        if (objectType is Sbr or Ps) // hierarchical signalling: the core coder's type comes second
        {
            extensionSampleRate = ReadSampleRate(ref reader);
            objectType = ReadObjectType(ref reader);
            if (objectType is Sbr or Ps)
                return false;
            if (objectType == 22)
                reader.Skip(4); // extensionChannelConfiguration
        }

        if (reader.Failed || objectType == 0 || sampleRate == 0 || extensionSampleRate == 0)
            return false;

        var parsed = new AudioSpecificConfig
        {
            ObjectType = objectType,
            SampleRate = sampleRate,
            ChannelConfiguration = channelConfiguration,
            ExtensionSampleRate = extensionSampleRate,
            HasParametricStereo = hasParametricStereo,
        };
        if (parsed.IsGeneralAudio || objectType == ErAacEld)
        {
            // A configuration that ends before this flag is common, and means the usual length.
            var isShort = reader.Remaining > 0 && reader.ReadFlag();
            parsed = parsed with { FrameLength = parsed.IsLowDelay ? (isShort ? 480 : 512) : (isShort ? 960 : 1024) };
        }

        config = parsed.WithBackwardCompatibleExtension(ref reader);
        return true;
    }

    /// <summary>Parses the header in front of an ADTS frame (§1.A.2.2).</summary>
    /// <param name="frame">Bytes from the syncword on.</param>
    /// <param name="config">The configuration that the header states.</param>
    /// <param name="headerLength">Bytes before the raw data: 7, or 9 with a checksum.</param>
    /// <param name="frameLength">Bytes of the whole frame with its header; may exceed what is there.</param>
    /// <returns>False when this is no ADTS header, or it is cut.</returns>
    public static bool TryParseAdts(
        ReadOnlySpan<byte> frame, [NotNullWhen(true)] out AudioSpecificConfig? config, out int headerLength, out int frameLength)
    {
        config = null;
        headerLength = frameLength = 0;
        if (frame.Length < 7 || frame[0] != 0xFF || (frame[1] & 0xF6) != 0xF0)
            return false;
        var rateIndex = (frame[2] >> 2) & 15;
        headerLength = (frame[1] & 1) != 0 ? 7 : 9;
        frameLength = ((frame[3] & 3) << 11) | (frame[4] << 3) | (frame[5] >> 5);
        if (rateIndex >= SampleRates.Length || frameLength < headerLength)
            return false;
        config = new AudioSpecificConfig
        {
            ObjectType = (frame[2] >> 6) + 1,
            SampleRate = SampleRates[rateIndex],
            ChannelConfiguration = ((frame[2] & 1) << 2) | (frame[3] >> 6),
        };
        return true;
    }

    /// <summary>Builds the configuration, with hierarchical signalling of spectral band replication and parametric stereo.</summary>
    /// <exception cref="InvalidOperationException">A property is out of its range.</exception>
    public byte[] ToArray()
    {
        if (ObjectType is < 1 or Sbr or Ps or Escape or > 95 || SampleRate is < 1 or > 0xFFFFFF ||
            ExtensionSampleRate is < 1 or > 0xFFFFFF || ChannelConfiguration is < 0 or > 15)
            throw new InvalidOperationException("The audio configuration is out of range.");

        UInt128 bits = 0;
        var count = 0;
        void Write(int value, int length)
        {
            bits = (bits << length) | (uint)value;
            count += length;
        }

        void WriteObjectType(int type)
        {
            Write(Math.Min(type, Escape), 5);
            if (type > Escape)
                Write(type - Escape - 1, 6);
        }

        void WriteSampleRate(int rate)
        {
            var index = SampleRates.IndexOf(rate);
            Write(index < 0 ? ExplicitRate : index, 4);
            if (index < 0)
                Write(rate, 24);
        }

        if (ExtensionSampleRate is not null)
            WriteObjectType(HasParametricStereo ? Ps : Sbr);
        else
            WriteObjectType(ObjectType);
        WriteSampleRate(SampleRate);
        Write(ChannelConfiguration, 4);
        if (ExtensionSampleRate is { } extensionSampleRate)
        {
            WriteSampleRate(extensionSampleRate);
            WriteObjectType(ObjectType);
            if (ObjectType == 22)
                Write(ChannelConfiguration, 4);
        }

        if (IsGeneralAudio || ObjectType == ErAacEld)
        {
            Write(FrameLength is 960 or 480 ? 1 : 0, 1);
            Write(0, 2); // GA: dependsOnCoreCoder, extensionFlag; ELD: two resilience flags
            if (ObjectType == ErAacEld)
                Write(0, 2 + 4); // the third resilience flag, ldSbrPresentFlag, ELDEXT_TERM
            else if (ObjectType is 6 or 20)
                Write(0, 3); // layerNr
        }

        if (IsErrorResilient)
            Write(0, 2); // epConfig

        var bytes = new byte[(count + 7) / 8];
        bits <<= (bytes.Length * 8) - count;
        for (var i = bytes.Length - 1; i >= 0; i--, bits >>= 8)
            bytes[i] = (byte)bits;
        return bytes;
    }

    private static int ReadObjectType(ref BitReader reader)
    {
        var type = (int)reader.ReadBits(5);
        return type == Escape ? Escape + 1 + (int)reader.ReadBits(6) : type;
    }

    // 0 stands for a reserved index.
    private static int ReadSampleRate(ref BitReader reader)
    {
        var index = (int)reader.ReadBits(4);
        return index == ExplicitRate ? (int)reader.ReadBits(24) : index < SampleRates.Length ? SampleRates[index] : 0;
    }

    // §1.6.5.2: old decoders stop before this. Encoders write it behind AAC LC only, and mostly to say that there is no SBR.
    private AudioSpecificConfig WithBackwardCompatibleExtension(ref BitReader reader)
    {
        if (ObjectType != AacLc || ExtensionSampleRate is not null || ChannelConfiguration == 0 || reader.Remaining < 18)
            return this;
        var isPlain = reader.ReadBits(2) == 0; // dependsOnCoreCoder, extensionFlag: nothing stands between here and the extension
        if (!isPlain || reader.ReadBits(11) != 0x2B7 || ReadObjectType(ref reader) != Sbr || !reader.ReadFlag())
            return this;
        var rate = ReadSampleRate(ref reader);
        if (reader.Failed || rate == 0)
            return this;
        var hasParametricStereo = reader.Remaining >= 12 && reader.ReadBits(11) == 0x548 && reader.ReadFlag();
        return this with { ExtensionSampleRate = rate, HasParametricStereo = hasParametricStereo };
    }
}
