namespace MediaGraph.Rtmp.Handshake;

/// <summary>How a handshake was done.</summary>
internal enum RtmpHandshakeKind
{
    /// <summary>As in RTMP 1.0, section 5.2: each side repeats the other's bytes.</summary>
    Simple,

    /// <summary>With digests, as Flash Player 9 and its servers do: some players refuse H.264 without it.</summary>
    Digest,
}
