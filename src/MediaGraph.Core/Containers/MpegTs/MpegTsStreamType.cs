using MediaGraph.Media;

namespace MediaGraph.Containers.MpegTs;

/// <summary>Values of stream_type (ISO/IEC 13818-1 table 2-34; from 0x80 on they are the user's own).</summary>
public static class MpegTsStreamType
{
    /// <summary>H264 in the byte stream form.</summary>
    public const byte H264 = 0x1B;

    /// <summary>H265 in the byte stream form.</summary>
    public const byte H265 = 0x24;

    /// <summary>G.711 A-law, one channel, as cameras of TP-Link say it.</summary>
    public const byte Pcma = 0x90;

    /// <summary>G.711 µ-law, one channel, as cameras of TP-Link say it.</summary>
    public const byte Pcmu = 0x91;

    /// <summary>The codec's name; null for a type that is not known here.</summary>
    public static string? NameOf(byte type) => type switch
    {
        H264 => CodecNames.H264,
        H265 => CodecNames.H265,
        Pcma => CodecNames.Pcma,
        Pcmu => CodecNames.Pcmu,
        _ => null,
    };
}
