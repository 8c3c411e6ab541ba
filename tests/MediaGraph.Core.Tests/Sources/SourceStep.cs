using MediaGraph.Sources;

namespace MediaGraph.Tests.Sources;

internal enum SourceStepKind
{
    Join, Leave, Lease, Release, Publish, Write, Fail, Return, Finish, Talk, Hush, Disable, Enable, Delete, Add, Pass,
}

/// <summary>Something that happens to a stream with one source. What cannot happen when its turn comes, does not.</summary>
/// <param name="Kind">What.</param>
/// <param name="Number">Which, or how much.</param>
internal sealed record SourceStep(SourceStepKind Kind, int Number)
{
    private static readonly int[] Quarters = [1, 2, 4, 10, 20, 24, 41, 62];

    /// <summary>What a viewer wants: everything, pictures in one codec, or sound.</summary>
    public static readonly SourceMedia[] Wants = [SourceMedia.Video | SourceMedia.Audio, SourceMedia.Video, SourceMedia.Audio];

    /// <summary>What a session brings.</summary>
    public static readonly (SourceMedia Media, bool IsOtherCodec)[] Offers =
    [
        (SourceMedia.Video | SourceMedia.Audio, false), (SourceMedia.Video, false), (SourceMedia.All, false),
        (SourceMedia.Video | SourceMedia.Audio, true), (SourceMedia.Audio, false), (SourceMedia.Video | SourceMedia.Talk, true),
    ];

    public SourceMedia Wanted => Wants[Number % Wants.Length];

    public SourceMedia Leased => ((SourceMedia[])[.. Wants, SourceMedia.Talk])[Number % 4];

    public (SourceMedia Media, bool IsOtherCodec) Offer => Offers[Number % Offers.Length];

    /// <summary>Quarters of a second.</summary>
    public int Time => Quarters[Number % Quarters.Length];

    public override string ToString() => Kind switch
    {
        SourceStepKind.Join => $"A viewer joins, for {Wanted}.",
        SourceStepKind.Leave => $"Viewer {Number} leaves, of those that are there.",
        SourceStepKind.Lease => $"Somebody takes a lease on {Leased}.",
        SourceStepKind.Release => $"Lease {Number} is released, of those that are held.",
        SourceStepKind.Publish => $"The source comes up with {Offer.Media}{(Offer.IsOtherCodec ? ", in another codec" : "")}.",
        SourceStepKind.Write => "The source sends a frame of each track.",
        SourceStepKind.Fail => "The source fails.",
        SourceStepKind.Return => "The source ends without a word.",
        SourceStepKind.Finish => "The source has brought all that it had.",
        SourceStepKind.Talk => "Somebody talks.",
        SourceStepKind.Hush => $"Talker {Number} leaves, of those that are there.",
        SourceStepKind.Disable => "The stream is disabled.",
        SourceStepKind.Enable => "The stream is enabled.",
        SourceStepKind.Delete => "The stream is deleted.",
        SourceStepKind.Add => "The stream is added.",
        _ => $"{Time / 4.0:0.00} s pass.",
    };
}
