using System.Collections.Immutable;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Talk;

namespace MediaGraph.Streams;

/// <summary>
/// A name with its timeline, its receivers, at most one feed, and its consumers. It lives while it has a feed or a consumer that
/// waits for one. Thread-safe.
/// </summary>
public sealed class MediaStream
{
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(1);

    // How far a track may be behind the stream's newest packet. Encoders interleave within 10 s; more is a clock that was set back.
    private static readonly TimeSpan MaxLag = TimeSpan.FromSeconds(20);

    // No time on the timeline is later, so that no arithmetic with times overflows.
    private static readonly TimeSpan MaxTime = TimeSpan.FromDays(1_000_000);

    private readonly StreamHub _hub;

    // Guards the fields of the next group. Nothing waits or calls out under it.
    private readonly Lock _stateLock = new();
    private ImmutableArray<Receiver> _receivers = [];
    private ImmutableArray<Subscription> _subscriptions = [];
    private Feed? _feed;
    private long _feeds;
    private long _waitingSince;
    private bool _closed;
    private ITimer? _waitTimer;

    // Held for a whole fan-out: who holds it knows that no packet is on its way. Graph locks are taken under it, one at a time.
    private readonly Lock _pushLock = new();
    private readonly Timeline _timeline;
    private Feed? _live; // the feed whose packets pass
    private ITimer? _settleTimer; // made with the first packet

    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal MediaStream(StreamHub hub, string name)
    {
        _hub = hub;
        _timeline = new Timeline(hub.TimeProvider);
        Name = name;
    }

    /// <summary>The stream's name.</summary>
    public string Name { get; }

    /// <summary>Whether somebody publishes it now.</summary>
    public bool IsPublished => Volatile.Read(ref _feed) is not null;

    /// <summary>What the loudspeaker of the stream's source takes; null while it has none. To look at it changes nothing.</summary>
    public Track? Speaker => Volatile.Read(ref _feed)?.TalkPlace?.Track;

    /// <summary>The place at that loudspeaker.</summary>
    internal TalkPlace? TalkPlace => Volatile.Read(ref _feed)?.TalkPlace;

    /// <summary>Whether the stream is over, its name free.</summary>
    internal bool IsClosed => Volatile.Read(ref _closed);

    internal PacketPool Pool => _hub.Pool;

    internal TalkPlace CreateTalkPlace(ISpeaker speaker) => _hub.CreateTalkPlace(Name, speaker);

    internal void LogCallbackFailed(Exception exception) => _hub.LogCallbackFailed(Name, exception);

    /// <summary>The wall clock at the stream's time 0; null before its first packet.</summary>
    public DateTimeOffset? Origin
    {
        get
        {
            using (GraphLock.EnterPush(_pushLock))
                return _timeline.Origin;
        }
    }

    /// <summary>The roots of the stream's tracks, in the order in which they came; it only grows.</summary>
    public ImmutableArray<Receiver> Receivers
    {
        get
        {
            using (GraphLock.Enter(_stateLock))
                return _receivers;
        }
    }

    /// <summary>
    /// Returns when the stream has all tracks that its publisher has told of, or 1 s after its first media, or when it has ended: for
    /// consumers that cannot add tracks later.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task WhenSettledAsync(CancellationToken cancellationToken) => _settled.Task.WaitAsync(cancellationToken);

    /// <summary>A view of the stream, its feed and its consumers.</summary>
    public StreamSnapshot GetSnapshot()
    {
        Feed? feed;
        TimeSpan? waiting;
        ImmutableArray<Receiver> receivers;
        ImmutableArray<Subscription> subscriptions;
        using (GraphLock.Enter(_stateLock))
        {
            feed = _feed;
            waiting = feed is null ? _hub.TimeProvider.GetElapsedTime(_waitingSince) : null;
            receivers = _receivers;
            subscriptions = _subscriptions;
        }

        return new StreamSnapshot(
            Name,
            feed?.GetSnapshot(_hub.TimeProvider),
            waiting,
            [.. receivers.Select(r => new TrackSnapshot(r.Track.Id, r.Track.Kind, r.Codec, r.Packets, r.Bytes, r.LastDecodeTime))],
            [.. subscriptions.Select(s => s.GetSnapshot())],
            feed?.TalkPlace?.GetSnapshot());
    }

