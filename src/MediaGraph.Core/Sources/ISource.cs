namespace MediaGraph.Sources;

/// <summary>
/// What a stream can be taken from. The hub runs it when somebody wants the stream, tries again when it fails, and ends it when nobody wants
/// it any more. Between two runs it holds nothing.
/// </summary>
public interface ISource
{
    /// <summary>Its address without user, password and tokens, for logs and snapshots.</summary>
    string Name { get; }

    /// <summary>
    /// Whether it brings only what <see cref="SourceSession.Wanted"/> asks for. One that brings all it has need not look at that.
    /// </summary>
    bool IsSelective => false;

    /// <summary>
    /// Whether it is silent where what it plays is, as a file; then its silence is no failure, and <see cref="SourceOptions.SilenceLimit"/>
    /// does not apply to it.
    /// </summary>
    bool IsSelfPaced => false;

    /// <summary>
    /// One session: connects, calls <see cref="SourceSession.Publish(Streams.PublishRequest)"/>, and feeds until the source ends or the
    /// token is cancelled. When it returns, nothing of the session is left. One call at a time, on a thread of the pool; do not block
    /// it for long.
    /// </summary>
    /// <param name="session">What it is run for.</param>
    /// <param name="cancellationToken">
    /// Cancelled when nobody wants the source any more, when it has connected too slowly or fallen silent, and when the stream is removed. A
    /// call that goes on for 5 s more is left behind, and the source is not run again before it has ended.
    /// </param>
    /// <exception cref="SourceException">It failed for the reason given. The text of any other exception is told to nobody.</exception>
    Task RunAsync(SourceSession session, CancellationToken cancellationToken);
}
