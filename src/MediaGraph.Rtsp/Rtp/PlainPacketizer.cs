using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Frames that are payloads as they are. Sound in samples (G.711, L16, G.722, RFC 3551 §4.5) is cut where it is too long, between two
/// samples of all channels; an Opus packet never is, because it cannot be (RFC 7587 §4.2).
/// </summary>
internal sealed class PlainPacketizer(RtpSenderOptions options) : Packetizer(options)
{
    protected override bool MarksLast => false;

    protected override void Cut(ReadOnlySpan<byte> frame, Codec codec, bool isKeyframe)
    {
        if (frame.Length > ushort.MaxValue - RtpHeader.Length)
            return;

        // A byte of G.722 is two samples, and one tick of its clock (RFC 3551 §4.5.2).
        var bytesPerTick = Math.Max(1, codec.Channels) * (codec.Name == CodecNames.L16 ? 2 : 1);
        var isCut = codec.Name is CodecNames.Pcma or CodecNames.Pcmu or CodecNames.L16 or CodecNames.G722;
        var longest = isCut && Room >= bytesPerTick ? Room - (Room % bytesPerTick) : frame.Length;
        for (var position = 0; position < frame.Length; position += longest)
        {
            var part = frame[position..Math.Min(frame.Length, position + longest)];
            part.CopyTo(Append(part.Length, MediaTime.Rescale(position / bytesPerTick, codec.ClockRate, ClockRate)));
        }
    }
}