    // ---- Feeds ------------------------------------------------------------------------------------------------------------

    /// <summary>Takes the right to write the stream; null when the stream was closed meanwhile.</summary>
    /// <exception cref="StreamException"><see cref="StreamError.AlreadyPublished"/>.</exception>
    internal Feed? TryStartFeed(PublishRequest request)
    {
        Feed feed;
        Feed? replaced;
        ITimer? waitTimer;
        ImmutableArray<Subscription> subscriptions;
        while (true)
        {
            replaced = Volatile.Read(ref _feed);
            if (replaced is not null && !MayReplace(replaced, request))
                throw new StreamException(StreamError.AlreadyPublished, "the stream has a publisher");
            GraphLock.Point();
            using (GraphLock.Enter(_stateLock))
            {
                if (_closed)
                    return null;
                if (!ReferenceEquals(_feed, replaced))
                    continue;
                feed = new Feed(this, request, ++_feeds, _hub.TimeProvider.GetTimestamp());
                _feed = feed;
                waitTimer = _waitTimer;
                _waitTimer = null;
                subscriptions = _subscriptions;
            }

            break;
        }

        waitTimer?.Dispose();
        if (replaced is not null)
            FinishFeed(replaced, new CloseReason(CloseCode.Replaced, "another publisher took the stream over"), isRevoked: true);
        GoLive(feed);
        foreach (var subscription in subscriptions)
            subscription.SetState(2 * feed.Number, SubscriptionState.Fed, null);
        return feed;
    }

    /// <summary>Gives the right back. Consumers wait for another feed, or are ended when they wait in vain.</summary>
    internal void EndFeed(Feed feed, CloseReason reason)
    {
        ImmutableArray<Subscription> subscriptions;
        bool isCurrent, isOver;
        var waitLimit = _hub.Options.WaitForPublisher;
        using (GraphLock.Enter(_stateLock))
        {
            isCurrent = ReferenceEquals(_feed, feed);
            subscriptions = _subscriptions;
            isOver = _closed || subscriptions.IsEmpty || waitLimit <= TimeSpan.Zero;
            if (isCurrent)
            {
                _feed = null;
                feed.EndReason = reason;
                _waitingSince = _hub.TimeProvider.GetTimestamp();
                _closed = isOver;
            }
        }

        // Also when another thread ended it: when this returns, no packet of the feed is on its way.
        FinishFeed(feed, reason, isRevoked: false);
        if (!isCurrent)
            return;
        if (isOver)
        {
            FinishClose(new CloseReason(CloseCode.PublisherLeft, "the publisher left"));
            return;
        }

        foreach (var subscription in subscriptions)
            subscription.SetState((2 * feed.Number) + 1, SubscriptionState.Waiting, reason);
        StartWaiting(feed, waitLimit);
    }

    /// <param name="feed">Whose track it is.</param>
    /// <param name="track">What is offered.</param>
    /// <param name="isAttached">False for a feed that was revoked: what it adds is nobody's.</param>
    internal Receiver GetOrAddReceiver(Feed feed, Track track, out bool isAttached)
    {
        Receiver? added = null;
        while (true)
        {
            using (GraphLock.Enter(_stateLock))
            {
                isAttached = ReferenceEquals(_feed, feed);
                foreach (var receiver in _receivers)
                {
                    if (receiver.Track.Id != track.Id)
                        continue;
                    if (receiver.Track.Kind != track.Kind)
                        throw new InvalidOperationException($"The stream's track '{track.Id}' is of another kind.");
                    return receiver;
                }

                if (added is not null)
                {
                    if (isAttached)
                        _receivers = _receivers.Add(added);
                    return added;
                }
            }

            // Data that starts a group describes the stream, as metadata does: the last of it is kept without a cache of frames too.
            added = new Receiver(track, track.Kind == MediaKind.Data ? null : _hub.Options.GroupCache);
        }
    }

