namespace MediaGraph.Rtsp.Rtp;

/// <summary>How MPEG-4 audio lies in RTP packets: what <c>a=fmtp</c> says of RFC 3640's headers (§4.1), in bits.</summary>
/// <param name="SizeLength">sizeLength: of each access unit's size; 0 where packets have no headers.</param>
/// <param name="IndexLength">indexLength: of the first access unit's index.</param>
/// <param name="IndexDeltaLength">indexDeltaLength: of the others' differences.</param>
internal sealed record AacFormat(int SizeLength, int IndexLength, int IndexDeltaLength)
{
    /// <summary>mode=AAC-hbr (§3.3.6).</summary>
    public static AacFormat HighBitRate { get; } = new(13, 3, 3);

    /// <summary>mode=AAC-lbr (§3.3.5).</summary>
    public static AacFormat LowBitRate { get; } = new(6, 2, 2);
}
