using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Talk;

namespace MediaGraph.Streams;

/// <summary>Who wants to publish what.</summary>
/// <param name="Stream">The stream's name.</param>
public sealed record PublishRequest(string Stream)
{
    /// <summary>Who publishes.</summary>
    public Peer Peer { get; init; } = Peer.Code;

    /// <summary>Tracks that are known from the start; more can be added.</summary>
    public IReadOnlyList<Track> Tracks { get; init; } = [];

    /// <summary>The device's loudspeaker, for those who talk; null without, or when it is offered later.</summary>
    public ISpeaker? Speaker { get; init; }

    /// <summary>
    /// When the publisher was last heard of, as a timestamp of the hub's <see cref="TimeProvider"/>. Null for one that is never
    /// stale.
    /// </summary>
    public Func<long>? LastHeard { get; init; }

    /// <summary>Called once when the feed was taken away, under no lock, and not by the feed's own end. Must not wait.</summary>
    public Action<CloseReason>? OnRevoked { get; init; }

    /// <summary>The run of a source that publishes; null for who comes by itself.</summary>
    internal SourceSession? Session { get; init; }
}
