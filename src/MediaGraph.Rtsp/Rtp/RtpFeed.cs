using System.Buffers.Binary;
using System.Security.Cryptography;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What a session that feeds a stream does with RTP: its tracks put packets in order, make frames of them, lay them on one time and write
/// them to the feed. Thread-safe: packets may come on any thread.
/// </summary>
/// <remarks>
/// One lock guards the tracks and is held while a frame goes down the graph, as the stream's push lock is, which is taken under it: only
/// the session's own sockets wait for it. No graph lock is held where it is taken.
/// </remarks>
internal sealed class RtpFeed(PacketPool pool, TimeProvider timeProvider) : IDisposable
{
    // How long the tracks wait for sender reports, which tell how their times belong together; then their arrival does.
    private static readonly TimeSpan AlignmentLimit = TimeSpan.FromMilliseconds(500);
    private const int MaxHeldBytes = 4 << 20; // 500 ms at 64 Mbit/s
    private const int MaxHeldPackets = 8192;

    private readonly Lock _tracksLock = new();
    private readonly RtpSynchronizer _synchronizer = new(timeProvider);
    private readonly List<RtpFeedTrack> _tracks = [];
    private readonly Queue<(RtpFeedTrack Track, HeldPacket Packet, long Arrival)> _held = new(); // until the feed goes live
    private int _heldBytes;
    private long? _firstArrival;
    private Feed? _feed;
    private volatile bool _isEnded;

    /// <summary>The tracks that were set up.</summary>
    public IReadOnlyList<RtpFeedTrack> Tracks
    {
        get
        {
            using (Enter())
                return [.. _tracks];
        }
    }

    /// <summary>Whether the feed took a frame no more: it was revoked, or ended.</summary>
    public bool IsEnded => _isEnded;

    internal PacketPool Pool => pool;

    /// <summary>Who reports on what comes.</summary>
    internal uint Ssrc { get; } = BinaryPrimitives.ReadUInt32LittleEndian(RandomNumberGenerator.GetBytes(4));

    internal string CanonicalName { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>Where the frames go; null before the start.</summary>
    internal Feed? OutputLocked => _feed;

    internal bool IsLiveLocked => _synchronizer.IsLive;

    internal bool IsDisposedLocked { get; private set; }

    /// <summary>
    /// Adds a track, also while others run. The stream is offered it when the feed starts, with the first packet, or by
    /// <see cref="Offer"/>: until then nobody is to wait for it.
    /// </summary>
    /// <param name="kind">Video, audio or data.</param>
    /// <param name="format">What its packets are; one with a codec.</param>
    /// <param name="id">The track's identity in the stream: <c>video</c>, <c>audio</c>, <c>video1</c> …</param>
    /// <param name="isOrdered">Whether packets come in order: over TCP.</param>
    public RtpFeedTrack AddTrack(MediaKind kind, SdpFormat format, string id, bool isOrdered)
    {
        using (Enter())
        {
            var track = new RtpFeedTrack(
                this, kind, format, id, isOrdered, _synchronizer.AddTrack(format.ClockRate), pool, timeProvider);
            _tracks.Add(track);
            return track;
        }
    }

    /// <summary>Offers a track that was added to a feed that has started; once, however often it is called.</summary>
    public void Offer(RtpFeedTrack track)
    {
        using (Enter())
            track.OfferLocked();
    }

    /// <summary>Offers the tracks to the stream; their frames go there from now on. What came before is held and bounded.</summary>
    public void Start(Feed feed)
    {
        using (Enter())
        {
            _feed = feed;
            foreach (var track in _tracks)
                track.OfferLocked();
            if (_tracks.TrueForAll(track => !track.Format.LacksParameters))
                feed.Settle();
            GoLiveWhenDueLocked();
        }
    }

    /// <summary>Gives up what is waited for too long. Called every second.</summary>
    public void Tick()
    {
        using (Enter())
        {
            if (IsDisposedLocked)
                return;
            GoLiveWhenDueLocked();
            foreach (var track in _tracks)
                track.DrainLocked();
        }
    }

    /// <summary>Gives back what is in assembly. Packets that come later go nowhere. Does not end the feed.</summary>
    public void Dispose()
    {
        using (Enter())
        {
            if (IsDisposedLocked)
                return;
            IsDisposedLocked = true;
            while (_held.TryDequeue(out var held))
                held.Packet.Buffer.Release();
            foreach (var track in _tracks)
                track.DisposeLocked();
        }
    }

    internal Lock.Scope Enter() => _tracksLock.EnterScope();

    internal void EndLocked() => _isEnded = true;

    // Of too much that is held, the oldest goes: nobody has asked for it yet.
    internal void HoldLocked(RtpFeedTrack track, in HeldPacket packet)
    {
        var now = timeProvider.GetTimestamp();
        _firstArrival ??= now;
        _held.Enqueue((track, packet, now));
        _heldBytes += packet.Length;
        GoLiveWhenDueLocked();
        while (_heldBytes > MaxHeldBytes || _held.Count > MaxHeldPackets)
        {
            var oldest = _held.Dequeue().Packet;
            _heldBytes -= oldest.Length;
            oldest.Buffer.Release();
        }
    }

    internal void GoLiveWhenDueLocked()
    {
        if (_synchronizer.IsLive || _feed is null || _firstArrival is not { } first)
            return;
        var isDue = _synchronizer.HasReports || timeProvider.GetElapsedTime(first) >= AlignmentLimit || _heldBytes > MaxHeldBytes / 2;
        if (!isDue)
            return;
        PlaceHeldLocked();
        _synchronizer.GoLive();
    }

    private void PlaceHeldLocked()
    {
        while (_held.TryDequeue(out var held))
        {
            _synchronizer.Arrival = held.Arrival;
            _heldBytes -= held.Packet.Length;
            held.Track.PlaceLocked(held.Packet);
        }

        _synchronizer.Arrival = null;
    }
}
