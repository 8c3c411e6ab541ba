using MediaGraph.Media;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>A frame that came out of a depacketizer; its payload in upper-case hex.</summary>
internal sealed record ReceivedFrame(
    string Payload, Codec Codec, long DecodeTime, long PresentationTime, bool IsKeyframe, bool FollowsLoss);
