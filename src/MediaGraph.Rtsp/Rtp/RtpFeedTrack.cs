using MediaGraph.Rtsp.Sdp;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>One track of an <see cref="RtpFeed"/>. Thread-safe.</summary>
internal sealed class RtpFeedTrack
{
    /// <summary>The track's identity in the stream.</summary>
    public string Id => throw new NotImplementedException();

    /// <summary>What its packets are.</summary>
    public SdpFormat Format => throw new NotImplementedException();

    /// <summary>When the last RTP packet of the track came, as a timestamp of the time provider; null before the first.</summary>
    public long? LastArrival => throw new NotImplementedException();

    /// <summary>Whether its sender said goodbye (RTCP BYE).</summary>
    public bool SaidGoodbye => throw new NotImplementedException();

    /// <summary>Takes an RTP packet. Any bytes are taken; what is none goes nowhere.</summary>
    public void TakeRtp(ReadOnlySpan<byte> packet) => throw new NotImplementedException();

    /// <summary>Takes a compound of RTCP packets. Any bytes are taken.</summary>
    public void TakeRtcp(ReadOnlySpan<byte> compound) => throw new NotImplementedException();

    /// <summary>Writes a receiver report with its description.</summary>
    /// <param name="destination">At least <see cref="RtcpWriter.MaxLength"/> bytes.</param>
    /// <param name="isLeaving">Whether a goodbye follows.</param>
    /// <returns>The bytes written.</returns>
    public int WriteReport(Span<byte> destination, bool isLeaving = false) => throw new NotImplementedException();
}
