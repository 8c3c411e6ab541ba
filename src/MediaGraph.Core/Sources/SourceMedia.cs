using MediaGraph.Media;

namespace MediaGraph.Sources;

/// <summary>Kinds of media that are wanted of a source, or that it has. A protocol's own data go with the pictures, or with the sound.</summary>
[Flags]
public enum SourceMedia
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Pictures.</summary>
    Video = 1,

    /// <summary>Sound.</summary>
    Audio = 2,

    /// <summary>A loudspeaker to talk through.</summary>
    Talk = 4,

    /// <summary>All of them.</summary>
    All = Video | Audio | Talk,
}

/// <summary>How the kinds of the graph are those of sources.</summary>
internal static class SourceMediaKinds
{
    /// <summary>What viewers want.</summary>
    public const SourceMedia Viewed = SourceMedia.Video | SourceMedia.Audio;

    public static SourceMedia Of(MediaKind kind) => kind switch
    {
        MediaKind.Video => SourceMedia.Video,
        MediaKind.Audio => SourceMedia.Audio,
        _ => SourceMedia.None,
    };
}
