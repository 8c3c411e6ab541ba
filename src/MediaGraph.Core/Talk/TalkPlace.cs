using System.Collections.Immutable;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Sources;
using MediaGraph.Streams;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Talk;

/// <summary>
/// The one talker's place at a speaker. Talkers say what is wanted (<see cref="_turn"/>); one task, which exists only while there is
/// something to do, makes it so: it alone calls the speaker, and serves one turn after the other. Who came and left while it was
/// busy with another was never there for the device.
/// </summary>
internal sealed class TalkPlace
{
    // One packet of 20 ms; a device that takes none for so long is gone.
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(5);

    // A device that fails is tried again after a pause; one that took a talk for as long as the longest is well.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly StreamHub _hub;
    private readonly string _stream;
    private readonly ISpeaker _speaker;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guarded by the lock.
    private ImmutableHashSet<TalkSession> _sessions = [];
    private TalkTurn? _turn; // who has the place
    private TalkTurn? _served; // whom the task opens, holds or closes a line for
    private bool _isRunning; // whether there is a task
    private CloseReason? _closed;
    private CloseReason? _failure;
    private readonly Backoff _backoff;
    private ITimer? _silence;

    // Of the task alone.
    private ITalkLine? _line;
    private Task _leftBehind = Task.CompletedTask; // a call that did not end in time: no line is opened before it has

    public TalkPlace(StreamHub hub, string stream, ISpeaker speaker, ILogger logger)
    {
        _hub = hub;
        _stream = stream;
        _speaker = speaker;
        _logger = logger;
        _backoff = new Backoff(ShortestPause, LongestPause, tries: null, Time, () => hub.NextRandom());
        Track = speaker.Track;
        if (Track is not { Kind: MediaKind.Audio, Direction: TrackDirection.ReceiveOnly, Codecs.IsEmpty: false })
            throw new ArgumentException("A speaker takes an audio track to be received, in codecs that it names.", nameof(speaker));
    }

    /// <summary>Guards the place and its sessions. Nothing waits or calls out under it.</summary>
    public Lock Lock { get; } = new();

    public Track Track { get; }

    /// <summary>Whether the task has nothing to do; tests only.</summary>
    internal bool IsResting
    {
        get
        {
            using (GraphLock.Enter(Lock))
                return !_isRunning;
        }
    }

    private TalkOptions Options => _hub.Options.Talk;

    private TimeProvider Time => _hub.TimeProvider;

    public SpeakerSnapshot GetSnapshot()
    {
        using (GraphLock.Enter(Lock))
        {
            var talker = _turn is not { Session: var session } turn ? null : new TalkerSnapshot(
                session.Peer.Protocol, session.Peer.RemoteEndPoint?.ToString(), session.Peer.User, session.Codec, session.StateLocked,
                Time.GetElapsedTime(turn.Taken), turn.Packets, turn.Dropped);
            return new SpeakerSnapshot(Track.Codecs, _sessions.Count, talker, _failure);
        }
    }

    public void LogCallbackFailed(Exception exception) => _hub.LogCallbackFailed(_stream, exception);

    // ---- What is wanted: any thread -----------------------------------------------------------------------------------------

    /// <exception cref="StreamException">The feed has just ended, or another talks and the request does not want to wait.</exception>
    public void Add(TalkSession session, bool refuseWhenBusy)
    {
        using (GraphLock.Enter(Lock))
        {
            if (_closed is not null)
                throw new StreamException(StreamError.NoSpeaker, "the feed with the speaker ended");
            if (refuseWhenBusy && _turn is not null)
                throw new StreamException(StreamError.Busy, "another talks to this device");
            _sessions = _sessions.Add(session);
        }
    }

    public TalkResult Offer(TalkSession session, MediaPacket packet)
    {
        TalkTurn turn;
        bool mustRun;
        using (GraphLock.Enter(Lock))
        {
            var now = Time.GetTimestamp();
            if (session.StateLocked == TalkState.Ended)
                return TalkResult.Ended;
            if (_turn is null)
            {
                if (_backoff.Remaining > TimeSpan.Zero)
                    return TalkResult.Unavailable;
                _turn = new TalkTurn(session, now);
                session.SetLocked(TalkState.Opening, null);
            }
            else if (!ReferenceEquals(_turn.Session, session))
            {
                return TalkResult.Busy;
            }

            turn = _turn;
            turn.EnqueueLocked(packet, now);
            mustRun = StartTaskLocked();
        }

        if (mustRun)
            Run();
        DropExcess(turn);
        return TalkResult.Taken;
    }

