using MediaGraph.Delivery;
using MediaGraph.Graph;

namespace MediaGraph.Relays;

/// <summary>A view of a relay.</summary>
/// <param name="Stream">The name of the stream that is pushed, whether there is one now or not.</param>
/// <param name="Name">The destination, without secrets.</param>
/// <param name="State">What it is doing.</param>
/// <param name="StateAge">For how long.</param>
/// <param name="Reason">Why it waits or has stopped, or why its last session failed; null when it is well.</param>
/// <param name="NextTryIn">After how long it will be tried again; null while that is not planned.</param>
/// <param name="Packets">What was sent and what was dropped, over all sessions and tracks.</param>
/// <param name="Sessions">Sessions so far.</param>
/// <param name="Failures">Sessions so far that failed.</param>
public sealed record RelaySnapshot(
    string Stream,
    string Name,
    RelayState State,
    TimeSpan StateAge,
    CloseReason? Reason,
    TimeSpan? NextTryIn,
    SenderStatistics Packets,
    long Sessions,
    long Failures);