    internal void AttachConsumers(Receiver receiver)
    {
        ImmutableArray<Subscription> subscriptions;
        using (GraphLock.Enter(_stateLock))
            subscriptions = _subscriptions;
        foreach (var subscription in subscriptions)
            subscription.Attach([receiver]);
    }

    internal void Announce(Feed feed, FeedTrack track, Codec codec)
    {
        using (GraphLock.EnterPush(_pushLock))
        {
            if (ReferenceEquals(_live, feed))
                track.Receiver.Announce(codec);
        }
    }

    internal void Forget(Feed feed, FeedTrack track)
    {
        using (GraphLock.EnterPush(_pushLock))
        {
            if (ReferenceEquals(_live, feed))
                track.Receiver.Rest();
        }
    }

    internal void Settle(Feed feed)
    {
        if (ReferenceEquals(Volatile.Read(ref _feed), feed))
            EndSettling();
    }

    /// <summary>Puts a frame on the timeline and sends it down the graph, on the caller's thread.</summary>
    internal bool Write(
        Feed feed, FeedTrack track, PooledBuffer buffer, int offset, int length, Codec codec, long decodeTime, long presentationTime,
        bool isKeyframe, ReadyImage? image, FrameSource? source)
    {
        using (GraphLock.EnterPush(_pushLock))
        {
            if (!ReferenceEquals(_live, feed))
            {
                buffer.Release();
                image?.Buffer.Release();
                return false;
            }

            var arrival = _hub.TimeProvider.GetTimestamp();
            MediaPacket packet;
            try
            {
                var (decode, presentation) = Place(feed, track, codec, decodeTime, presentationTime - decodeTime);
                packet = Pool.CreatePacket(
                    buffer, offset, length, codec, decode, presentation,
                    FlagsOf(feed, track, codec, isKeyframe), image, source);
            }
            catch
            {
                buffer.Release();
                image?.Buffer.Release();
                throw;
            }

            if (_settleTimer is null && !_settled.Task.IsCompleted)
                Volatile.Write(ref _settleTimer, StartSettling());
            feed.Count(codec.Kind, packet.Length);
            track.Continues = true;
            if (codec.Kind != MediaKind.Data)
                _timeline.Advance(packet.DecodeTimestamp, arrival);
            try
            {
                track.Receiver.Push(packet);
            }
            finally
            {
                packet.Release();
            }

            if (_hub.TimeProvider.GetElapsedTime(arrival) > StreamHub.SlowFanOut)
                _hub.CountSlowFanOut();
            return true;
        }
    }

    // ---- Consumers --------------------------------------------------------------------------------------------------------

    /// <summary>Registers a consumer; false when nobody publishes the stream.</summary>
    internal bool TryAdd(Subscription subscription)
    {
        using (GraphLock.Enter(_stateLock))
        {
            if (_closed || _feed is null)
                return false;
            _subscriptions = _subscriptions.Add(subscription);
            PublishConsumerCountLocked();
            return true;
        }
    }

    internal void Remove(Subscription subscription)
    {
        bool isOver;
        using (GraphLock.Enter(_stateLock))
        {
            var remaining = _subscriptions.Remove(subscription);
            if (remaining.Length == _subscriptions.Length)
                return;
            _subscriptions = remaining;
            PublishConsumerCountLocked();
            isOver = remaining.IsEmpty && _feed is null && !_closed;
            _closed |= isOver;
        }

        if (isOver)
            FinishClose(new CloseReason(CloseCode.PublisherLeft, "the last consumer left while it waited for a publisher"));
    }

    // ---- End --------------------------------------------------------------------------------------------------------------

