namespace MediaGraph.Rtmp;

/// <summary>
/// The peer broke the protocol or a limit. Ends the peer's own connection, with the message as the reason; the only exception
/// that a wire parser throws, whatever the bytes.
/// </summary>
internal sealed class RtmpProtocolException(string message) : Exception(message);
