using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Security;
using MediaGraph.Sources;

namespace MediaGraph.Streams;

/// <summary>Who wants to be fed by what.</summary>
/// <param name="Stream">The stream's name.</param>
public sealed record SubscribeRequest(string Stream)
{
    /// <summary>Who subscribes.</summary>
    public Peer Peer { get; init; } = Peer.Code;

    /// <summary>The tracks that are wanted, each matched by kind and codec; null for all.</summary>
    public IReadOnlyList<Track>? Wanted { get; init; }

    /// <summary>What it keeps running of the stream's sources; null for what is wanted. For one that holds a lease of its own.</summary>
    internal SourceMedia? Leases { get; init; }

    /// <summary>
    /// Called when the state of a started subscription changes, under no lock, with the reason at its end. Must not wait, and may be
    /// called on any thread.
    /// </summary>
    public Action<SubscriptionState, CloseReason?>? OnStateChanged { get; init; }
}
