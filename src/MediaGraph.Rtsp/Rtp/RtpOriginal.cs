using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What the packets of a frame that came by RTP are found by, beside the frame (<see cref="ReadyImage"/>). They are never made: a frame that
/// came otherwise has none.
/// </summary>
internal sealed class RtpOriginal : ImageFormat
{
    private RtpOriginal()
    {
    }

    public static RtpOriginal Format { get; } = new();

    public override int Measure(MediaPacket packet) => throw new NotSupportedException("A frame's own packets cannot be made.");

    public override int Write(MediaPacket packet, Span<byte> destination) =>
        throw new NotSupportedException("A frame's own packets cannot be made.");
}
