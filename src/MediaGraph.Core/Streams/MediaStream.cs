using System.Collections.Immutable;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Relays;
using MediaGraph.Sources;
using MediaGraph.Talk;

namespace MediaGraph.Streams;

/// <summary>
/// A name with its timeline, its receivers, its feed, and its consumers. It lives while it has a feed or a consumer that waits for one, or,
/// with sources, until it is removed; then each of its sources has a feed. Thread-safe.
/// </summary>
public sealed class MediaStream
{
    /// <summary>How long after the first media tracks may come that nobody told of, and those that a publisher told of.</summary>
    internal static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(1), PromisedLimit = TimeSpan.FromSeconds(5);

    // A track's clock that goes back by more was set back. Decode times do not go back, but for encoders that are a little careless.
    private static readonly TimeSpan MaxStepBack = TimeSpan.FromSeconds(1);

    // How far a track may be behind the stream's newest packet. Encoders interleave within 10 s; more is a clock that was set back.
    private static readonly TimeSpan MaxLag = TimeSpan.FromSeconds(20);

    // No time on the timeline is later, so that no arithmetic with times overflows.
    private static readonly TimeSpan MaxTime = TimeSpan.FromDays(1_000_000);

    // States by routes come after all those of the publishers that the stream had before it got sources.
    private const long RoutedOrder = 1L << 32;

    private readonly StreamHub _hub;

    // Guards the fields of the next group. Nothing waits or calls out under it.
    private readonly Lock _stateLock = new();
    private ImmutableArray<Receiver> _receivers = [];
    private ImmutableArray<Subscription> _subscriptions = [];
    private ImmutableArray<Feed> _feeds = []; // one, or one of each source
    private StreamSources? _sources;
    private long _feedNumber;
    private long _stateNumber; // of changes between fed and waiting
    private SourceMedia _fed; // what sources bring
    private (long Version, long Failures) _fedNews; // when that was told, and of how many failures
    private long _waitingSince;
    private bool _closed;
    private ITimer? _waitTimer;

    // Held for a whole fan-out: who holds it knows that no packet is on its way. Graph locks are taken under it, one at a time.
    private readonly Lock _pushLock = new();
    private readonly Timeline _timeline;
    private ImmutableArray<Feed> _live = []; // the feeds whose packets may pass
    private long _routed; // version of the newest routes
    private ITimer? _settleTimer; // made with the first packet
    private bool _isSettlingLonger; // of its callback alone

    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal MediaStream(StreamHub hub, string name)
    {
        _hub = hub;
        _timeline = new Timeline(hub.TimeProvider);
        _waitingSince = hub.TimeProvider.GetTimestamp();
        Name = name;
    }

    /// <summary>The stream's name.</summary>
    public string Name { get; }

    /// <summary>Whether somebody publishes it now.</summary>
    public bool IsPublished
    {
        get
        {
            using (GraphLock.Enter(_stateLock))
                return IsFedLocked;
        }
    }

    /// <summary>What the loudspeaker of the stream's source takes; null while it has none. To look at it changes nothing.</summary>
    public Track? Speaker => TalkPlace?.Track;

    /// <summary>The place at that loudspeaker.</summary>
    internal TalkPlace? TalkPlace
    {
        get
        {
            ImmutableArray<Feed> feeds;
            using (GraphLock.Enter(_stateLock))
                feeds = _feeds;
            return Sources is { } sources ? sources.TalkFeed?.TalkPlace : feeds.FirstOrDefault()?.TalkPlace;
        }
    }

    /// <summary>Whether it is taken from sources, which run when somebody wants it; nobody can publish it then.</summary>
    public bool HasSources => Sources is not null;

    /// <summary>What it is taken from; null for one that is published.</summary>
    internal StreamSources? Sources => Volatile.Read(ref _sources);

    /// <summary>Whether the stream is over, its name free.</summary>
    internal bool IsClosed => Volatile.Read(ref _closed);

    internal PacketPool Pool => _hub.Pool;

    internal TimeProvider Time => _hub.TimeProvider;

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

