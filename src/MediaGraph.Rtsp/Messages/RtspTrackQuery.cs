using System.Collections.Immutable;
using MediaGraph.Media;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Messages;

/// <summary>
/// What a viewer wants, as the query of its URL says: <c>?video=h264,h265&amp;audio=aac</c>. A parameter is a track, its value the codecs
/// that suit, the best first; <c>?video</c> alone, <c>copy</c>, <c>any</c> and <c>all</c> stand for any codec.
/// </summary>
/// <param name="Tracks">The tracks wanted; empty when the query does not say: all there are.</param>
/// <param name="HasBackchannel">Whether the viewer wants to talk (<c>backchannel=1</c>).</param>
internal sealed record RtspTrackQuery(ImmutableArray<Track> Tracks, bool HasBackchannel)
{
    private const int MaxTracks = 8;
    private const int MaxCodecs = 8;
    private const int MaxNameLength = 32;

    /// <summary>Reads a query; other parameters are for others.</summary>
    public static RtspTrackQuery Parse(string query)
    {
        var tracks = ImmutableArray.CreateBuilder<Track>();
        var hasBackchannel = false;
        foreach (var (name, value) in UrlQuery.Read(query))
        {
            if (name.Equals("video", StringComparison.OrdinalIgnoreCase) && tracks.Count < MaxTracks)
                tracks.Add(Read(MediaKind.Video, value));
            else if (name.Equals("audio", StringComparison.OrdinalIgnoreCase) && tracks.Count < MaxTracks)
                tracks.Add(Read(MediaKind.Audio, value));
            else if (name.Equals("backchannel", StringComparison.OrdinalIgnoreCase))
                hasBackchannel = value == "1";
        }

        return new RtspTrackQuery(tracks.ToImmutable(), hasBackchannel);
    }

    private static Track Read(MediaKind kind, string value)
    {
        var names = value.Split(',', MaxCodecs + 1, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Take(MaxCodecs).Where(name => name.Length <= MaxNameLength).Select(NameOf).ToArray();
        return names.Length == 0 || names.Contains("ANY")
            ? Track.Any(kind)
            : kind == MediaKind.Video ? Track.Video(names) : Track.Audio(names);
    }

    private static string NameOf(string name) => name.ToUpperInvariant() switch
    {
        "ANY" or "ALL" or "COPY" => "ANY",
        "MJPEG" => CodecNames.Jpeg,
        "HEVC" => CodecNames.H265,
        "MPEG4-GENERIC" => CodecNames.Aac,
        "OPUS" => CodecNames.Opus,
        var upper => upper,
    };
}
