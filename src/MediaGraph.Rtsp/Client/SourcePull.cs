using MediaGraph.Sources;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Client;

/// <summary>What a source's pulls have in common: they come one after the other.</summary>
internal sealed class SourcePull(SourceSession session)
{
    public SourceSession Session => session;

    /// <summary>The kinds that were wanted when the last pull looked, or that have been added to it since.</summary>
    public SourceMedia Kinds { get; set; }

    /// <summary>What the session feeds; null before.</summary>
    public Feed? Feed { get; set; }
}
