using MediaGraph.Graph;

namespace MediaGraph.Relays;

/// <summary>A stream could not be pulled or pushed. What was opened for it is closed. Never holds a secret.</summary>
/// <param name="reason">For programs and people.</param>
public class TransferException(CloseReason reason) : Exception(reason?.Text)
{
    /// <summary>What went wrong.</summary>
    public CloseReason Reason { get; } = reason ?? throw new ArgumentNullException(nameof(reason));
}