    public void Stop(TalkSession session)
    {
        TalkTurn? turn = null;
        var mustRun = false;
        using (GraphLock.Enter(Lock))
        {
            if (ReferenceEquals(_turn?.Session, session))
                turn = ReleaseLocked(CloseReason.Requested, out mustRun);
        }

        Released(turn, mustRun);
        session.Notify();
    }

    public void Remove(TalkSession session, CloseReason reason)
    {
        TalkTurn? turn = null;
        var mustRun = false;
        using (GraphLock.Enter(Lock))
        {
            _sessions = _sessions.Remove(session);
            if (ReferenceEquals(_turn?.Session, session))
                turn = ReleaseLocked(reason, out mustRun);
            session.SetLocked(TalkState.Ended, reason);
        }

        Released(turn, mustRun);
        session.Notify();
    }

    /// <summary>The speaker is gone, or will be: ends all sessions. Idempotent.</summary>
    public void Close(CloseReason reason)
    {
        TalkTurn? turn;
        bool mustRun, isOver;
        ImmutableHashSet<TalkSession> sessions;
        using (GraphLock.Enter(Lock))
        {
            if (_closed is not null)
                return;
            _closed = reason;
            (sessions, _sessions) = (_sessions, []);
            turn = ReleaseLocked(reason, out mustRun);
            foreach (var session in sessions)
                session.SetLocked(TalkState.Ended, reason);
            isOver = !_isRunning;
        }

        Released(turn, mustRun);
        foreach (var session in sessions)
            session.Notify();
        if (isOver)
            End();
    }

    /// <summary>Returns when the device has been told of the end of the session's last talk; bounded.</summary>
    public async ValueTask WhenDoneAsync(TalkSession session)
    {
        TalkTurn? turn;
        using (GraphLock.Enter(Lock))
            turn = _served;
        if (turn is not null && ReferenceEquals(turn.Session, session)) // one that was never served has nothing to wait for
            await WaitAsync(turn.Done).ConfigureAwait(false);
    }

    /// <summary>Returns when the place is closed and its task has ended; bounded.</summary>
    public async ValueTask WhenEndedAsync()
    {
        await WaitAsync(_ended.Task).ConfigureAwait(false);
        if (!_ended.Task.IsCompleted)
            LeaveBehind("end");
    }

