using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>A coded frame as <see cref="MediaPacket"/> has it, out of RTP packets.</summary>
/// <param name="Buffer">
/// The frame is at its start, or what <paramref name="Format"/> makes it of. Its one reference passes to whoever is handed the frame.
/// </param>
/// <param name="Length">The frame's length in bytes.</param>
/// <param name="Codec">Another instance than before announces a change.</param>
/// <param name="DecodeTime">In ticks of the codec's clock; strictly increasing.</param>
/// <param name="PresentationTime">In ticks of the codec's clock.</param>
/// <param name="IsKeyframe">Whether decoding can start here.</param>
/// <param name="FollowsLoss">Whether something before it was lost.</param>
/// <param name="Packets">
/// The frame's RTP packets as they came, as <see cref="RtpRun"/> has them interleaved, with headers that say nothing; null where they were not
/// kept. Its one reference passes, too.
/// </param>
/// <param name="PacketsLength">Their length in bytes.</param>
/// <param name="Format">
/// Makes the frame where the buffer has the packets instead of it, all of which are <paramref name="PacketsLength"/> bytes; null as a rule.
/// </param>
internal readonly record struct RtpFrame(
    PooledBuffer Buffer, int Length, Codec Codec, long DecodeTime, long PresentationTime, bool IsKeyframe, bool FollowsLoss,
    PooledBuffer? Packets = null, int PacketsLength = 0, ImageFormat? Format = null);