    /// <summary>Ends the stream: its feed is revoked, its consumers are told the reason. Idempotent.</summary>
    internal void Close(CloseReason reason)
    {
        Feed? feed;
        using (GraphLock.Enter(_stateLock))
        {
            if (_closed)
                return;
            _closed = true;
            feed = _feed;
            _feed = null;
        }

        if (feed is not null)
            FinishFeed(feed, reason, isRevoked: true);
        FinishClose(reason);
    }

    private bool MayReplace(Feed current, PublishRequest request)
    {
        if (_hub.Options.OnPublisherConflict == PublisherConflict.Replace)
            return true;
        var isStale = current.LastHeard is not null
            && _hub.TimeProvider.GetElapsedTime(current.LastHeard()) >= _hub.Options.StalePublisherAfter;
        if (!isStale)
            return false;
        return current.Peer.User is null && request.Peer.User is null
            ? current.Peer.Address is { } address && address.Equals(request.Peer.Address)
            : current.Peer.User == request.Peer.User;
    }

    private void GoLive(Feed feed)
    {
        using (GraphLock.EnterPush(_pushLock))
        {
            if (!ReferenceEquals(Volatile.Read(ref _feed), feed))
                return; // replaced before it began
            if (_live is { } displaced)
                FinishLocked(displaced, displaced.EndReason ?? CloseReason.Requested); // its owner comes too late to tell
            _live = feed;
            feed.WasLive = true;
            foreach (var receiver in Receivers)
                receiver.Rest();

            // Under the lock, so that it comes before the feed's end; a subscriber's channel never blocks nor calls back.
            _hub.Events.Publish(new PublishStarted(_hub.Now, Name, feed.Peer.Protocol, feed.Peer.RemoteEndPoint));
        }
    }

    private void FinishFeed(Feed feed, CloseReason reason, bool isRevoked)
    {
        using (GraphLock.EnterPush(_pushLock))
            FinishLocked(feed, reason);
        feed.EndTalk(reason);
        if (isRevoked)
            feed.Revoke(reason);
    }

    // Under the push lock, so that the counts are final, and the end of a feed is told before the next one's beginning.
    private void FinishLocked(Feed feed, CloseReason reason)
    {
        if (feed.IsFinished)
            return;
        feed.IsFinished = true;
        if (ReferenceEquals(_live, feed))
        {
            _live = null;
            foreach (var receiver in Receivers)
                receiver.Rest();
        }

        if (feed.WasLive)
        {
            _hub.Events.Publish(new PublishStopped(
                _hub.Now, Name, feed.Peer.Protocol, feed.Peer.RemoteEndPoint, _hub.TimeProvider.GetElapsedTime(feed.Started),
                feed.VideoPackets, feed.AudioPackets, feed.Bytes, reason));
        }
    }

    private void FinishClose(CloseReason reason)
    {
        ITimer? waitTimer;
        ImmutableArray<Receiver> receivers;
        ImmutableArray<Subscription> subscriptions;
        using (GraphLock.Enter(_stateLock))
        {
            waitTimer = _waitTimer;
            _waitTimer = null;
            receivers = _receivers;
            _receivers = [];
            subscriptions = _subscriptions;
        }

        _hub.Remove(this); // the name is free before its consumers are told
        waitTimer?.Dispose();
        EndSettling(); // no feed is live any more that could make a timer
        foreach (var subscription in subscriptions)
            subscription.Close(reason);
        foreach (var receiver in receivers)
            receiver.Close(reason);
    }

    private ITimer StartSettling() => _hub.TimeProvider.CreateTimer(
        static stream => ((MediaStream)stream!).EndSettling(), this, SettleLimit, Timeout.InfiniteTimeSpan);

    private void EndSettling()
    {
        _settled.TrySetResult();
        Volatile.Read(ref _settleTimer)?.Dispose();
    }

