using MediaGraph.Graph;

namespace MediaGraph.Sources;

/// <summary>Why a source does not deliver. The text is told to viewers and logs: it holds no secret.</summary>
/// <param name="reason">Why.</param>
/// <param name="inner">What is behind it.</param>
public sealed class SourceException(CloseReason reason, Exception? inner = null) : Exception(reason?.Text, inner)
{
    /// <summary>Why.</summary>
    public CloseReason Reason { get; } = reason ?? throw new ArgumentNullException(nameof(reason));
}
