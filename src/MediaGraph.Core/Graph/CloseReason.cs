namespace MediaGraph.Graph;

/// <summary>Why something ended: a code for programs and a sentence for people. Never holds a secret.</summary>
/// <param name="Code">For programs and metrics.</param>
/// <param name="Text">For people.</param>
public sealed record CloseReason(CloseCode Code, string Text)
{
    /// <summary>Its owner ended it.</summary>
    public static CloseReason Requested { get; } = new(CloseCode.Requested, "closed by its owner");

    /// <summary>The server or the hub stops.</summary>
    public static CloseReason Stopping { get; } = new(CloseCode.Stopping, "the server stops");

    /// <summary>A converter that nobody needs any more.</summary>
    internal static CloseReason Unused { get; } = new(CloseCode.Requested, "no consumer left");

    /// <inheritdoc/>
    public override string ToString() => Text;
}