    /// <summary>How far behind the newest of the stream a time on its timeline is now.</summary>
    internal TimeSpan AgeOf(TimeSpan time)
    {
        using (GraphLock.EnterPush(_pushLock))
            return _timeline.Now - time;
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
    /// Returns when the stream has all tracks that its publisher has told of, or 1 s after its first media, 5 s where what was told of has not
    /// come by then, or when it has ended: for consumers that cannot add tracks later.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task WhenSettledAsync(CancellationToken cancellationToken) => _settled.Task.WaitAsync(cancellationToken);

    /// <summary>A view of the stream, its feed and its consumers.</summary>
    public StreamSnapshot GetSnapshot() => GetSnapshot(_hub.RelaysOf(Name));

    internal StreamSnapshot GetSnapshot(ImmutableArray<RelaySnapshot> relays)
    {
        ImmutableArray<Feed> feeds;
        TimeSpan? waiting;
        ImmutableArray<Receiver> receivers;
        ImmutableArray<Subscription> subscriptions;
        using (GraphLock.Enter(_stateLock))
        {
            feeds = _feeds;
            waiting = IsFedLocked ? null : _hub.TimeProvider.GetElapsedTime(_waitingSince);
            receivers = _receivers;
            subscriptions = _subscriptions;
        }

        return new StreamSnapshot(
            Name,
            feeds.FirstOrDefault()?.GetSnapshot(_hub.TimeProvider),
            waiting,
            [.. receivers.Select(r => new TrackSnapshot(r.Track.Id, r.Track.Kind, r.Codec, r.Packets, r.Bytes, r.LastDecodeTime))],
            [.. subscriptions.Select(s => s.GetSnapshot())],
            TalkPlace?.GetSnapshot(),
            Sources?.GetSnapshot() ?? [],
            Sources?.Leases ?? 0,
            relays);
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
        long number;

        // A source that was asked for its loudspeaker alone has nothing to view.
        var carriesMedia = request.Session is null || request.Tracks.Count > 0
            || (request.Session.Wanted & SourceMediaKinds.Viewed) != SourceMedia.None;
        while (true)
        {
            replaced = Current;
            if (request.Session is null && replaced is not null && Sources is null && !MayReplace(replaced, request))
                throw new StreamException(StreamError.AlreadyPublished, "the stream has a publisher");
            GraphLock.Point();
            using (GraphLock.Enter(_stateLock))
            {
                if (_closed)
                    return null;
                if (!ReferenceEquals(_sources, request.Session?.Runner.Sources))
                {
                    throw _sources is null
                        ? new StreamException(StreamError.Ended, "the stream has no such source any more")
                        : new StreamException(StreamError.AlreadyPublished, "the stream has sources of its own");
                }

                if (_sources is null && !ReferenceEquals(_feeds.FirstOrDefault(), replaced))
                    continue;
                feed = new Feed(this, request, ++_feedNumber, _hub.TimeProvider.GetTimestamp(), carriesMedia);
                _feeds = _sources is null ? [feed] : _feeds.Add(feed);
                number = ++_stateNumber;
                waitTimer = _waitTimer;
                _waitTimer = null;
                subscriptions = _subscriptions;
            }

            break;
        }

        waitTimer?.Dispose();
        if (replaced is not null && request.Session is null)
            FinishFeed(replaced, new CloseReason(CloseCode.Replaced, "another publisher took the stream over"), isRevoked: true);
        GoLive(feed);
        if (request.Session is { } session && !session.Runner.Sources.TryBegin(session, feed))
        {
            EndFeed(feed, CloseReason.Requested);
            throw new StreamException(StreamError.Ended, "the session is over");
        }

        if (request.Session is null) // what sources bring, their routes tell
        {
            foreach (var subscription in subscriptions)
                subscription.SetState(number, SubscriptionState.Fed, null);
        }

        _hub.WakeRelays(Name);
        return feed;
    }

    /// <summary>A feed that was there for its loudspeaker alone has something to view now.</summary>
    internal void NoteMedia(Feed feed)
    {
        using (GraphLock.Enter(_stateLock))
        {
            if (feed.CarriesMedia)
                return;
            feed.CarriesMedia = true;
        }

        _hub.WakeRelays(Name); // the stream is published now
    }

    /// <summary>Gives the right back. Consumers wait for another feed, or are ended when they wait in vain.</summary>
    internal void EndFeed(Feed feed, CloseReason reason)
    {
        ImmutableArray<Subscription> subscriptions;
        bool isCurrent, isOver;
        long number;
        var waitLimit = _hub.Options.WaitForPublisher;
        using (GraphLock.Enter(_stateLock))
        {
            isCurrent = _feeds.Contains(feed);
            subscriptions = _subscriptions;
            isOver = _closed || (_sources is null && (subscriptions.IsEmpty || waitLimit <= TimeSpan.Zero));
            if (isCurrent)
            {
                _feeds = _feeds.Remove(feed);
                feed.EndReason = reason;
                if (!IsFedLocked)
                    _waitingSince = _hub.TimeProvider.GetTimestamp();
                _closed = isOver;
            }

            number = ++_stateNumber;
        }

        // Also when another thread ended it: when this returns, no packet of the feed is on its way.
        FinishFeed(feed, reason, isRevoked: false);
        feed.Session?.Runner.Sources.NoteEnd(feed.Session, feed, reason);
        if (!isCurrent)
            return;
        if (isOver)
        {
            FinishClose(new CloseReason(CloseCode.PublisherLeft, "the publisher left"));
            return;
        }

        _hub.WakeRelays(Name);
        if (feed.Session is not null)
            return; // what sources bring, their routes tell
        foreach (var subscription in subscriptions)
            subscription.SetState(number, SubscriptionState.Waiting, reason);
        StartWaiting(feed, waitLimit);
    }

    // ---- Sources ----------------------------------------------------------------------------------------------------------

    /// <summary>Makes it a stream with sources; false when it is closed, or somebody publishes it, or it has some.</summary>
    internal bool TryAdopt(StreamSources sources)
    {
        ITimer? waitTimer;
        ImmutableArray<Subscription> subscriptions;
        using (GraphLock.Enter(_stateLock))
        {
            if (_closed || _sources is not null || !_feeds.IsEmpty)
                return false;
            _sources = sources;
            waitTimer = _waitTimer;
            _waitTimer = null;
            subscriptions = _subscriptions;
        }

        waitTimer?.Dispose();
        foreach (var subscription in subscriptions)
            subscription.Hold(sources);
        return true;
    }

    /// <summary>Says which tracks of which source go into the stream. Older routes than the newest do nothing.</summary>
    /// <param name="routes">For each feed what of it does.</param>
    /// <param name="version">Number of the routes.</param>
    /// <param name="failures">How often the stream's sources have failed: then who waits has another reason.</param>
    internal void Route(ImmutableArray<SourceRoute> routes, long version, long failures)
    {
        var fed = SourceMedia.None;
        List<Receiver>? begun = null;
        using (GraphLock.EnterPush(_pushLock))
        {
            if (version <= _routed)
                return;
            _routed = version;
            foreach (var feed in _live)
            {
                var route = default(SourceRoute);
                foreach (var candidate in routes)
                    route = ReferenceEquals(candidate.Feed, feed) ? candidate : route;
                foreach (var track in feed.Tracks)
                {
                    var passes = track.Track.Kind switch
                    {
                        MediaKind.Video => route.Video,
                        MediaKind.Audio => route.Audio,
                        _ => route.Data,
                    };
                    if (passes)
                        fed |= SourceMediaKinds.Of(track.Track.Kind);
                    if (passes == track.Passes)
                        continue;
                    if (passes)
                        (begun ??= []).Add(BeginLocked(track));
                    else
                        EndLocked(track);
                }
            }
        }

        foreach (var receiver in begun ?? [])
            AttachConsumers(receiver);
        ImmutableArray<Subscription> subscriptions;
        using (GraphLock.Enter(_stateLock))
        {
            if (version <= _fedNews.Version || _sources is null)
                return;
            subscriptions = (fed, failures) == (_fed, _fedNews.Failures) ? [] : _subscriptions;
            (_fed, _fedNews) = (fed, (version, failures));
        }

        foreach (var subscription in subscriptions)
            Tell(subscription, fed, version);
    }

    // A consumer is fed when something comes of what it is there for.
    private void Tell(Subscription subscription, SourceMedia fed, long version)
    {
        var wants = subscription.Waited;
        if ((fed & wants) != SourceMedia.None)
            subscription.SetState(RoutedOrder + version, SubscriptionState.Fed, null);
        else
            subscription.SetState(RoutedOrder + version, SubscriptionState.Waiting, Sources!.WhyWaiting(wants));
    }

    /// <summary>Ends consumers for whom the stream has nothing, now that all is known that it has.</summary>
    internal void EndUnmatched()
    {
        ImmutableArray<Subscription> subscriptions;
        ImmutableArray<Receiver> receivers;
        using (GraphLock.Enter(_stateLock))
            (subscriptions, receivers) = (_subscriptions, _receivers);
        receivers = [.. receivers.Where(receiver => receiver.Codec is not null)];
        if (receivers.Any(receiver => receiver.Track.Kind != MediaKind.Data))
        {
            var pending = Sources?.Pending ?? SourceMedia.None;
            foreach (var subscription in subscriptions)
                subscription.EndUnlessMatched(receivers, pending);
        }

        EndUnserved(); // a source of which nothing more is wanted, now that it has told what it has, may have stopped before this looked
    }

    /// <summary>Ends consumers for whom none of the sources will bring anything.</summary>
    internal void EndUnserved()
    {
        if (Sources is not { } sources)
            return;
        ImmutableArray<Subscription> subscriptions;
        using (GraphLock.Enter(_stateLock))
            subscriptions = _subscriptions;
        foreach (var subscription in subscriptions)
        {
            if (sources.WhyNever(subscription.Wants) is { } reason)
                subscription.Close(reason);
        }
    }

    /// <summary>Ends all consumers; the stream stays.</summary>
    internal void EndConsumers(CloseReason reason)
    {
        ImmutableArray<Subscription> subscriptions;
        using (GraphLock.Enter(_stateLock))
            subscriptions = _subscriptions;
        foreach (var subscription in subscriptions)
            subscription.Close(reason);
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
                isAttached = _feeds.Contains(feed);
                if (FindLocked(feed, track) is { } receiver)
                {
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
            if (feed.IsLive && track.Passes)
                track.Receiver.Announce(codec);
        }
    }

    internal void Forget(Feed feed, FeedTrack track)
    {
        using (GraphLock.EnterPush(_pushLock))
        {
            if (feed.IsLive && track.Passes)
                track.Receiver.Rest();
        }
    }

    internal void Settle(Feed feed)
    {
        if (feed.Session is { } session)
            session.Runner.Sources.NoteSettled(session);
        else if (ReferenceEquals(Current, feed))
            EndSettling();
    }

    /// <summary>Puts a frame on the timeline and sends it down the graph, on the caller's thread.</summary>
    internal bool Write(
        Feed feed, FeedTrack track, PooledBuffer buffer, int offset, int length, Codec codec, long decodeTime, long presentationTime,
        bool isKeyframe, ReadyImage? image, FrameSource? source)
    {
        bool isFirst;
        using (GraphLock.EnterPush(_pushLock))
        {
            var arrival = _hub.TimeProvider.GetTimestamp();
            isFirst = feed.IsLive && feed.Note(track, arrival);
            if (!feed.IsLive || !track.Passes)
            {
                buffer.Release();
                image?.Buffer.Release();
                if (!feed.IsLive)
                    return false;
            }
            else
            {
                PassLocked(
                    feed, track, buffer, offset, length, codec, decodeTime, presentationTime, isKeyframe, image, source, arrival);
            }
        }

        if (isFirst)
            StreamSources.NoteFirstMedia(feed.Session!);
        return true;
    }

    // ---- Consumers --------------------------------------------------------------------------------------------------------

    /// <summary>Registers a consumer; false when nobody publishes the stream.</summary>
    internal bool TryAdd(Subscription subscription)
    {
        StreamSources? sources;
        SourceMedia fed;
        long version;
        using (GraphLock.Enter(_stateLock))
        {
            if (_closed || (_sources is null && _feeds.IsEmpty))
                return false;
            sources = _sources;
            _subscriptions = _subscriptions.Add(subscription);
            PublishConsumerCountLocked();
            (fed, version) = (_fed, _fedNews.Version);
        }

        if (sources is not null)
        {
            Tell(subscription, fed, version);
            subscription.Hold(sources); // if it has had them for a moment only
        }

        return true;
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
            isOver = remaining.IsEmpty && _feeds.IsEmpty && _sources is null && !_closed;
            _closed |= isOver;
        }

        if (isOver)
            FinishClose(new CloseReason(CloseCode.PublisherLeft, "the last consumer left while it waited for a publisher"));
    }

