namespace MediaGraph.Streams;

/// <summary>A stream cannot be published, played or talked to. The message can be shown to the peer.</summary>
/// <param name="error">For programs.</param>
/// <param name="message">For people; without secrets.</param>
public sealed class StreamException(StreamError error, string message) : Exception(message)
{
    /// <summary>For programs.</summary>
    public StreamError Error { get; } = error;

    /// <summary>After how long it may be otherwise; null where nobody knows.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
