namespace MediaGraph.Rtsp.Rtp;

/// <summary>VP8 (RFC 7741), without extensions: frames are not taken for layers or partitions.</summary>
internal sealed class Vp8Packetizer(RtpSenderOptions options) : FragmentPacketizer(options)
{
    // S, in the one partition that is distinguished.
    protected override byte Describe(bool isKeyframe, bool isFirst, bool isLast) => (byte)(isFirst ? 0x10 : 0);
}
