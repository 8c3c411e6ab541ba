using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Security;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// One connection of the server's. Its one task reads, obeys, and at the end frees everything, exactly once, whatever ended it. Others only
/// ask for the end: <see cref="RequestClose"/> lets the task say goodbye, <see cref="Abort"/> does not.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "RunAsync, the one way out, disposes of what it owns.")]
internal sealed partial class RtspConnection : IConnection
{
    private static readonly TimeSpan GoodbyeLimit = TimeSpan.FromMilliseconds(250);

    // How long a client whose session ended has for its own goodbye, or for another session.
    private static readonly TimeSpan AfterSession = TimeSpan.FromSeconds(5);

    private const int MaxGoodbyeBytes = 64 << 10;
    private const int MaxTurnBytes = 128 << 10; // that are read without letting others have the thread
    private const int MaxAheadBytes = 64 << 10; // that a client may send behind a request that takes its time
    private const int MaxStreamNames = 64; // that the event at the end names

    private readonly ServerParts _parts;
    private readonly string _protocol; // rtsp or rtsps
    private readonly ConnectionGuard.Place _place;
    private readonly ConnectionWriter _writer;
    private readonly RtspReader _reader;
    private readonly RtspServerAuthentication _authentication;
    private readonly CancellationTokenSource _closing = new();
    private readonly long _opened;
    private readonly SortedSet<string> _roles = []; // what it has been, for the event at its end
    private readonly SortedSet<string> _streamNames = [];
    private volatile ITransport _transport; // a tunnel's, once it is one
    private HttpTunnel? _fed; // by this connection, which is a tunnel's POST
    private CloseReason? _reason;
    private Task _completion = Task.CompletedTask;
    private long _receivedBytes;
    private long _requestSecond;
    private int _requestsInSecond;

    // Read by the sweep. Timestamps of the time provider.
    private volatile ServerSession? _session;
    private volatile bool _isEstablished;
    private long _lastHeard;
    private long _beganAt; // what has come in part; 0 where nothing has
    private long _sessionEnded; // 0 before
    private CloseReason? _sessionReason;
    private long _sentBytes; // the sweep's own, at its last look

    public RtspConnection(ServerParts parts, ITransport transport, string protocol, ConnectionGuard.Place place, long id)
    {
        _parts = parts;
        _transport = transport;
        _protocol = protocol;
        _place = place;
        Id = id;
        _reader = new RtspReader(parts.Options.Limits);
        _writer = new ConnectionWriter(transport, parts.Hub.Pool, OnWriterFailed, parts.Options.Queue, parts.Time);
        _authentication = new RtspServerAuthentication(parts.Options.Authentication, IsSecure, parts.Time);
        _opened = _lastHeard = parts.Time.GetTimestamp();
    }

    public long Id { get; }

    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    public Task Completion => _completion;

    /// <summary>Why it ended, or is about to; null before.</summary>
    public CloseReason? Reason => Volatile.Read(ref _reason);

    private bool IsSecure => _protocol == "rtsps";

    private TimeSpan Duration => _parts.Time.GetElapsedTime(_opened);

    public void Start() => _completion = Task.Run(RunAsync);

