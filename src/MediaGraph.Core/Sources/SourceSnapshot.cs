using MediaGraph.Graph;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>A view of a source.</summary>
/// <param name="Name">Its address, without secrets.</param>
/// <param name="State">What it is doing.</param>
/// <param name="StateAge">For how long.</param>
/// <param name="Wanted">What is wanted of it now.</param>
/// <param name="Media">What it is known to have.</param>
/// <param name="Feed">What it feeds; null while it does not.</param>
/// <param name="LastFailure">Why its last session failed; null after a healthy one, and before the first.</param>
/// <param name="NextTryIn">After how long it will be tried again; null while that is not planned.</param>
/// <param name="Runs">Sessions so far.</param>
/// <param name="Failures">Sessions so far that failed.</param>
public sealed record SourceSnapshot(
    string Name,
    SourceState State,
    TimeSpan StateAge,
    SourceMedia Wanted,
    SourceMedia Media,
    FeedSnapshot? Feed,
    CloseReason? LastFailure,
    TimeSpan? NextTryIn,
    long Runs,
    long Failures);