    private void StartWaiting(Feed lost, TimeSpan limit)
    {
        var timer = _hub.TimeProvider.CreateTimer(
            static state =>
            {
                var (stream, lostFeed) = ((MediaStream, Feed))state!;
                stream.StopWaiting(lostFeed);
            },
            (this, lost), limit, Timeout.InfiniteTimeSpan);
        ITimer? surplus = timer;
        using (GraphLock.Enter(_stateLock))
        {
            if (!_closed && _feed is null && _feeds == lost.Number)
                (surplus, _waitTimer) = (_waitTimer, timer);
        }

        surplus?.Dispose();
    }

    private void StopWaiting(Feed lost)
    {
        using (GraphLock.Enter(_stateLock))
        {
            if (_closed || _feed is not null || _feeds != lost.Number)
                return; // a publisher came back
            _closed = true;
        }

        FinishClose(new CloseReason(CloseCode.PublisherLeft, "the publisher left and did not come back in time"));
    }

    // Decode time increases strictly per receiver, across feeds and clocks. A clock that was set back is put on the timeline again:
    // otherwise one timestamp too far ahead would hold the track until its time has come. A decode time that has to wait moves no picture:
    // the first of a video with B-frames are to be decoded before the sound that the stream began with.
    private (long Decode, long Presentation) Place(Feed feed, FeedTrack track, Codec codec, long decodeTime, long composition)
    {
        var (receiver, rate) = (track.Receiver, codec.ClockRate);
        if (receiver.LastClockRate != rate)
        {
            if (receiver.LastClockRate != 0)
                receiver.LastTicks = MediaTime.Rescale(receiver.LastTicks, receiver.LastClockRate, rate);
            receiver.LastClockRate = rate;
        }

        var time = MediaTime.ToTimeSpan(decodeTime, rate);
        if (feed.Offset is null && codec.Kind == MediaKind.Data)
        {
            var now = receiver.LastTicks = Math.Max(MediaTime.FromTimeSpan(_timeline.Now, rate), receiver.LastTicks + 1); // media sets it
            return (now, now + composition);
        }

        var offset = feed.Offset ??= _timeline.OffsetFor(time);
        var onTimeline = time + offset + track.Correction;
        if (codec.Kind != MediaKind.Data && (onTimeline < _timeline.Latest - MaxLag || onTimeline > MaxTime))
            track.Correction = _timeline.Now - time - offset;
        var placed = decodeTime + MediaTime.FromTimeSpan(offset + track.Correction, rate);
        var decode = receiver.LastTicks = Math.Max(placed, receiver.LastTicks + 1);
        return (decode, Math.Max(placed + composition, decode + Math.Min(0, composition)));
    }

    // Groups begin with the video's keyframes; in a stream without video every packet of sound begins one. Of several videos each
    // has its own groups, and the leading one's begin those of the sound.
    private static PacketFlags FlagsOf(Feed feed, FeedTrack track, Codec codec, bool isKeyframe)
    {
        var flags = isKeyframe ? PacketFlags.Keyframe : PacketFlags.None;
        if (!track.Continues && track.Receiver.Packets > 0)
            flags |= PacketFlags.Discontinuity;
        switch (codec.Kind)
        {
            case MediaKind.Video when isKeyframe:
                if (ReferenceEquals(track, feed.LeadingVideo))
                {
                    foreach (var other in feed.Tracks)
                        other.GroupPending = true;
                }

                return flags | PacketFlags.StartsGroup;
            case MediaKind.Audio when track.GroupPending || feed.LeadingVideo is null:
                track.GroupPending = false;
                return flags | PacketFlags.StartsGroup;
            case MediaKind.Data when isKeyframe:
                return flags | PacketFlags.StartsGroup;
            default:
                return flags;
        }
    }

    // Under the lock, so that the counts come out in order; a subscriber's channel never blocks nor calls back.
    private void PublishConsumerCountLocked() =>
        _hub.Events.Publish(new ConsumerCountChanged(_hub.Now, Name, _subscriptions.Length));
}