    // The task's own bounds come first, unless the speaker blocks its thread.
    private async Task WaitAsync(Task task)
    {
        if (!task.IsCompleted)
        {
            await GraphLock.WaitAsync(task, (2 * Waiting.AbandonAfter) + Options.CloseLimit, Time)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Whoever holds the place loses it. The task is told by the turn's reason, and started if it rests while a line is open.
    private TalkTurn? ReleaseLocked(CloseReason reason, out bool mustRun)
    {
        mustRun = false;
        if (_turn is not { } turn)
            return null;
        _turn = null;
        turn.Reason = reason;
        if (ReferenceEquals(_served, turn))
        {
            turn.Session.SetLocked(TalkState.Closing, reason);
            mustRun = StartTaskLocked();
        }
        else
        {
            turn.Session.SetLocked(TalkState.Idle, reason);
        }

        return turn;
    }

    private void Released(TalkTurn? turn, bool mustRun)
    {
        if (turn is null)
            return;
        turn.Cancel();
        while (true)
        {
            MediaPacket? packet;
            using (GraphLock.Enter(Lock))
                turn.TryDequeueLocked(out packet);
            if (packet is null)
                break;
            Drop(turn, packet);
        }

        if (mustRun)
            Run();
    }

    private void DropExcess(TalkTurn turn)
    {
        while (true)
        {
            MediaPacket? packet;
            using (GraphLock.Enter(Lock))
                packet = turn.DequeueExcessLocked(Time, Options.MaxDelay);
            if (packet is null)
                return;
            Drop(turn, packet);
        }
    }

    private void Drop(TalkTurn turn, MediaPacket packet)
    {
        packet.Release();
        turn.CountDropped();
        _hub.Metrics.CountTalkPacket(isDropped: true);
    }

    private void OnSilence()
    {
        TalkTurn? turn = null;
        ITimer? timer = null;
        var rest = TimeSpan.Zero;
        var mustRun = false;
        using (GraphLock.Enter(Lock))
        {
            if (_turn is null)
                return;
            rest = Options.SilenceLimit - Time.GetElapsedTime(_turn.LastHeard);
            if (rest > TimeSpan.Zero)
                timer = _silence;
            else
                turn = ReleaseLocked(new CloseReason(CloseCode.Deadline, "the talker was silent"), out mustRun);
        }

        timer?.Change(rest, Timeout.InfiniteTimeSpan);
        Released(turn, mustRun);
        turn?.Session.Notify();
    }

    // ---- What is done about it: the task ------------------------------------------------------------------------------------

    private bool StartTaskLocked()
    {
        var mustRun = !_isRunning;
        _isRunning = true;
        return mustRun;
    }

    // Its end is awaited through the turns' and the place's.
    private void Run() => _ = GraphLock.Run(RunAsync);

    private async Task RunAsync()
    {
        while (true)
        {
            TalkTurn? turn;
            MediaPacket? packet = null;
            var isNew = false;
            var mustEnd = false;
            ITimer? unused = null;
            using (GraphLock.Enter(Lock))
            {
                isNew = _served is null && _turn is not null;
                turn = _served ??= _turn;
                if (!isNew && turn?.IsOver != true && turn?.TryDequeueLocked(out packet) != true)
                {
                    _isRunning = false;
                    mustEnd = _closed is not null && turn is null;
                    if (turn is null)
                        (unused, _silence) = (_silence, null);
                    turn = null;
                }
            }

            unused?.Dispose();
            if (turn is null)
            {
                if (mustEnd)
                    End();
                return;
            }

            if (isNew)
                await OpenAsync(turn).ConfigureAwait(false);
            else if (packet is null)
                await CloseAsync(turn).ConfigureAwait(false);
            else
                await WriteAsync(turn, packet).ConfigureAwait(false);
        }
    }

    private async Task OpenAsync(TalkTurn turn)
    {
        turn.Session.Notify();
        StartSilence();
        if (!_leftBehind.IsCompleted)
        {
            Fail(turn, "open", new CloseReason(CloseCode.Deadline, "the device still hangs from an earlier talk"), null);
            return;
        }

        var opening = GraphLock.Call(async () => await _speaker.OpenAsync(turn.Session.Codec, turn.Token).ConfigureAwait(false));
        var late = new CloseReason(CloseCode.Deadline, "the device did not listen in time");
        if (!await EndsAsync(opening, Options.OpenLimit, turn).ConfigureAwait(false))
        {
            _leftBehind = CloseLateAsync(opening);
            LeaveBehind("open");
            Fail(turn, "open", late, null);
            return;
        }

        try
        {
            _line = await opening.ConfigureAwait(false)
                ?? throw new InvalidOperationException("The speaker returned no line.");
        }
        catch (Exception e)
        {
            var isLate = turn.Token.IsCancellationRequested; // before the turn's end is looked at, which cancels too
            if (!turn.IsOver) // whoever leaves while it opens is no failure
                Fail(turn, "open", isLate ? late : ReasonOf(e), e);
            return;
        }

        using (GraphLock.Enter(Lock))
        {
            _failure = null;
            if (!turn.IsOver)
                turn.Session.SetLocked(TalkState.Talking, null);
        }

        turn.Started = Time.GetTimestamp();
        _hub.Metrics.CountTalk(1);
        Log.Started(_logger, turn.Session.Peer, _stream, turn.Session.Codec);
        _hub.Events.Publish(new TalkStarted(
            _hub.Now, _stream, turn.Session.Peer.Protocol, turn.Session.Peer.RemoteEndPoint, turn.Session.Codec.Name));
        turn.Session.Notify();
        if (turn.Token.IsCancellationRequested && !turn.IsOver)
            Fail(turn, "open", late, null); // it came after the deadline
        DropExcess(turn);
    }

    private async Task WriteAsync(TalkTurn turn, MediaPacket packet)
    {
        var late = new CloseReason(CloseCode.Deadline, "the device took no sound");
        var writing = WriteToLineAsync(_line!, packet, turn.Token);
        if (!await EndsAsync(writing, WriteLimit, turn).ConfigureAwait(false))
        {
            _ = writing.ContinueWith(
                static (left, state) =>
                {
                    _ = left.Exception;
                    ((MediaPacket)state!).Release(); // the call has borrowed it until here
                },
                packet, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            turn.CountDropped();
            _hub.Metrics.CountTalkPacket(isDropped: true);
            LeaveBehind("write");
            Fail(turn, "write", late, null);
            return;
        }

        var isTaken = writing.IsCompletedSuccessfully;
        if (isTaken)
        {
            packet.Release();
            turn.CountPacket();
            _hub.Metrics.CountTalkPacket(isDropped: false);
        }
        else
        {
            Drop(turn, packet);
        }

        var isLate = turn.Token.IsCancellationRequested;
        var exception = writing.Exception?.InnerException;
        if (!turn.IsOver && (isLate || !isTaken))
            Fail(turn, "write", isLate ? late : ReasonOf(exception), exception);
        DropExcess(turn);
    }

    private async Task CloseAsync(TalkTurn turn)
    {
        if (_line is { } line)
        {
            _line = null;
            var closing = GraphLock.Call(() => DisposeAsync(line));
            if (!await EndsAsync(closing, Options.CloseLimit, null).ConfigureAwait(false))
            {
                _leftBehind = closing.Quietly();
                LeaveBehind("close");
            }
            else if (!closing.IsCompletedSuccessfully)
            {
                var e = closing.Exception?.InnerException;
                Log.Failed(_logger, e, _stream, "close", ReasonOf(e));
                _hub.Metrics.CountTalkFailure("close");
            }
        }

        using (GraphLock.Enter(Lock))
        {
            _served = null;
            if (turn.Session.StateLocked == TalkState.Closing)
                turn.Session.SetLocked(TalkState.Idle, turn.Reason);
            if (turn.Started is not null && !turn.HasFailed)
            {
                _backoff.Succeed();
                _failure = null;
            }
        }

        if (turn.Started is { } started)
        {
            var duration = Time.GetElapsedTime(started);
            _hub.Metrics.CountTalk(-1);
            Log.Stopped(_logger, turn.Session.Peer, _stream, duration, turn.Reason!);
            _hub.Events.Publish(new TalkStopped(
                _hub.Now, _stream, turn.Session.Peer.Protocol, turn.Session.Peer.RemoteEndPoint, duration, turn.Packets, turn.Dropped,
                turn.Reason!));
        }

        turn.Complete();
        turn.Session.Notify();
    }

    // The task is the only one to make the timer, and to take it away. It is armed when its callback can find it.
    private void StartSilence()
    {
        ITimer? timer;
        using (GraphLock.Enter(Lock))
            timer = _silence;
        if (timer is null)
        {
            timer = Time.CreateTimer(
                static place => ((TalkPlace)place!).OnSilence(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            using (GraphLock.Enter(Lock))
                _silence = timer;
        }

        timer.Change(Options.SilenceLimit, Timeout.InfiniteTimeSpan);
    }

    // Takes the place from the turn, which the task then closes, and leaves the device alone for a while.
    private void Fail(TalkTurn turn, string action, CloseReason reason, Exception? exception)
    {
        Log.Failed(_logger, exception, _stream, action, reason);
        _hub.Metrics.CountTalkFailure(action);
        turn.HasFailed = true;
        var wasHealthy = turn.Started is { } started && Time.GetElapsedTime(started) >= LongestPause;
        TalkTurn? released = null;
        var mustRun = false;
        using (GraphLock.Enter(Lock))
        {
            _failure = reason;
            if (wasHealthy)
                _backoff.Succeed();
            _backoff.Fail();
            if (ReferenceEquals(_turn, turn))
                released = ReleaseLocked(reason, out mustRun);
        }

        Released(released, mustRun);
        turn.Session.Notify();
    }

    /// <summary>Waits for user code; false when it neither ended in time nor when it was cancelled.</summary>
    private async Task<bool> EndsAsync(Task work, TimeSpan limit, TalkTurn? turn)
    {
        if (!work.IsCompleted)
        {
            await work.WaitAsync(limit, Time, turn?.Token ?? CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (work.IsCompleted || turn is null)
            return work.IsCompleted;
        turn.Cancel();
        await work.WaitAsync(Waiting.AbandonAfter, Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return work.IsCompleted;
    }

    private static async Task WriteToLineAsync(ITalkLine line, MediaPacket packet, CancellationToken cancellationToken) =>
        await line.WriteAsync(packet, cancellationToken).ConfigureAwait(false);

    private static async Task CloseLateAsync(Task<ITalkLine> opening)
    {
        await opening.Quietly().ConfigureAwait(false);
        if (opening.IsCompletedSuccessfully && opening.Result is { } line)
            await DisposeAsync(line).Quietly().ConfigureAwait(false);
    }

    private static async Task<bool> DisposeAsync(ITalkLine line)
    {
        await line.DisposeAsync().ConfigureAwait(false);
        return true;
    }

    private void LeaveBehind(string action)
    {
        Log.Abandoned(_logger, _stream, action);
        _hub.Metrics.CountTalkFailure("abandoned");
    }

    // Only what is meant for the peer is told to it.
    private static CloseReason ReasonOf(Exception? exception) => exception is StreamException known
        ? new CloseReason(CloseCode.Refused, known.Message)
        : new CloseReason(CloseCode.ConnectionLost, "the device failed");

    private void End()
    {
        _hub.Forget(this);
        _ended.TrySetResult();
    }
}
