using MediaGraph.Graph;
using MediaGraph.Relays;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// A stream could not be pulled or pushed, or a track not be set up. What was opened for it is closed. Never holds a secret.
/// </summary>
/// <param name="reason">For programs and people.</param>
/// <param name="statusCode">See <see cref="StatusCode"/>.</param>
public sealed class RtspClientException(CloseReason reason, int? statusCode = null) : TransferException(reason)
{
    /// <summary>The status that the server answered with, such as 404 (RFC 2326 §7.1.1); null where it said nothing.</summary>
    public int? StatusCode { get; } = statusCode;
}
