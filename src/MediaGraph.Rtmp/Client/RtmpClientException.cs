using MediaGraph.Graph;
using MediaGraph.Relays;

namespace MediaGraph.Rtmp.Client;

/// <summary>A stream could not be pulled or pushed. Everything that was opened for it is closed. Never holds a secret.</summary>
/// <param name="reason">For programs and people.</param>
/// <param name="statusCode">See <see cref="StatusCode"/>.</param>
public sealed class RtmpClientException(CloseReason reason, string? statusCode = null) : TransferException(reason)
{
    /// <summary>What the server called it, such as <c>NetStream.Publish.BadName</c>; null where it said nothing.</summary>
    public string? StatusCode { get; } = statusCode;
}
