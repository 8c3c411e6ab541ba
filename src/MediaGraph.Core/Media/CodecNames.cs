namespace MediaGraph.Media;

/// <summary>The names of the codecs that MediaGraph understands, spelled as in RTP's registry where it has them.</summary>
public static class CodecNames
{
    /// <summary>ITU-T H.264.</summary>
    public const string H264 = "H264";

    /// <summary>ITU-T H.265.</summary>
    public const string H265 = "H265";

    /// <summary>MPEG-4 audio, raw access units.</summary>
    public const string Aac = "AAC";

    /// <summary>RTMP data messages (<c>onMetaData</c> and the like): the payload is the AMF0 body.</summary>
    public const string RtmpData = "RTMP-DATA";
}
