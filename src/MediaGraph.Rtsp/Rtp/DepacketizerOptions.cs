using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>What all depacketizers have in common.</summary>
/// <param name="Pool">Where frames' memory comes from.</param>
/// <param name="ClockRate">Ticks per second of the RTP timestamps.</param>
/// <param name="Deliver">Takes the frames, on the caller's thread.</param>
/// <param name="Clock">Lays the timestamps on the session's time; null to leave them as they are.</param>
/// <param name="KeepsPackets">Whether frames of video come with the packets that they were made of.</param>
internal sealed record DepacketizerOptions(
    PacketPool Pool, int ClockRate, RtpFrameHandler Deliver, RtpTrackClock? Clock = null, bool KeepsPackets = false);
