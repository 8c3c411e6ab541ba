using MediaGraph.Graph;

namespace MediaGraph.Relays;

/// <summary>
/// Where a stream can be pushed to. The hub runs it while the stream is there, tries again when it fails, and ends it when it is to be
/// pushed no more. Between two runs it holds nothing.
/// </summary>
public interface IRelayTarget
{
    /// <summary>Its address without user, password, keys and tokens, for logs and snapshots.</summary>
    string Name { get; }

    /// <summary>
    /// One session: connects, subscribes at the session (<see cref="RelaySession"/>) when the destination has agreed, and sends until the
    /// destination or the stream ends, or the token is cancelled. When it returns, nothing of the session is left. One call at a time, on a
    /// thread of the pool; do not block it for long.
    /// </summary>
    /// <param name="session">What it is run for.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the relay is stopped, and when it has connected too slowly. A call that goes on for 5 s more is left behind, and the
    /// target is not run again before it has ended.
    /// </param>
    /// <returns>Why it ended. It is told to snapshots and logs, as the text of an exception is not.</returns>
    Task<CloseReason> RunAsync(RelaySession session, CancellationToken cancellationToken);
}
