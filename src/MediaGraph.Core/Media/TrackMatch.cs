using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Media;

/// <summary>A track that one peer sends and another wants, and the codec in which it goes.</summary>
/// <param name="Offered">The track that is sent.</param>
/// <param name="Wanted">The track to be received.</param>
/// <param name="Codec">The codec: one of the offered track's.</param>
public readonly record struct TrackMatch(Track Offered, Track Wanted, Codec Codec)
{
    /// <summary>
    /// Finds for each wanted track the offered one, of its kind, that has the codec it prefers most. Each offered track is used
    /// once; tracks that go the other way are left out of account.
    /// </summary>
    /// <param name="offered">The tracks of the peer that sends.</param>
    /// <param name="wanted">The tracks of the peer that receives.</param>
    /// <param name="matches">The matches in the order of the wanted tracks, which need not all have one.</param>
    /// <param name="failure">When nothing matches, why: <c>codecs not matched: H264, AAC ⇒ VP8</c>.</param>
    /// <returns>Whether anything matches.</returns>
    public static bool TryMatch(
        IReadOnlyList<Track> offered, IReadOnlyList<Track> wanted, out IReadOnlyList<TrackMatch> matches,
        [NotNullWhen(false)] out string? failure)
    {
        ArgumentNullException.ThrowIfNull(offered);
        ArgumentNullException.ThrowIfNull(wanted);
        var free = offered.Where(track => track.Direction == TrackDirection.SendOnly).ToList();
        var takers = wanted.Where(track => track.Direction == TrackDirection.ReceiveOnly).ToList();
        failure = $"codecs not matched: {Describe(free)} ⇒ {Describe(takers)}";

        var found = new List<TrackMatch>();
        foreach (var taker in takers)
        {
            if (Find(free, taker) is { } match)
            {
                found.Add(match);
                free.Remove(match.Offered);
            }
        }

        matches = found;
        if (found.Count > 0)
            failure = null;
        return failure is null;
    }

    private static TrackMatch? Find(List<Track> offered, Track wanted)
    {
        var candidates = offered.Where(track => track.Kind == wanted.Kind);
        if (wanted.Codecs.IsEmpty)
            return candidates.Select(track => new TrackMatch(track, wanted, track.Codecs[0])).Cast<TrackMatch?>().FirstOrDefault();
        var pairs =
            from preferred in wanted.Codecs
            from track in candidates
            from codec in track.Codecs
            where Suits(codec, preferred)
            select (TrackMatch?)new TrackMatch(track, wanted, codec);
        return pairs.FirstOrDefault();
    }

    // Parameters are the sender's to say. A name alone (no channels) takes any clock rate, and never an opaque codec, whose
    // packets are no frames.
    private static bool Suits(Codec offered, Codec wanted) =>
        string.Equals(offered.Name, wanted.Name, StringComparison.OrdinalIgnoreCase) && offered.Form == wanted.Form &&
        (wanted.Channels == 0 || (offered.ClockRate == wanted.ClockRate && offered.Channels == wanted.Channels));

    private static string Describe(List<Track> tracks)
    {
        var names = tracks.SelectMany(track =>
            track.Codecs.IsEmpty ? [$"any {Track.Name(track.Kind)}"] : track.Codecs.Select(codec => codec.Name));
        var text = string.Join(", ", names.Distinct());
        return text.Length > 0 ? text : "nothing";
    }
}
