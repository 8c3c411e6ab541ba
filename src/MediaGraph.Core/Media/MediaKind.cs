namespace MediaGraph.Media;

/// <summary>What a track carries.</summary>
public enum MediaKind
{
    /// <summary>Pictures: the only kind with keyframes.</summary>
    Video,

    /// <summary>Sound: every packet can be decoded by itself.</summary>
    Audio,

    /// <summary>Anything else that travels with the media, such as RTMP's <c>onMetaData</c>.</summary>
    Data,
}
