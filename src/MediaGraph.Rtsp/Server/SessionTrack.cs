using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Transport;

namespace MediaGraph.Rtsp.Server;

/// <summary>One track of a session, as it was set up.</summary>
/// <param name="Key">Which of the description's media: its number.</param>
/// <param name="Url">The control URL that the client set it up with.</param>
/// <param name="Transport">What the client was answered.</param>
/// <param name="Path">The way over UDP; null over TCP.</param>
internal sealed record SessionTrack(int Key, string Url, RtspTransport Transport, UdpPath? Path)
{
    /// <summary>When the last report was sent, as a timestamp of the time provider; null before.</summary>
    public long? LastReport { get; set; }

    /// <summary>Who sends, as our reports said; null before.</summary>
    public uint? Ssrc { get; set; }

    public bool UsesChannel(int channel) => Transport.Interleaved is { } pair && (pair.Rtp == channel || pair.Rtcp == channel);
}
