using System.Text.Json.Serialization;

namespace MediaGraph.LoadTest;

/// <summary>What was wrong with the frames that a viewer got, each counted as what it is.</summary>
internal record struct FrameFaults
{
    /// <summary>Places where frames are missing.</summary>
    public long Gaps { get; set; }

    /// <summary>Frames that are missing there.</summary>
    public long Lost { get; set; }

    /// <summary>Gaps after which the next frame is no keyframe.</summary>
    public long MidGroupResumes { get; set; }

    /// <summary>Viewers whose first frame is no keyframe, or comes before the codec's parameters.</summary>
    public long BadStarts { get; set; }

    /// <summary>Frames that came after a later one.</summary>
    public long Reordered { get; set; }

    /// <summary>Frames that came again.</summary>
    public long Duplicates { get; set; }

    /// <summary>Frames and parameters that are not what was published: torn, altered, or of another stream.</summary>
    public long Corrupt { get; set; }

    /// <summary>Whether there is any that not even a viewer which reads too slowly may see.</summary>
    [JsonIgnore]
    public readonly bool IsWrong => MidGroupResumes + BadStarts + Reordered + Duplicates + Corrupt > 0;

    public static FrameFaults operator +(FrameFaults one, FrameFaults other) => new()
    {
        Gaps = one.Gaps + other.Gaps,
        Lost = one.Lost + other.Lost,
        MidGroupResumes = one.MidGroupResumes + other.MidGroupResumes,
        BadStarts = one.BadStarts + other.BadStarts,
        Reordered = one.Reordered + other.Reordered,
        Duplicates = one.Duplicates + other.Duplicates,
        Corrupt = one.Corrupt + other.Corrupt,
    };
}
