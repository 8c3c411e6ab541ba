namespace MediaGraph.Rtsp.Messages;

/// <summary>Why bytes are no message.</summary>
/// <param name="Status">What to answer, when it was a request.</param>
/// <param name="Message">What is wrong, without the peer's words.</param>
/// <param name="CanContinue">Whether the message's end is known, so that the connection can go on.</param>
/// <param name="CSeq">The sequence number to answer with; null when it is not known.</param>
internal sealed record RtspReadError(int Status, string Message, bool CanContinue, uint? CSeq);
