namespace MediaGraph.Rtsp.Rtp;

/// <summary>VP9 (RFC 9628), without picture identifiers and layers.</summary>
internal sealed class Vp9Packetizer(RtpSenderOptions options) : FragmentPacketizer(options)
{
    // P: predicted from another picture, B: begin, E: end.
    protected override byte Describe(bool isKeyframe, bool isFirst, bool isLast) =>
        (byte)((isKeyframe ? 0 : 0x40) | (isFirst ? 0x08 : 0) | (isLast ? 0x04 : 0));
}
