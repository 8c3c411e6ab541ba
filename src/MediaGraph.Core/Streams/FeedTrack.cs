using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Streams;

/// <summary>One track of a feed. Writes of one feed must not overlap.</summary>
public sealed class FeedTrack
{
    /// <summary>No timestamp.</summary>
    internal const long Never = long.MinValue;

    private readonly Feed _feed;
    private Codec _codec;
    private long _lastArrival = Never;

    internal FeedTrack(Feed feed, Track track, Receiver receiver)
    {
        _feed = feed;
        _codec = track.Codecs[0];
        Track = track;
        Receiver = receiver;
    }

    /// <summary>What was offered.</summary>
    public Track Track { get; }

    internal Feed Feed => _feed;

    internal Receiver Receiver { get; }

    /// <summary>How its packets are coded now.</summary>
    internal Codec Codec => _codec;

    /// <summary>When its last packet came, as a timestamp; null before the first.</summary>
    internal long? LastArrival => Interlocked.Read(ref _lastArrival) is var time && time != Never ? time : null;

    /// <summary>Whether its packets go into the stream: not when another source's do. Guarded by the push lock, like all below.</summary>
    internal bool Passes { get; set; }

    /// <summary>Whether a packet of this feed has gone through. Guarded by the push lock, like all below.</summary>
    internal bool Continues { get; set; }

    /// <summary>What is added to this track's times beside the feed's offset, since its clock jumped.</summary>
    internal TimeSpan Correction { get; set; }

    /// <summary>The decode time of its last packet, in the feed's own time; null before the first.</summary>
    internal TimeSpan? LastTime { get; set; }

    /// <summary>A keyframe of the video went by since the last packet of this track, or there was none yet.</summary>
    internal bool GroupPending { get; set; } = true;

    /// <summary>Writes a frame by copy. False when the feed has ended or was revoked: the frame went nowhere.</summary>
    /// <param name="frame">The coded frame, as <see cref="MediaPacket"/> says for its codec.</param>
    /// <param name="presentationTime">When it is shown, in the feed's own time.</param>
    /// <param name="decodeTime">When it is decoded; null for the presentation time (no B-frames).</param>
    /// <param name="isKeyframe">Whether decoding can start here; null to look into the frame.</param>
    public bool Write(
        ReadOnlySpan<byte> frame, TimeSpan presentationTime, TimeSpan? decodeTime = null, bool? isKeyframe = null)
    {
        var codec = _codec;
        var buffer = _feed.Pool.Rent(frame.Length);
        frame.CopyTo(buffer.Span);
        return Write(
            buffer, 0, frame.Length, codec,
            MediaTime.FromTimeSpan(decodeTime ?? presentationTime, codec.ClockRate),
            MediaTime.FromTimeSpan(presentationTime, codec.ClockRate),
            isKeyframe ?? codec.IsKeyframe(frame));
    }

    /// <summary>Writes a packet of another stream, which the caller keeps, without copying its payload.</summary>
    /// <returns>False when the feed has ended or was revoked.</returns>
    public bool Write(MediaPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        var (buffer, offset) = packet.ShareBuffer();
        return Write(buffer, offset, packet.Length, packet.Codec, packet.DecodeTime, packet.PresentationTime, packet.IsKeyframe);
    }

    /// <summary>Writes a frame without copying it.</summary>
    /// <param name="buffer">Its one reference passes to the feed, also when this returns false.</param>
    /// <param name="offset">Where the frame starts, in bytes.</param>
    /// <param name="length">The frame's length in bytes.</param>
    /// <param name="codec">How it is coded; another instance than before announces a change.</param>
    /// <param name="decodeTime">In ticks of the codec's clock, in the feed's own time.</param>
    /// <param name="presentationTime">In ticks of the codec's clock, in the feed's own time.</param>
    /// <param name="isKeyframe">Whether decoding can start here.</param>
    /// <param name="image">The form in which the frame came, if that can be passed on; its buffer's one reference passes too.</param>
    /// <param name="source">How the frame is made of what is in the buffer; null where that is the frame.</param>
    /// <returns>False when the feed has ended or was revoked.</returns>
    public bool Write(
        PooledBuffer buffer, int offset, int length, Codec codec, long decodeTime, long presentationTime, bool isKeyframe,
        ReadyImage? image = null, FrameSource? source = null)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        ArgumentNullException.ThrowIfNull(codec);
        var isOther = codec.Name != _codec.Name;
        _codec = codec;
        var isFed = _feed.Write(this, buffer, offset, length, codec, decodeTime, presentationTime, isKeyframe, image, source);
        if (isOther && isFed)
            _feed.AttachConsumers(this);
        return isFed;
    }

    /// <summary>Announces a codec before its first frame, so that those who join now are told of it.</summary>
    public void Announce(Codec codec)
    {
        ArgumentNullException.ThrowIfNull(codec);
        var isOther = codec.Name != _codec.Name;
        _codec = codec;
        _feed.Announce(this, codec);
        if (isOther)
            _feed.AttachConsumers(this);
    }

    internal void NoteArrival(long time) => Interlocked.Exchange(ref _lastArrival, time);

    /// <summary>What was sent is of no use any more to those who join now.</summary>
    internal void Forget() => _feed.Forget(this);
}
