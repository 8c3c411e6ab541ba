using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>Frames that are cut into equal pieces with a descriptor of one byte before each: VP8 (RFC 7741) and VP9 (RFC 9628).</summary>
internal abstract class FragmentPacketizer(RtpSenderOptions options) : Packetizer(options)
{
    private const int DescriptorLength = 1;

    /// <summary>The descriptor of a piece.</summary>
    protected abstract byte Describe(bool isKeyframe, bool isFirst, bool isLast);

    protected sealed override void Cut(ReadOnlySpan<byte> frame, Codec codec, bool isKeyframe)
    {
        // As equal as possible: a short rest would cost a packet all the same.
        var pieces = (frame.Length + Room - DescriptorLength - 1) / (Room - DescriptorLength);
        for (var i = 0; i < pieces; i++)
        {
            var piece = frame[(int)((long)frame.Length * i / pieces)..(int)((long)frame.Length * (i + 1) / pieces)];
            var packet = Append(DescriptorLength + piece.Length);
            packet[0] = Describe(isKeyframe, i == 0, i == pieces - 1);
            piece.CopyTo(packet[DescriptorLength..]);
        }
    }
}
