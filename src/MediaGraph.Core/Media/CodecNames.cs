namespace MediaGraph.Media;

/// <summary>The names of the codecs that MediaGraph understands or passes on, spelled as in RTP's registry where it has them.</summary>
public static class CodecNames
{
    /// <summary>ITU-T H.264.</summary>
    public const string H264 = "H264";

    /// <summary>ITU-T H.265.</summary>
    public const string H265 = "H265";

    /// <summary>ITU-T H.266. Only passed on: NAL units stay as they came.</summary>
    public const string H266 = "H266";

    /// <summary>AOMedia Video 1.</summary>
    public const string Av1 = "AV1";

    /// <summary>VP8 (RFC 6386).</summary>
    public const string Vp8 = "VP8";

    /// <summary>VP9.</summary>
    public const string Vp9 = "VP9";

    /// <summary>Motion JPEG: each picture by itself.</summary>
    public const string Jpeg = "JPEG";

    /// <summary>MPEG-4 audio, raw access units.</summary>
    public const string Aac = "AAC";

    /// <summary>MPEG-1 and MPEG-2 audio layer III.</summary>
    public const string Mp3 = "MP3";

    /// <summary>Opus (RFC 6716).</summary>
    public const string Opus = "Opus";

    /// <summary>Free Lossless Audio Codec (RFC 9639).</summary>
    public const string Flac = "FLAC";

    /// <summary>Dolby Digital (ETSI TS 102 366).</summary>
    public const string Ac3 = "AC3";

    /// <summary>Dolby Digital Plus (ETSI TS 102 366 annex E).</summary>
    public const string EAc3 = "EAC3";

    /// <summary>ITU-T G.711, A-law.</summary>
    public const string Pcma = "PCMA";

    /// <summary>ITU-T G.711, µ-law.</summary>
    public const string Pcmu = "PCMU";

    /// <summary>Linear PCM, 16 bits, big-endian (RFC 3551).</summary>
    public const string L16 = "L16";

    /// <summary>ITU-T G.722.</summary>
    public const string G722 = "G722";

    /// <summary>RTMP data messages (<c>onMetaData</c> and the like): the payload is the AMF0 body.</summary>
    public const string RtmpData = "RTMP-DATA";

    /// <summary>
    /// Metadata of a video track (Enhanced RTMP v2, Metadata Frame), such as HDR's <c>colorInfo</c>: the payload is its AMF0 values.
    /// </summary>
    public const string RtmpVideoMetadata = "RTMP-VIDEO-METADATA";

    /// <summary>
    /// Which speaker each channel of an audio track is for (Enhanced RTMP v2, MultichannelConfig): the payload is that structure.
    /// </summary>
    public const string RtmpChannels = "RTMP-CHANNELS";
}
