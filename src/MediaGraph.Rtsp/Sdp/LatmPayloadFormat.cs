namespace MediaGraph.Rtsp.Sdp;

/// <summary>How AAC comes in the multiplex LATM (RFC 6416 §6).</summary>
/// <param name="IsInBand">cpresent: whether packets say anew what the multiplex is like, or that it is the same.</param>
/// <param name="Config">What the multiplex is like; where it is in band, until packets say it.</param>
internal sealed record LatmPayloadFormat(bool IsInBand, LatmConfig Config);
