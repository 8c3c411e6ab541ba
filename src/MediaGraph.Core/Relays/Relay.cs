using System.Net.Sockets;
using MediaGraph.Delivery;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Sources;
using MediaGraph.Streams;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Relays;

/// <summary>
/// A stream that is pushed to another server for as long as it is wanted: it keeps the stream's sources running, waits while there is no
/// stream, and tries again when the destination fails. Disposing it ends it. Thread-safe.
/// <para>
/// Its one task alone begins and ends sessions, one after the other; whoever has news for it wakes it, and waits for nothing.
/// </para>
/// </summary>
public sealed class Relay : IAsyncDisposable
{
    private const string Unfed = "nobody feeds the stream";

    // How often it is looked whether media go out, until that is known.
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly IRelayTarget _target;
    private readonly ILogger _logger;
    private readonly Signal _signal = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CloseReason? _stop;

    // Of the task alone.
    private readonly Backoff _backoff;
    private readonly Backoff _fetches; // of streams that another server may have
    private StreamLease? _lease;
    private Task<StreamException?> _ready = Task.FromResult<StreamException?>(null); // the lease's

    // Guards the fields below.
    private readonly Lock _stateLock = new();
    private RelayState _state = RelayState.Waiting;
    private long _since;
    private CloseReason? _reason;
    private long? _nextTry;
    private RelaySession? _session;
    private SenderStatistics _sent; // of subscriptions that are over
    private long _sessions;
    private long _failures;

    internal Relay(StreamHub hub, string stream, string address, IRelayTarget target, ILogger logger)
    {
        Hub = hub;
        StreamName = stream;
        Address = address;
        Name = target.Name;
        _target = target;
        _logger = logger;
        _backoff = hub.Options.Relays.CreateBackoff(Time, () => hub.NextRandom());
        _fetches = hub.Options.Relays.CreateBackoff(Time, () => hub.NextRandom());
        _since = Time.GetTimestamp();
    }

    /// <summary>The name of the stream that is pushed.</summary>
    public string StreamName { get; }

    /// <summary>The destination, without secrets.</summary>
    public string Name { get; }

    /// <summary>What it is doing.</summary>
    public RelayState State
    {
        get
        {
            using (GraphLock.Enter(_stateLock))
                return _state;
        }
    }

    internal StreamHub Hub { get; }

    /// <summary>As it was given: what tells whether it is the same after a change. Holds secrets.</summary>
    internal string Address { get; }

    /// <summary>Whether the stream's definition names it. Guarded by the hub's lock.</summary>
    internal bool IsConfigured { get; set; }

    internal bool IsStopping => Volatile.Read(ref _stop) is not null;

    /// <summary>Ends when nothing of the relay runs, but for what was left behind.</summary>
    internal Task Completion => _ended.Task;

    private TimeProvider Time => Hub.TimeProvider;

    private RelayOptions Options => Hub.Options.Relays;

    /// <summary>A view of the relay.</summary>
    public RelaySnapshot GetSnapshot()
    {
        RelaySnapshot snapshot;
        Subscription? subscription;
        var now = Time.GetTimestamp();
        using (GraphLock.Enter(_stateLock))
        {
            subscription = _session?.Subscription;
            snapshot = new RelaySnapshot(
                StreamName, Name, _state, Time.GetElapsedTime(_since, now), _reason,
                _nextTry is { } next ? TimeSpan.FromTicks(Math.Max(Time.GetElapsedTime(now, next).Ticks, 0)) : null, _sent, _sessions, _failures);
        }

        return subscription is null ? snapshot : snapshot with { Packets = snapshot.Packets + Sent(subscription) };
    }