    public void RequestClose(CloseReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null)
            return;
        _ = _closing.CancelAsync(); // whoever listens, an authorizer for instance, does not run on this thread
        Wake();
    }

    public void Abort(CloseReason reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _transport.Abort(reason);
        _ = _closing.CancelAsync();
    }

    public void CheckDeadlines()
    {
        if (FindOverdue(_parts.Time.GetTimestamp()) is { } reason)
            Abort(reason);
    }

    // A viewer that only meets a codec which it cannot take can be told so; any other failure is the end.
    private void OnWriterFailed(CloseReason reason)
    {
        if (reason.Code == CloseCode.CodecMismatch)
            RequestClose(reason);
        else
            Abort(reason);
    }

    private void Wake() => _transport.Input.CancelPendingRead();

    // The session is over; the task is woken to end it. Called by anyone.
    private void NoteSessionEnd(ServerSession session, CloseReason reason)
    {
        if (session.TryNoteEnd(reason))
            Wake();
    }

    private CloseReason? FindOverdue(long now)
    {
        var options = _parts.Options;
        if (!_isEstablished)
            return IsOver(_opened, options.HandshakeTimeout) ? Late("no request came in time") : null;
        if (_fed is not null)
            return null; // the tunnel's other connection has the deadlines
        if (Volatile.Read(ref _beganAt) is not 0 and var began && IsOver(began, options.RequestTimeout))
            return Late("a request took too long");
        if (_writer.GetStatistics().StalledFor >= options.WriteTimeout)
            return Late("the peer took nothing");
        if (Volatile.Read(ref _sessionEnded) is not 0 and var ended && IsOver(ended, AfterSession))
            RequestClose(_sessionReason!);

        var session = _session;
        if (session?.Tick(now) is { } overdue)
            return overdue;
        session?.SendReports(now);
        if (session?.EndReason is not null)
            Wake();

        // Some players send nothing at all. Over TCP, who takes what is sent is alive; over UDP nobody knows. Publishers are missed sooner, by
        // their media.
        var sent = _writer.SentBytes;
        if (session is RecordSession { IsRunning: true } || (session is { IsTcp: true, IsRunning: true } && sent != _sentBytes))
            Volatile.Write(ref _lastHeard, now);
        _sentBytes = sent;
        return IsOver(Volatile.Read(ref _lastHeard), options.SessionTimeout) ? Late("the client gave no sign of life") : null;

        bool IsOver(long since, TimeSpan limit) => _parts.Time.GetElapsedTime(since, now) >= limit;
        static CloseReason Late(string text) => new(CloseCode.Deadline, text);
    }

    // ---- The connection's task ---------------------------------------------------------------------------------------------

    private async Task RunAsync()
    {
        CloseReason reason;
        try
        {
            _parts.Hub.Events.Publish(new ConnectionOpened(_parts.Time.GetUtcNow(), _protocol, Id, RemoteEndPoint));
            _parts.Metrics.Connections.CountAccepted();
            Log.ConnectionOpened(_parts.Logger, Id, RemoteEndPoint);
            await _transport.OpenAsync(_closing.Token).ConfigureAwait(false);
            reason = await ReadAsync().ConfigureAwait(false) ?? await FeedTunnelAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            reason = ReasonOf(e);
        }

        reason = Interlocked.CompareExchange(ref _reason, reason, null) ?? reason;
        await GuardAsync(() => EndAsync(reason)).ConfigureAwait(false);
        await GuardAsync(() => ReleaseAsync(reason)).ConfigureAwait(false);
        await GuardAsync(() =>
        {
            TellEnd(reason);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        _place.Dispose();
        _parts.Connections.Remove(this);
    }

    // Each step of the end is taken, whatever became of the one before.
    private async Task GuardAsync(Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.ConnectionFaulted(_parts.Logger, e, Id);
        }
    }

    private CloseReason ReasonOf(Exception exception)
    {
        switch (exception)
        {
            case TlsHandshakeException:
                return new CloseReason(CloseCode.ProtocolError, exception.Message);
            case IOException or ObjectDisposedException:
                return new CloseReason(CloseCode.ConnectionLost, "the connection was lost");
            case OperationCanceledException when _closing.IsCancellationRequested:
                return CloseReason.Stopping; // the reason was set by whoever cancelled
            case OperationCanceledException:
                return new CloseReason(CloseCode.Deadline, "a request took too long");
            default:
                Log.ConnectionFaulted(_parts.Logger, exception, Id);
                return new CloseReason(CloseCode.Fault, "a fault of the server");
        }
    }

    // Reads and obeys. Returns why the connection must end, or null when it only feeds a tunnel from now on.
    private async Task<CloseReason?> ReadAsync()
    {
        for (var turn = 0L; ;)
        {
            if (Reason is { } asked)
                return asked;
            if (_session is { EndReason: { } ended } session)
                await EndSessionAsync(session, ended).ConfigureAwait(false);

            (_transport as HttpTunnel)?.Watch();
            var input = _transport.Input;

            // A pipe's ReadAsync waits for more when a read was cancelled behind which something is left to be looked at.
            var reading = input.TryRead(out var ready) ? new(ready) : input.ReadAsync(CancellationToken.None);
            if (!reading.IsCompleted)
                turn = _receivedBytes;
            else if (_receivedBytes - turn >= MaxTurnBytes)
            {
                await Task.Yield(); // a peer that always has more to say does not keep the thread to itself
                turn = _receivedBytes;
            }

            var result = await reading.ConfigureAwait(false);
            var buffer = result.Buffer;
            var length = buffer.Length;
            var isExamined = true;
            Task<CloseReason?>? pending = null;
            try
            {
                if (result.IsCanceled)
                {
                    isExamined = false;
                    continue;
                }

                Volatile.Write(ref _lastHeard, _parts.Time.GetTimestamp());
                var hasItem = false;
                while (_reader.TryRead(ref buffer, out var item))
                {
                    hasItem = true;
                    if (item.IsInterleaved)
                    {
                        Take(item);
                        continue;
                    }

                    Volatile.Write(ref _beganAt, 0);
                    var handling = HandleAsync(item);
                    if (!handling.IsCompleted)
                    {
                        pending = handling.AsTask();
                        isExamined = false; // what has come behind it is looked at again
                        break;
                    }

                    if (await handling.ConfigureAwait(false) is { } reason)
                        return reason;
                    if (Reason is { } requested)
                        return requested;
                    if (_fed is not null)
                    {
                        isExamined = false;
                        return null;
                    }

                    if (input != _transport.Input)
                    {
                        buffer = buffer.Slice(buffer.End); // a GET has nothing more to say
                        break;
                    }
                }

                if (pending is null)
                    NoteBeginning(hasItem, isInPart: !buffer.IsEmpty || _reader.IsInMessage);
                if (pending is null && result.IsCompleted)
                    return new CloseReason(CloseCode.PeerClosed, "the peer closed the connection");
            }
            finally
            {
                if (!result.IsCanceled)
                    _receivedBytes += length - buffer.Length;
                input.AdvanceTo(buffer.Start, isExamined ? buffer.End : buffer.Start);
            }

            if (pending is not null && await WatchAsync(pending, input).ConfigureAwait(false) is { } why)
                return why;
        }
    }

    // Obeying takes a while: meanwhile the peer's end is noticed, and ends what is waited for. What else comes is left where it is.
    private async Task<CloseReason?> WatchAsync(Task<CloseReason?> pending, PipeReader input)
    {
        try
        {
            for (var isOver = false; !isOver;)
            {
                var reading = input.ReadAsync(CancellationToken.None).AsTask();
                await Task.WhenAny(pending, reading).ConfigureAwait(false);
                if (pending.IsCompleted)
                    input.CancelPendingRead();
                var result = await reading.ConfigureAwait(false);
                isOver = pending.IsCompleted || result.IsCompleted || result.Buffer.Length > MaxAheadBytes;
                if (result.IsCompleted && !pending.IsCompleted)
                    RequestClose(new CloseReason(CloseCode.PeerClosed, "the peer closed the connection"));
                input.AdvanceTo(result.Buffer.Start, isOver ? result.Buffer.Start : result.Buffer.End);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            RequestClose(ReasonOf(e));
        }

        return await pending.ConfigureAwait(false);
    }

    // A request has its whole deadline from its first byte on, not one per read.
    private void NoteBeginning(bool hasItem, bool isInPart)
    {
        if (!isInPart)
            Volatile.Write(ref _beganAt, 0);
        else if (hasItem || _beganAt == 0)
            Volatile.Write(ref _beganAt, Math.Max(1, _parts.Time.GetTimestamp()));
    }

    private void Take(in RtspItem item)
    {
        if (_session is not { } session || !session.TryTake(item.Channel, item.Payload))
            _parts.Metrics.CountIgnoredFrame();
    }

    // Returns why the connection must end, or null.
    private async ValueTask<CloseReason?> HandleAsync(RtspItem item)
    {
        if (CountRequest() is { } tooMany)
            return tooMany;
        if (item.Error is { } error)
        {
            Send(new RtspResponse(error.Status), error.CSeq);
            return error.CanContinue ? null : new CloseReason(CloseCode.ProtocolError, error.Message);
        }

        if (item.Message is not RtspRequest request)
            return null; // an answer to what was never asked
        if (request.IsHttp)
            return OpenTunnel(request);
        Establish();
        return await ObeyAsync(request).ConfigureAwait(false);
    }

    private CloseReason? CountRequest()
    {
        var second = (long)Duration.TotalSeconds;
        if (second != _requestSecond)
            (_requestSecond, _requestsInSecond) = (second, 0);
        return ++_requestsInSecond > _parts.Options.MaxRequestsPerSecond
            ? new CloseReason(CloseCode.LimitExceeded, "too many requests per second")
            : null;
    }

    private void Establish()
    {
        if (_isEstablished)
            return;
        _place.Established();
        _isEstablished = true;
    }

    // ---- The end -----------------------------------------------------------------------------------------------------------

    // The one way out of a session. The client that it was not ended by has a moment left.
    private async Task EndSessionAsync(ServerSession session, CloseReason reason, bool isByClient = false)
    {
        _session = null;
        _announced = null; // what was announced is over, too
        ReleaseLease();
        if (!isByClient)
        {
            _sessionReason = reason;
            Volatile.Write(ref _sessionEnded, Math.Max(1, _parts.Time.GetTimestamp()));
        }

        var wasRunning = session.WasRunning;
        await session.EndAsync(reason, saysGoodbye: !IsCut(reason)).ConfigureAwait(false);
        if (!wasRunning)
            return;
        if (session is RecordSession)
            Log.Unpublished(_parts.Logger, session.Name, Id, reason);
        else if (session is PlaySession { HasMedia: true })
            Log.Unplayed(_parts.Logger, session.Name, Id, reason);
    }

    private async Task EndAsync(CloseReason reason)
    {
        if (_session is { } session)
            await EndSessionAsync(session, reason).ConfigureAwait(false);

        // Only who can still be heard is told; what cut the connection has aborted it.
        if (!IsCut(reason))
            await SayGoodbyeAsync().ConfigureAwait(false);
    }

    private static bool IsCut(CloseReason reason) =>
        reason.Code is CloseCode.ConnectionLost or CloseCode.Deadline or CloseCode.Fault;

    // A reset would destroy the last reply on its way: nothing more is sent, and what still comes in is read for a moment.
    private async Task SayGoodbyeAsync()
    {
        await _writer.CompleteAsync(GoodbyeLimit).ConfigureAwait(false);
        _transport.CompleteOutput();
        using var limit = new CancellationTokenSource(GoodbyeLimit, _parts.Time);
        try
        {
            for (var discarded = 0L; discarded < MaxGoodbyeBytes;)
            {
                var result = await _transport.Input.ReadAsync(limit.Token).ConfigureAwait(false);
                discarded += result.Buffer.Length;
                _transport.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Long enough, or the peer was faster.
        }
    }

    // What must happen whatever failed before.
    private async Task ReleaseAsync(CloseReason reason)
    {
        ReleaseLease();
        _transport.Abort(reason);
        await _writer.DisposeAsync().ConfigureAwait(false);
        ForgetTunnel();
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    private void TellEnd(CloseReason reason)
    {
        _parts.Metrics.Connections.CountClosed(reason.Code, _receivedBytes, _writer.SentBytes);
        if (reason.Code is CloseCode.ProtocolError or CloseCode.LimitExceeded or CloseCode.Deadline && _parts.Connections.MayWarn())
            Log.ConnectionCut(_parts.Logger, Id, RemoteEndPoint, reason);
        else
            Log.ConnectionClosed(_parts.Logger, Id, Duration, reason);
        _parts.Hub.Events.Publish(new ConnectionClosed(
            _parts.Time.GetUtcNow(), _protocol, Id, RemoteEndPoint, string.Join('+', _roles), [.. _streamNames], Duration, reason));
    }
}
