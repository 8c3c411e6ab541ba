using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>AAC in mode AAC-hbr (RFC 3640 §3.3.6), with one access unit in a packet; a longer one in fragments.</summary>
internal sealed class AacPacketizer(RtpSenderOptions options) : Packetizer(options)
{
    private const int HeaderLength = 4; // AU-headers-length, and one AU-header of 16 bits
    private const int MaxUnitLength = (1 << 13) - 1;

    protected override void Cut(ReadOnlySpan<byte> frame, Codec codec, bool isKeyframe)
    {
        if (frame.Length > MaxUnitLength)
            return; // more than 6,144 bits for each of up to 10 channels; the header has no room for it
        for (var rest = frame; !rest.IsEmpty;)
        {
            var length = Math.Min(rest.Length, Room - HeaderLength);
            var packet = Append(HeaderLength + length);
            (packet[0], packet[1]) = (0, 16);
            (packet[2], packet[3]) = ((byte)(frame.Length >> 5), (byte)(frame.Length << 3)); // the whole unit's length; index 0
            rest[..length].CopyTo(packet[HeaderLength..]);
            rest = rest[length..];
        }
    }
}