    /// <summary>Ends the relay: the destination is told. Returns when nothing of it runs, after some seconds at most. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Stop(CloseReason.Requested);
        await Completion.ConfigureAwait(false);
    }

    /// <summary>Asks for the end. Waits for nothing; idempotent.</summary>
    internal void Stop(CloseReason reason)
    {
        Interlocked.CompareExchange(ref _stop, reason, null);
        _signal.Set();
    }

    /// <summary>The stream came, went, or was changed.</summary>
    internal void Wake() => _signal.Set();

    /// <summary>Starts the task; called once. It ends when the relay is stopped.</summary>
    /// <param name="before">The one that it takes the place of, of which nothing may run any more when it begins; null for none.</param>
    internal void Start(Relay? before) => _ = GraphLock.Run(() => RunAsync(before)).ContinueWith(
        static (task, ended) => ((TaskCompletionSource)ended!).SetFromTask(task), _ended, CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    internal Subscription Subscribe(RelaySession session, SubscribeRequest request, PacketQueue queue, WireFormat? format)
    {
        var callback = request.OnStateChanged;
        Subscription subscription;
        try
        {
            subscription = Hub.AddSubscription(
                request with
                {
                    OnStateChanged = (state, reason) =>
                    {
                        NoteStream(session, state, reason);
                        callback?.Invoke(state, reason);
                    },
                },
                queue, format);
        }
        catch (StreamException e) when (e.Error is not StreamError.CodecsNotMatched)
        {
            using (GraphLock.Enter(_stateLock))
                session.StreamEnd = Lacks(e.Message); // it went while the destination made up its mind
            throw;
        }

        Subscription? before;
        using (GraphLock.Enter(_stateLock))
            before = session.Subscription;
        before?.Close(CloseReason.Requested);
        var sent = before is null ? default : Sent(before);
        bool isOver;
        using (GraphLock.Enter(_stateLock))
        {
            isOver = session.IsOver;
            if (!isOver)
            {
                _sent += sent;
                (session.Subscription, session.StreamEnd) = (subscription, null);
                NoteLocked(RelayState.Live, null);
            }
        }

        if (isOver)
        {
            subscription.Close(CloseReason.Requested);
            throw new StreamException(StreamError.Ended, "the relay's session is over");
        }

        Log.Live(_logger, StreamName, Name);
        _signal.Set();
        return subscription;
    }

    // ---- Its task ------------------------------------------------------------------------------------------------------------

    private async Task RunAsync(Relay? before)
    {
        if (before is not null)
        {
            Note(RelayState.Waiting, Lacks("the one before it has not ended yet"));
            await Time.WaitAsync(before.Completion, Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        }

        while (!IsStopping)
        {
            var woken = _signal.Take();
            if (IsStopping)
                break;
            if (Missing() is var (why, change, limit))
            {
                Note(RelayState.Waiting, why);
                await Time.WaitAsync(change is null ? woken : Task.WhenAny(woken, change), limit).ConfigureAwait(false);
            }
            else if (Hub.RelaysLeftBehind[(StreamName, Address)] is { IsCompleted: false } behind)
            {
                Note(RelayState.Stuck, new CloseReason(CloseCode.Deadline, "a session before did not end"));
                await Task.WhenAny(woken, behind).ConfigureAwait(false);
            }
            else if (_backoff.Remaining is var rest && rest > TimeSpan.Zero)
            {
                Note(RelayState.BackingOff, null, rest);
                await Time.WaitAsync(woken, rest).ConfigureAwait(false);
            }
            else
            {
                await RunSessionAsync().ConfigureAwait(false);
            }
        }

        _lease?.Dispose();
        Hub.Remove(this);
        Note(RelayState.Stopped, _stop);
    }

    // What the stream lacks, and what to wait for; null when it can be pushed.
    private (CloseReason Why, Task? Change, TimeSpan Limit)? Missing()
    {
        if (_lease is { Stream.IsClosed: true })
        {
            _lease.Dispose();
            _lease = null;
            _fetches.Fail();
        }
        else if (_lease is { HasSources: false, Stream.Sources: not null })
        {
            _lease.Dispose(); // taken while somebody published it: it would keep none of the sources running
            _lease = null;
        }

        if (_lease is null)
        {
            var mayFetch = Hub.Find(StreamName) is null && Hub.MayFetch(StreamName);
            if (mayFetch && _fetches.Remaining is var rest && rest > TimeSpan.Zero)
                return (_reason ?? Lacks("nobody publishes this stream"), null, rest);
            try
            {
                if (mayFetch)
                    _fetches.Try();
                _lease = Hub.Lease(StreamName);
                _ready = _lease.WaitAsync(CancellationToken.None); // at the latest when the lease is let go, or the stream ends
            }
            catch (StreamException e)
            {
                _fetches.Fail();
                return (Lacks(e.Message), null, mayFetch ? _fetches.Remaining : Timeout.InfiniteTimeSpan);
            }
        }

        if (!_ready.IsCompleted)
            return (Lacks("the stream is not there yet"), _ready, Timeout.InfiniteTimeSpan);
        if (_lease.Stream.Sources is { Definition.IsEnabled: false })
            return (Lacks("the stream is disabled"), null, Timeout.InfiniteTimeSpan); // and is still fed, for a moment
        if (!_lease.Stream.IsPublished)
            return (Lacks(_ready.Result?.Message ?? Unfed), null, Timeout.InfiniteTimeSpan);

        var settled = _lease.Stream.WhenSettledAsync(CancellationToken.None);
        return settled.IsCompleted ? null : (Lacks("the stream has no media yet"), settled, Timeout.InfiniteTimeSpan);
    }

    private static CloseReason Lacks(string what) => new(CloseCode.Unavailable, what);

    private async Task RunSessionAsync()
    {
        var session = new RelaySession(this);
        using (GraphLock.Enter(_stateLock))
        {
            _session = session;
            _sessions++;
            NoteLocked(RelayState.Connecting, _reason is { Code: CloseCode.Unavailable } ? null : _reason);
        }

        Log.Changed(_logger, StreamName, Name, RelayState.Connecting);
        _backoff.Try();
        var started = Time.GetTimestamp();
        var call = new UserCall<CloseReason>(token => _target.RunAsync(session, token), _signal);

        CloseReason? stop = null;
        (long Time, long Packets)? media = null;
        var isHealthy = false;
        while (stop is null)
        {
            var woken = _signal.Take();
            if (call.Work.IsCompleted)
                break;
            stop = Volatile.Read(ref _stop);
            if (stop is not null)
                break;
            var due = Timeout.InfiniteTimeSpan;
            if (SubscriptionOf(session) is not { } subscription)
            {
                if (_lease is not { Stream.IsPublished: true })
                {
                    stop = Lacks(Unfed); // once it has agreed, the subscription waits, or ends
                    break;
                }

                due = Options.ConnectLimit - Time.GetElapsedTime(started);
                if (due <= TimeSpan.Zero)
                {
                    stop = new CloseReason(CloseCode.Deadline, "the destination did not agree in time");
                    break;
                }
            }
            else if (!isHealthy)
            {
                isHealthy = IsHealthy(subscription, ref media);
                due = isHealthy ? Timeout.InfiniteTimeSpan : LookInterval;
                if (isHealthy)
                {
                    _backoff.Succeed();
                    _fetches.Succeed();
                }
            }

            await Time.WaitAsync(woken, due).ConfigureAwait(false);
        }

        var isFailure = stop is { Code: CloseCode.Deadline };
        if (stop is not null)
            await StopAsync(session, call, stop).ConfigureAwait(false);
        else
            (stop, isFailure) = Outcome(call.Work, session);
        End(session, stop, isFailure);
        if (isFailure)
            _backoff.Fail();
    }

    // Media have gone out for long enough, and still do.
    private bool IsHealthy(Subscription subscription, ref (long Time, long Packets)? media)
    {
        var packets = Sent(subscription).Delivered;
        if (packets == 0)
            return false;
        var (since, first) = media ??= (Time.GetTimestamp(), packets);
        return packets > first && Time.GetElapsedTime(since) >= Options.HealthyAfter;
    }

    // The target ends its subscription itself, so that it can say goodbye; it has some time for that.
    private async Task StopAsync(RelaySession session, UserCall<CloseReason> call, CloseReason reason)
    {
        Subscription? subscription;
        using (GraphLock.Enter(_stateLock))
        {
            session.IsOver = true;
            subscription = session.Subscription;
            NoteLocked(RelayState.Stopping, _reason);
        }

        var leftBehind = await call.StopAsync(Time).ConfigureAwait(false);
        subscription?.Close(reason);
        if (leftBehind is null)
            return;
        Hub.RelaysLeftBehind.Add((StreamName, Address), leftBehind);
        Log.Abandoned(_logger, StreamName, Name);
    }

    private (CloseReason Reason, bool IsFailure) Outcome(Task<CloseReason> work, RelaySession session)
    {
        var fault = work.Exception?.InnerException; // which counts as looked at, whatever follows
        CloseReason? streamEnd;
        using (GraphLock.Enter(_stateLock))
            streamEnd = session.StreamEnd;
        if (streamEnd is { Code: CloseCode.PublisherLeft or CloseCode.Unavailable or CloseCode.Stopping })
            return (streamEnd, false); // no fault of the destination's
        switch (fault)
        {
            case null when work.IsCanceled:
                return (CloseReason.Stopping, true); // what it runs on was stopped
            case null:
                return (work.Result ?? new CloseReason(CloseCode.PeerClosed, "the session ended"), true);
            case StreamException:
                return (new CloseReason(CloseCode.Refused, fault.Message), true);
            case IOException or SocketException:
                Log.Faulted(_logger, fault, StreamName, Name);
                return (new CloseReason(CloseCode.ConnectionLost, "the connection failed"), true);
            default:
                Log.Faulted(_logger, fault, StreamName, Name);
                return (new CloseReason(CloseCode.Fault, "the destination failed"), true);
        }
    }

    private void End(RelaySession session, CloseReason reason, bool isFailure)
    {
        Subscription? subscription;
        using (GraphLock.Enter(_stateLock))
        {
            session.IsOver = true;
            subscription = session.Subscription;
        }

        subscription?.Close(reason); // if the target did not
        var sent = subscription is null ? default : Sent(subscription);
        using (GraphLock.Enter(_stateLock))
        {
            _session = null;
            _sent += sent;
            _reason = reason;
            _failures += isFailure ? 1 : 0;
        }

        if (!isFailure)
        {
            Log.Left(_logger, StreamName, Name, reason);
            return;
        }

        Log.Failed(_logger, StreamName, Name, reason);
        Hub.Metrics.CountRelayFailure(reason.Code);
        Hub.Events.Publish(new RelayFailed(Hub.Now, StreamName, Name, reason));
    }

    // ---- What is known of it -------------------------------------------------------------------------------------------------

    private static SenderStatistics Sent(Subscription subscription) => subscription.GetSnapshot().Packets;

    private Subscription? SubscriptionOf(RelaySession session)
    {
        using (GraphLock.Enter(_stateLock))
            return session.Subscription;
    }

    // The session's subscription is fed, or not, or over. Called by whoever changed that.
    private void NoteStream(RelaySession session, SubscriptionState state, CloseReason? reason)
    {
        using (GraphLock.Enter(_stateLock))
        {
            if (session.IsOver || !ReferenceEquals(_session, session))
                return;
            switch (state)
            {
                case SubscriptionState.Ended when reason is { Code: not CloseCode.Requested }:
                    session.StreamEnd = reason;
                    break;
                case SubscriptionState.Fed:
                    NoteLocked(RelayState.Live, null);
                    break;
                case SubscriptionState.Waiting:
                    NoteLocked(RelayState.Waiting, reason);
                    break;
            }
        }
    }

    // Without a reason the last one stays.
    private void Note(RelayState state, CloseReason? reason, TimeSpan? nextTry = null)
    {
        bool isNews;
        using (GraphLock.Enter(_stateLock))
        {
            isNews = _state != state;
            NoteLocked(state, reason ?? _reason);
            _nextTry = nextTry is { } rest ? Time.TimestampAfter(rest) : null;
        }

        if (isNews)
            Log.Changed(_logger, StreamName, Name, state);
    }

    private void NoteLocked(RelayState state, CloseReason? reason)
    {
        (_reason, _nextTry) = (reason, null);
        if (_state == state)
            return;
        (_state, _since) = (state, Time.GetTimestamp());

        // Under the lock, so that they come in order; a subscriber's channel never blocks nor calls back.
        Hub.Events.Publish(new RelayStateChanged(Hub.Now, StreamName, Name, state));
    }
}
