using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What a session that feeds a stream does with RTP: its tracks put packets in order, make frames of them, lay them on one time and write
/// them to the feed. Thread-safe: packets may come on any thread.
/// </summary>
#pragma warning disable CS9113 // filled in with the next commit
internal sealed class RtpFeed(PacketPool pool, TimeProvider timeProvider) : IDisposable
{
    /// <summary>The tracks that were set up.</summary>
    public IReadOnlyList<RtpFeedTrack> Tracks => throw new NotImplementedException();

    /// <summary>Whether the feed took no frame any more: it was revoked, or ended.</summary>
    public bool IsEnded => throw new NotImplementedException();

    /// <summary>Adds a track, also while others run.</summary>
    /// <param name="kind">Video, audio or data.</param>
    /// <param name="format">What its packets are; one with a codec.</param>
    /// <param name="id">The track's identity in the stream: <c>video</c>, <c>audio</c>, <c>video1</c> …</param>
    /// <param name="isOrdered">Whether packets come in order: over TCP.</param>
    public RtpFeedTrack AddTrack(MediaKind kind, SdpFormat format, string id, bool isOrdered) => throw new NotImplementedException();

    /// <summary>Offers the tracks to the stream; their frames go there from now on. What came before is held and bounded.</summary>
    public void Start(Feed feed) => throw new NotImplementedException();

    /// <summary>Gives up what is waited for too long. Called every second.</summary>
    public void Tick() => throw new NotImplementedException();

    /// <summary>Gives back what is in assembly. Packets that come later go nowhere. Does not end the feed.</summary>
    public void Dispose() => throw new NotImplementedException();
}