    // ---- End --------------------------------------------------------------------------------------------------------------

    /// <summary>Ends the stream: its feed is revoked, its consumers are told the reason. Idempotent.</summary>
    internal void Close(CloseReason reason)
    {
        ImmutableArray<Feed> feeds;
        using (GraphLock.Enter(_stateLock))
        {
            if (_closed)
                return;
            _closed = true;
            feeds = _feeds;
            _feeds = [];
        }

        foreach (var feed in feeds)
        {
            FinishFeed(feed, reason, isRevoked: true);
            feed.Session?.Runner.Sources.NoteEnd(feed.Session, feed, reason);
        }

        FinishClose(reason);
    }

    private void PassLocked(
        Feed feed, FeedTrack track, PooledBuffer buffer, int offset, int length, Codec codec, long decodeTime, long presentationTime,
        bool isKeyframe, ReadyImage? image, FrameSource? source, long arrival)
    {
        MediaPacket packet;
        try
        {
            var (decode, presentation) = Place(feed, track, codec, decodeTime, presentationTime - decodeTime);
            packet = Pool.CreatePacket(
                buffer, offset, length, codec, decode, presentation,
                FlagsOf(track, codec, isKeyframe), image, source);
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

    private Feed? Current
    {
        get
        {
            using (GraphLock.Enter(_stateLock))
                return _feeds.FirstOrDefault();
        }
    }

    private bool IsFedLocked
    {
        get
        {
            foreach (var feed in _feeds)
            {
                if (feed.CarriesMedia)
                    return true;
            }

            return false;
        }
    }

    // Identity first. A source that names its tracks anew finds the one of its codec that nobody else of it uses.
    private Receiver? FindLocked(Feed feed, Track track)
    {
        foreach (var receiver in _receivers)
        {
            if (receiver.Track.Id == track.Id)
                return receiver;
        }

        return feed.Session is null
            ? null
            : _receivers.FirstOrDefault(receiver => receiver.Track.Kind == track.Kind && receiver.LastCodecName == track.Codecs[0].Name
                && feed.Tracks.All(other => !ReferenceEquals(other.Receiver, receiver))
                && feed.Announced.All(other => other.Id != receiver.Track.Id));
    }

    private bool IsCurrent(Feed feed)
    {
        using (GraphLock.Enter(_stateLock))
            return _feeds.Contains(feed);
    }

    private void GoLive(Feed feed)
    {
        using (GraphLock.EnterPush(_pushLock))
        {
            if (!IsCurrent(feed))
                return; // replaced before it began
            if (feed.Session is null)
            {
                foreach (var displaced in _live)
                    FinishLocked(displaced, displaced.EndReason ?? CloseReason.Requested); // its owner comes too late to tell
                foreach (var receiver in Receivers)
                    receiver.Rest();
            }

            _live = _live.Add(feed);
            feed.IsLive = feed.WasLive = true;

            // Under the lock, so that it comes before the feed's end; a subscriber's channel never blocks nor calls back.
            _hub.Events.Publish(new PublishStarted(_hub.Now, Name, feed.Peer.Protocol, feed.Peer.RemoteEndPoint));
        }
    }

    // Of several feeds that write one receiver, one passes. What was before is of no use to who joins now.
    private static Receiver BeginLocked(FeedTrack track)
    {
        var receiver = track.Receiver;
        if (receiver.Writer is { } other)
            other.Passes = false;
        receiver.Rest();
        receiver.Writer = track;
        (track.Passes, track.Continues, track.GroupPending) = (true, false, true);
        receiver.Announce(track.Codec);
        return receiver;
    }

    private static void EndLocked(FeedTrack track)
    {
        track.Passes = false;
        if (!ReferenceEquals(track.Receiver.Writer, track))
            return;
        track.Receiver.Writer = null;
        track.Receiver.Rest();
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
        if (feed.IsLive)
        {
            feed.IsLive = false;
            _live = _live.Remove(feed);
            if (feed.Session is null)
            {
                foreach (var receiver in Receivers)
                    receiver.Rest();
            }
            else
            {
                foreach (var track in feed.Tracks)
                    EndLocked(track);
            }
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
        _settled.TrySetResult();
        Volatile.Read(ref _settleTimer)?.Dispose(); // no feed is live any more that could make one
        foreach (var subscription in subscriptions)
            subscription.Close(reason);
        foreach (var receiver in receivers)
            receiver.Close(reason);
        _hub.WakeRelays(Name);
    }

    private ITimer StartSettling() => _hub.TimeProvider.CreateTimer(
        static stream => ((MediaStream)stream!).OnSettleLimit(), this, SettleLimit, Timeout.InfiniteTimeSpan);

    private void OnSettleLimit()
    {
        ImmutableArray<Feed> feeds;
        using (GraphLock.Enter(_stateLock))
            feeds = _feeds;
        if (_isSettlingLonger || !feeds.Any(static feed => feed.LacksPromised))
        {
            EndSettling();
            return;
        }

        _isSettlingLonger = true;
        Volatile.Read(ref _settleTimer)?.Change(PromisedLimit - SettleLimit, Timeout.InfiniteTimeSpan);
    }

    private void EndSettling()
    {
        _settled.TrySetResult();
        Volatile.Read(ref _settleTimer)?.Dispose();
        if (Sources is null)
            EndUnmatched();
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
            if (!_closed && _sources is null && _feeds.IsEmpty && _feedNumber == lost.Number)
                (surplus, _waitTimer) = (_waitTimer, timer);
        }

        surplus?.Dispose();
    }

    private void StopWaiting(Feed lost)
    {
        using (GraphLock.Enter(_stateLock))
        {
            if (_closed || _sources is not null || !_feeds.IsEmpty || _feedNumber != lost.Number)
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

        var offset = feed.Offset ??= _timeline.OffsetFor(time, feed.FirstAge);
        if (codec.Kind == MediaKind.Data || track.LastTime is null)
            track.Correction = feed.Correction;
        else if (time < track.LastTime - MaxStepBack && !IsBesideOthers(time + offset + track.Correction))
            track.Correction = feed.Correction = CorrectionFor(time + offset);
        track.LastTime = time;
        var onTimeline = time + offset + track.Correction;
        if (codec.Kind != MediaKind.Data && (onTimeline < _timeline.Latest - MaxLag || onTimeline > MaxTime))
            track.Correction = _timeline.Now - time - offset;
        var placed = decodeTime + MediaTime.FromTimeSpan(offset + track.Correction, rate);
        var decode = receiver.LastTicks = Math.Max(placed, receiver.LastTicks + 1);
        return (decode, Math.Max(placed + composition, decode + Math.Min(0, composition)));

        // Then it was not set back, but comes back from one wrong timestamp.
        bool IsBesideOthers(TimeSpan placed)
        {
            foreach (var other in feed.Tracks)
            {
                if (other != track && other.Track.Kind != MediaKind.Data && other.LastTime is { } last
                    && (last + offset + other.Correction - placed).Duration() <= MaxStepBack)
                    return true;
            }

            return false;
        }

        // The feed's tracks have one clock: what the first of them needed when that was set back puts the others right too.
        TimeSpan CorrectionFor(TimeSpan uncorrected) =>
            feed.Correction != track.Correction && uncorrected + feed.Correction is var like
            && like >= _timeline.Latest - MaxLag / 2 && like <= _timeline.Now + MaxStepBack
                ? feed.Correction
                : _timeline.Now - uncorrected;
    }

    // Groups begin with the video's keyframes; in a stream without video every packet of sound begins one. Of several videos each
    // has its own groups, and the leading one's begin those of the sound.
    private PacketFlags FlagsOf(FeedTrack track, Codec codec, bool isKeyframe)
    {
        var flags = isKeyframe ? PacketFlags.Keyframe : PacketFlags.None;
        if (!track.Continues && track.Receiver.Packets > 0)
            flags |= PacketFlags.Discontinuity;
        switch (codec.Kind)
        {
            case MediaKind.Video when isKeyframe:
                if (ReferenceEquals(track, LeadingVideoLocked()))
                {
                    foreach (var feed in _live)
                    {
                        foreach (var other in feed.Tracks)
                            other.GroupPending = true;
                    }
                }

                return flags | PacketFlags.StartsGroup;
            case MediaKind.Audio when track.GroupPending || LeadingVideoLocked() is null:
                track.GroupPending = false;
                return flags | PacketFlags.StartsGroup;
            case MediaKind.Data when isKeyframe:
                return flags | PacketFlags.StartsGroup;
            default:
                return flags;
        }
    }

    private FeedTrack? LeadingVideoLocked()
    {
        foreach (var feed in _live)
        {
            if (feed.LeadingVideo is { Passes: true } video)
                return video;
        }

        return null;
    }

    // Under the lock, so that the counts come out in order; a subscriber's channel never blocks nor calls back.
    private void PublishConsumerCountLocked() =>
        _hub.Events.Publish(new ConsumerCountChanged(_hub.Now, Name, _subscriptions.Length));
}
