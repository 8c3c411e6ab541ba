namespace MediaGraph.Containers.Flv;

/// <summary>The type of an FLV tag (FLV 10.1 §E.4.1), which is also that of an RTMP message with the same body.</summary>
public enum FlvTagType : byte
{
    /// <summary>Audio.</summary>
    Audio = 8,

    /// <summary>Video.</summary>
    Video = 9,

    /// <summary>AMF0 values: a name and its arguments.</summary>
    Script = 18,
}
