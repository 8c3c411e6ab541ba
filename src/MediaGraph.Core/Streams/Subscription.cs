using System.Collections.Immutable;
using MediaGraph.Delivery;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Sources;

namespace MediaGraph.Streams;

/// <summary>
/// A consumer's place at a stream. It begins held: the protocol sends its reply, then calls <see cref="Start"/>, and from then on
/// every track of the stream that was asked for is delivered, also those that come later. Disposing it ends it: when that returns
/// nothing more is put into its queue. Thread-safe.
/// </summary>
public sealed class Subscription : IAsyncDisposable
{
    private readonly StreamHub _hub;
    private readonly MediaStream _stream;
    private readonly SubscribeRequest _request;
    private readonly PacketQueue _queue;
    private readonly WireFormat? _format;
    private readonly long _started;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guards the fields below.
    private readonly Lock _sendersLock = new();
    private ImmutableDictionary<Receiver, Sender> _senders = ImmutableDictionary<Receiver, Sender>.Empty;
    private SenderStatistics _departed; // of senders that are gone
    private SubscriptionState _state = SubscriptionState.Held;
    private CloseReason? _reason;
    private StreamLease? _lease;
    private long _since;
    private bool _isWaiting;
    private bool _isStarted;
    private long _order; // of the newest change of the stream's state

    // Changes that the consumer has not been told of, and whether a thread is telling it.
    private readonly Queue<(SubscriptionState State, CloseReason? Reason)> _changes = new();
    private bool _isNotifying;

    internal Subscription(
        StreamHub hub, MediaStream stream, SubscribeRequest request, PacketQueue queue, WireFormat? format, StreamLease? lease, long id)
    {
        _hub = hub;
        _stream = stream;
        _request = request;
        _queue = queue;
        _format = format;
        _lease = lease;
        _started = _since = hub.TimeProvider.GetTimestamp();
        Id = id;
    }

    /// <summary>Unique in the hub.</summary>
    public long Id { get; }

    /// <summary>The stream's name.</summary>
    public string StreamName => _stream.Name;

    /// <summary>What the subscription is doing.</summary>
    public SubscriptionState State
    {
        get
        {
            using (GraphLock.Enter(_sendersLock))
                return _state;
        }
    }

    /// <summary>
    /// Releases the hold: from now on <see cref="SubscribeRequest.OnStateChanged"/> is called, at once if the stream has lost its feed
    /// or ended meanwhile. Idempotent.
    /// </summary>
    public void Start()
    {
        bool isOpen;
        using (GraphLock.Enter(_sendersLock))
        {
            _isStarted = true;
            isOpen = _state == SubscriptionState.Held;
            if (isOpen)
            {
                _state = _isWaiting ? SubscriptionState.Waiting : SubscriptionState.Fed;
                _since = _hub.TimeProvider.GetTimestamp();
                if (_isWaiting)
                    _changes.Enqueue((_state, _reason));

                // Under the lock, so that it comes before the end; a subscriber's channel never blocks nor calls back.
                _hub.Events.Publish(
                    new PlayStarted(_hub.Now, StreamName, _request.Peer.Protocol, _request.Peer.RemoteEndPoint));
            }
        }

        Notify();
        GraphLock.Point();
        if (isOpen)
            Attach(_stream.Receivers);
    }

    /// <summary>Ends the subscription. Returns without waiting; idempotent.</summary>
    public void Close(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        ImmutableDictionary<Receiver, Sender> senders;
        StreamLease? lease;
        bool wasStarted;
        using (GraphLock.Enter(_sendersLock))
        {
            if (_state == SubscriptionState.Ended)
                return;
            wasStarted = _state != SubscriptionState.Held;
            _state = SubscriptionState.Ended;
            _reason = reason;
            _since = _hub.TimeProvider.GetTimestamp();
            senders = _senders;
            _senders = _senders.Clear();
            lease = _lease;
        }

        var statistics = default(SenderStatistics);
        foreach (var sender in senders.Values)
        {
            sender.Close(reason);
            statistics += sender.GetStatistics();
        }

        using (GraphLock.Enter(_sendersLock))
            _departed += statistics;
        _hub.CountDeparted(statistics);
        if (wasStarted)
        {
            _hub.Events.Publish(new PlayStopped(
                _hub.Now, StreamName, _request.Peer.Protocol, _request.Peer.RemoteEndPoint,
                _hub.TimeProvider.GetElapsedTime(_started), reason));
        }

        _stream.Remove(this);
        lease?.Dispose();
        using (GraphLock.Enter(_sendersLock))
            _changes.Enqueue((SubscriptionState.Ended, reason));
        _closed.SetResult();
        Notify();
    }

    /// <summary>Ends the subscription. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Close(CloseReason.Requested);
        await _closed.Task.ConfigureAwait(false); // another thread may be at it
    }

    /// <summary>
    /// The first packet of a track that waits in a queue that is held, with a reference that the caller releases; null where none waits.
    /// </summary>
    /// <param name="track">The track's <see cref="Track.Id"/>.</param>
    public MediaPacket? RetainFirst(string track)
    {
        Sender? sender;
        using (GraphLock.Enter(_sendersLock))
            sender = _senders.Values.FirstOrDefault(candidate => candidate.Track.Id == track);
        return sender is null ? null : _queue.RetainFirst(sender);
    }

    /// <summary>A view of the subscription.</summary>
    public SubscriptionSnapshot GetSnapshot()
    {
        SubscriptionState state;
        CloseReason? reason;
        TimeSpan age;
        var statistics = default(SenderStatistics);
        ImmutableDictionary<Receiver, Sender> senders;
        using (GraphLock.Enter(_sendersLock))
        {
            state = _state;
            reason = _reason;
            age = _hub.TimeProvider.GetElapsedTime(_since);
            statistics = _departed;
            senders = _senders;
        }

        foreach (var sender in senders.Values)
            statistics += sender.GetStatistics();
        return new SubscriptionSnapshot(
            Id, _request.Peer.Protocol, _request.Peer.RemoteEndPoint?.ToString(), state, age, reason,
            state == SubscriptionState.Waiting ? _stream.Sources?.NextTryIn(Waited) : null, statistics, _queue.GetStatistics());
    }

    /// <summary>The stream gained or lost its feed.</summary>
    /// <param name="order">Grows with each such change: of two that race, the later one stays.</param>
    /// <param name="state">Fed or waiting.</param>
    /// <param name="reason">Why it waits.</param>
    internal void SetState(long order, SubscriptionState state, CloseReason? reason)
    {
        using (GraphLock.Enter(_sendersLock))
        {
            if (order < _order)
                return;
            _order = order;
            _isWaiting = state == SubscriptionState.Waiting;
            if (_state == SubscriptionState.Ended)
                return;
            _reason = reason;
            if (_state == state)
                return;
            if (_state == SubscriptionState.Held)
                return;
            _state = state;
            _since = _hub.TimeProvider.GetTimestamp();
            _changes.Enqueue((state, reason));
        }

        Notify();
    }

    /// <summary>Ends it when the stream's sources cannot be had.</summary>
    internal void EndIfUnavailable()
    {
        StreamLease? lease;
        using (GraphLock.Enter(_sendersLock))
            lease = _lease;
        if (lease is not null)
            _ = GraphLock.Run(WatchAsync); // until that is decided, or the subscription ends

        async Task WatchAsync()
        {
            if (await lease.WaitAsync(CancellationToken.None).ConfigureAwait(false) is { } failure)
                Close(new CloseReason(CloseCode.Unavailable, failure.Message));
        }
    }

    /// <summary>Kinds that it is there for.</summary>
    internal SourceMedia Wants => StreamHub.WantsOf(_request);

    /// <summary>Kinds of which any one feeds it.</summary>
    internal SourceMedia Waited => Wants == SourceMedia.None ? SourceMediaKinds.Viewed : Wants;

    /// <summary>Keeps the sources running that the stream has got, if it does not do so already.</summary>
    internal void Hold(StreamSources sources)
    {
        using (GraphLock.Enter(_sendersLock))
        {
            if (_lease is not null)
                return;
        }

        StreamLease lease;
        try
        {
            lease = sources.Lease(Wants);
        }
        catch (StreamException e)
        {
            Close(new CloseReason(CloseCode.Unavailable, e.Message));
            return;
        }

        var isSurplus = true;
        using (GraphLock.Enter(_sendersLock))
        {
            if (_state != SubscriptionState.Ended)
                (_lease, isSurplus) = (lease, false);
        }

        if (isSurplus)
            lease.Dispose();
    }

    /// <summary>Ends it when none of the stream's tracks is one for it.</summary>
    /// <param name="receivers">Those that are fed.</param>
    /// <param name="pending">What may still come.</param>
    internal void EndUnlessMatched(ImmutableArray<Receiver> receivers, SourceMedia pending)
    {
        if (receivers.Any(IsWanted) || (pending & Wants) != SourceMedia.None)
            return;
        var mismatch = receivers.Select(receiver => StreamHub.Mismatch([receiver], _request.Wanted, _format)).OfType<string>();
        Close(new CloseReason(CloseCode.CodecMismatch, string.Join("; ", mismatch.Distinct().DefaultIfEmpty("no track that it can take"))));
    }

    /// <summary>Attaches a sender to each of the receivers that has none yet, all or none of them held back until all are.</summary>
    internal void Attach(ImmutableArray<Receiver> receivers)
    {
        var added = new List<(Receiver Receiver, Sender Sender)>();

        // The video last: what it begins with says how much of the sound that comes before it is wanted.
        foreach (var receiver in receivers.Where(IsWanted).OrderBy(r => r.Track.Kind == MediaKind.Video))
        {
            var sender = _queue.CreateSender(receiver.Track, _format?.ForTrack(receiver.Track));
            if (TryAdd(receiver, sender))
                added.Add((receiver, sender));
            else
                sender.Close(CloseReason.Unused);
        }

        var videos = added.Where(pair => pair.Receiver is { Track.Kind: MediaKind.Video, Codec: not null })
            .Select(pair => pair.Sender).ToList();
        var leader = videos.Find(sender => sender.Track.Id == Track.Name(MediaKind.Video)) ?? videos.FirstOrDefault();
        var live = _stream.Receivers.Where(receiver => receiver.Codec is not null && receiver.Track.Kind != MediaKind.Data).ToList();
        foreach (var (receiver, sender) in added)
        {
            GraphLock.Point();
            sender.ReplayRange = RangeOf(receiver, live);
            sender.OnFault = Close;
            if (sender.Track.Kind == MediaKind.Audio)
                sender.Leader = leader;
            try
            {
                if (TryAttach(receiver, sender))
                    continue;
            }
            catch (Exception e)
            {
                // What it needs cannot be made. It may be the publisher's thread, whose affair that is not.
                Close(Converter.ReasonOf(e));
                return;
            }

            Remove(receiver);
            sender.Close(receiver.Reason ?? CloseReason.Requested);
        }
    }

    // A track that fell silent has its last group still, which is of a time that has gone by. Sound goes back to a keyframe for the sake of
    // the pictures.
    private ReplayRange RangeOf(Receiver receiver, List<Receiver> live)
    {
        if (receiver.Track.Kind == MediaKind.Data || live.Count == 0)
            return ReplayRange.Group;
        if (live.Max(other => other.LastDecodeTime) - receiver.LastDecodeTime > _hub.Options.GroupCache.MaxDuration)
            return ReplayRange.None;
        return receiver.Track.Kind == MediaKind.Audio && live.Exists(IsVideo) && !live.Exists(other => IsVideo(other) && IsWanted(other))
            ? ReplayRange.Newest
            : ReplayRange.Group;

        static bool IsVideo(Receiver receiver) => receiver.Track.Kind == MediaKind.Video;
    }

    // What the consumer's format needs stands between.
    private static bool TryAttach(Receiver receiver, Sender sender) =>
        sender.Format?.Conversion is { } conversion
            ? receiver.TryAttach(sender, conversion.Format, conversion.Create)
            : receiver.TryAttach(sender);

    // One change after the other and in their order, whichever threads make them.
    private void Notify()
    {
        while (true)
        {
            (SubscriptionState State, CloseReason? Reason) change;
            using (GraphLock.Enter(_sendersLock))
            {
                if (!_isStarted || _isNotifying || !_changes.TryDequeue(out change))
                    return;
                _isNotifying = true;
            }

            try
            {
                _request.OnStateChanged?.Invoke(change.State, change.Reason);
            }
            catch (Exception e)
            {
                _stream.LogCallbackFailed(e); // the subscriber's own affair
            }
            finally
            {
                using (GraphLock.Enter(_sendersLock))
                    _isNotifying = false;
            }
        }
    }

    private bool IsWanted(Receiver receiver) =>
        StreamHub.Mismatch([receiver], _request.Wanted, _format) is null
        && (_format is null || _format.ForTrack(receiver.Track) is not null);

    private bool TryAdd(Receiver receiver, Sender sender)
    {
        using (GraphLock.Enter(_sendersLock))
        {
            if (_state is SubscriptionState.Held or SubscriptionState.Ended || _senders.ContainsKey(receiver))
                return false;
            _senders = _senders.Add(receiver, sender);
            return true;
        }
    }

    private void Remove(Receiver receiver)
    {
        using (GraphLock.Enter(_sendersLock))
            _senders = _senders.Remove(receiver);
    }
}
