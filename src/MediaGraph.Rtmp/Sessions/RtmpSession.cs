using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Security.Authentication;
using MediaGraph.Containers.Flv;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Handshake;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Streams;
using MediaGraph.Transport;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Rtmp.Sessions;

/// <summary>
/// One connection, of a server or of a client. Its one task reads, obeys, and at the end frees everything, exactly once, whatever
/// ended it. Others only ask for the end: <see cref="RequestClose"/> lets the task say goodbye, <see cref="Abort"/> does not.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "EndAsync, the one way out, disposes of what it owns.")]
internal abstract partial class RtmpSession : IConnection
{
    protected const int CommandChunkStreamId = 3;
    protected const int StatusChunkStreamId = 5;

    private static readonly TimeSpan GoodbyeLimit = TimeSpan.FromMilliseconds(250);
    private const int MaxGoodbyeBytes = 64 << 10;
    private const int MaxTurnBytes = 128 << 10; // that are read without letting others have the thread

    private readonly ITransport _transport;
    private readonly ChunkReader _reader;
    private readonly AmfLimits _amfLimits;
    private readonly CancellationTokenSource _closing = new();
    private readonly long _opened;
    private RtmpStream?[] _streams = []; // written by the session's task, read by the sweep
    private readonly ConcurrentQueue<(RtmpStream Stream, CloseReason Reason)> _revoked = new();
    private CloseReason? _reason;
    private Task _completion = Task.CompletedTask;

    // Timestamps of the time provider, read by the sweep and by whoever wants to replace a stale publisher.
    private long _lastHeard;
    private long _lastActive;
    private bool _isEstablished;

    private uint _acknowledgementWindow;
    private long _acknowledged;
    private long _commandSecond;
    private int _commandsInSecond;

    protected RtmpSession(RtmpSessions sessions, ITransport transport, long id)
    {
        Sessions = sessions;
        _transport = transport;
        Id = id;
        var limits = sessions.Options.Limits;
        Writer = new ConnectionWriter(transport, Hub.Pool, OnWriterFailed, sessions.Options.Queue, Time);
        _reader = new ChunkReader(Hub.Pool, new ChunkLimits
        {
            MaxChunkStreams = limits.MaxChunkStreams,
            MaxMediaMessageLength = limits.MaxMediaMessageBytes,
            MaxMessageLength = limits.MaxMessageBytes,
            MaxAssemblyBytes = limits.MaxAssemblyBytes,
        })
        {
            AcceptsLargeMessages = false, // until it publishes
        };
        _amfLimits = new AmfLimits
        {
            MaxDepth = limits.MaxAmfDepth,
            MaxValues = limits.MaxAmfValues,
            MaxStringLength = limits.MaxAmfStringBytes,
        };
        _opened = _lastHeard = _lastActive = Time.GetTimestamp();
        _acknowledgementWindow = AnnouncedWindow = (uint)sessions.Options.WindowAcknowledgementSize;
    }

    public long Id { get; }

    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    /// <summary>Ends when nothing of the session runs any more. Never fails.</summary>
    public Task Completion => _completion;

    /// <summary>Why it ended, or is about to; null before.</summary>
    public CloseReason? Reason => Volatile.Read(ref _reason);

    protected RtmpSessions Sessions { get; }

    protected StreamHub Hub => Sessions.Hub;

    protected TimeProvider Time => Sessions.TimeProvider;

    protected ILogger Logger => Sessions.Logger;

    protected ConnectionWriter Writer { get; }

    protected IReadOnlyList<RtmpStream?> Streams => _streams;

    /// <summary>Cancelled when the session is to end.</summary>
    protected CancellationToken Closing => _closing.Token;

    protected TimeSpan Duration => Time.GetElapsedTime(_opened);

    /// <summary>Whether the peer knows of the size of our chunks; until then they have 128 bytes.</summary>
    protected bool HasAnnouncedChunkSize { get; set; }

    /// <summary>Whether a message may be as long as a frame; false until media is expected.</summary>
    protected bool AcceptsLargeMessages
    {
        set => _reader.AcceptsLargeMessages = value;
    }

    /// <summary>The window that the peer was last told to acknowledge by.</summary>
    protected uint AnnouncedWindow { get; set; }

    /// <summary>Starts the session's task; called once. Its <see cref="RtmpSessions"/> owns the task and awaits it.</summary>
    public void Start() => _completion = Task.Run(RunAsync);

    /// <summary>Asks for the end; the peer is told. Waits for nothing.</summary>
    public void RequestClose(CloseReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null)
            return;
        _ = _closing.CancelAsync(); // whoever listens, an authorizer for instance, does not run on this thread
        _transport.Input.CancelPendingRead();
    }

    /// <summary>Cuts the connection. Waits for nothing.</summary>
    public void Abort(CloseReason reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _transport.Abort(reason);
        _ = _closing.CancelAsync();
    }

    // A player that only meets a codec which it cannot take can be told so; any other failure is the end.
    private void OnWriterFailed(CloseReason reason)
    {
        if (reason.Code == CloseCode.CodecMismatch)
            RequestClose(reason);
        else
            Abort(reason);
    }

    /// <summary>Cuts the connection when one of its deadlines has passed. Called every second.</summary>
    public void CheckDeadlines()
    {
        var options = Sessions.Options;
        var now = Time.GetTimestamp();
        var (isActive, isPublisher) = GetActivity();
        if (isActive)
            Volatile.Write(ref _lastActive, now);
        var silence = Time.GetElapsedTime(Volatile.Read(ref _lastHeard), now);
        if (!Volatile.Read(ref _isEstablished))
        {
            if (Time.GetElapsedTime(_opened, now) >= options.HandshakeTimeout)
                Abort(Late("the handshake took too long"));
        }
        else if (Time.GetElapsedTime(Volatile.Read(ref _lastActive), now) >= options.CommandTimeout)
        {
            Abort(Late(InactivityText));
        }
        else if (silence >= options.ReadTimeout && (isPublisher || AnswersPings))
        {
            Abort(Late(isPublisher ? "the publisher sent nothing" : "the player answered nothing"));
        }
        else if (Writer.GetStatistics().StalledFor >= options.WriteTimeout)
        {
            Abort(Late("the peer took nothing"));
        }
        else if (isActive && !isPublisher)
        {
            OnSilentPlayer(now, silence);
        }

        static CloseReason Late(string text) => new(CloseCode.Deadline, text);
    }

    // ---- What server and client do in their own ways -----------------------------------------------------------------------

    /// <summary>Whether a peer that is fed must answer pings.</summary>
    protected abstract bool AnswersPings { get; }

    /// <summary>What a peer is told that does nothing for too long.</summary>
    protected abstract string InactivityText { get; }

    /// <summary>The session's task has begun.</summary>
    protected abstract void OnOpened();

    protected abstract Task HandshakeAsync();

    /// <summary>The whole session behind its handshake. Returns why it ends.</summary>
    protected abstract Task<CloseReason> ServeAsync();

    /// <summary>Obeys a command. Returns why the session must end, or null.</summary>
    protected abstract ValueTask<CloseReason?> HandleCommandAsync(RtmpCommand command);

    /// <summary>A stream of the peer's began, ended or ran dry (RTMP 1.0 §7.1.7).</summary>
    protected virtual void OnStreamEvent(UserControlEvent type, uint streamId)
    {
    }

    /// <summary>Media came on a stream that feeds nothing. Returns whether it does now.</summary>
    protected virtual bool TryBeginFeed(uint streamId) => false;

    /// <summary>Called every second for a peer that is fed.</summary>
    protected virtual void OnSilentPlayer(long now, TimeSpan silence)
    {
    }

    /// <summary>Tells the peer that a stream ends with the session.</summary>
    protected abstract void SayStreamEnd(RtmpStream stream, CloseReason reason);

    /// <summary>Everything was given back; this is the last word.</summary>
    protected abstract void OnClosed(CloseReason reason, long receivedBytes, long sentBytes);

    // ---- The session's task ------------------------------------------------------------------------------------------------

    protected (bool IsActive, bool IsPublisher) GetActivity()
    {
        var (isActive, isPublisher) = (false, false);
        foreach (var stream in Volatile.Read(ref _streams))
        {
            if (stream is not { IsActive: true })
                continue;
            isActive = true;
            isPublisher |= stream.Feed is not null;
        }

        return (isActive, isPublisher);
    }

    private async Task RunAsync()
    {
        CloseReason reason;
        try
        {
            OnOpened();
            await _transport.OpenAsync(_closing.Token).ConfigureAwait(false);
            await HandshakeAsync().ConfigureAwait(false);
            Volatile.Write(ref _lastActive, Time.GetTimestamp());
            Volatile.Write(ref _isEstablished, true); // from now on the sweep looks at the line above
            reason = await ServeAsync().ConfigureAwait(false);
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
            OnClosed(reason, _reader.BytesRead, Writer.SentBytes);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        Sessions.Remove(this);
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
            Log.ConnectionFaulted(Logger, e, Id);
        }
    }

    private CloseReason ReasonOf(Exception exception)
    {
        switch (exception)
        {
            case RtmpProtocolException or FlvFormatException or TlsHandshakeException:
                return new CloseReason(CloseCode.ProtocolError, exception.Message);
            case LimitException:
                return new CloseReason(CloseCode.LimitExceeded, exception.Message);
            case EndOfStreamException:
                return new CloseReason(CloseCode.PeerClosed, "the peer closed the connection");
            case IOException or ObjectDisposedException:
                return new CloseReason(CloseCode.ConnectionLost, "the connection was lost");
            case OperationCanceledException when _closing.IsCancellationRequested:
                return CloseReason.Stopping; // the reason was set by whoever cancelled
            default:
                Log.ConnectionFaulted(Logger, exception, Id);
                return new CloseReason(CloseCode.Fault, "a fault of the server");
        }
    }

    /// <summary>Reads a block of the handshake.</summary>
    protected async Task ReadExactlyAsync(int length, Action<ReadOnlySpan<byte>> consume)
    {
        while (true)
        {
            var result = await _transport.Input.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            var (consumed, examined) = (result.Buffer.Start, result.Buffer.End);
            try
            {
                if (result.IsCanceled)
                    throw new OperationCanceledException(_closing.Token);
                if (result.Buffer.Length >= length)
                {
                    var block = result.Buffer.Slice(0, length);
                    consumed = examined = block.End;
                    consume(block.IsSingleSegment ? block.FirstSpan : block.ToArray());
                    Volatile.Write(ref _lastHeard, Time.GetTimestamp());
                    return;
                }

                if (length > RtmpHandshake.BlockLength && result.Buffer.FirstSpan is [not 3, ..])
                    throw new RtmpProtocolException("The peer does not speak RTMP.");
                if (result.IsCompleted)
                    throw new EndOfStreamException();
            }
            finally
            {
                _transport.Input.AdvanceTo(consumed, examined);
            }
        }
    }

    /// <summary>Reads and obeys. Returns why the session must end, or null when it is done.</summary>
    /// <param name="isDone">Asked before each message; what has come behind it is left for the next call.</param>
    protected async Task<CloseReason?> ReadAsync(Func<bool>? isDone = null)
    {
        for (var turn = 0L; ;)
        {
            if (isDone?.Invoke() == true)
                return null;
            var reading = _transport.Input.ReadAsync(CancellationToken.None);
            if (!reading.IsCompleted)
                turn = _reader.BytesRead;
            else if (_reader.BytesRead - turn >= MaxTurnBytes)
            {
                await Task.Yield(); // a peer that always has more to say does not keep the thread to itself
                turn = _reader.BytesRead;
            }

            var result = await reading.ConfigureAwait(false);
            var buffer = result.Buffer;
            var isExamined = true;
            try
            {
                if (result.IsCanceled)
                {
                    if (_reason is { } asked)
                        return asked;
                    if (EndRevokedStreams() is { } revoked && !GetActivity().IsActive)
                        return revoked;
                    isExamined = false;
                    continue;
                }

                Volatile.Write(ref _lastHeard, Time.GetTimestamp());
                while (_reader.TryRead(ref buffer, out var message))
                {
                    if (!TryHandle(message) && await HandleCommandAsync(ParseCommand(message)).ConfigureAwait(false) is { } refusal)
                        return refusal;
                    if (_closing.IsCancellationRequested)
                        return _reason ?? CloseReason.Requested;
                    if (isDone?.Invoke() == true)
                    {
                        isExamined = false;
                        return null;
                    }
                }
            }
            finally
            {
                _transport.Input.AdvanceTo(buffer.Start, isExamined ? buffer.End : buffer.Start);
            }

            Acknowledge();
            if (result.IsCompleted)
                return new CloseReason(CloseCode.PeerClosed, "the peer closed the connection");
        }
    }

    private RtmpCommand ParseCommand(RtmpMessage message)
    {
        try
        {
            CountCommand();
            return RtmpCommand.Parse(message, _amfLimits);
        }
        finally
        {
            message.Buffer.Release();
        }
    }

    private void CountCommand()
    {
        var second = (long)Duration.TotalSeconds;
        if (second != _commandSecond)
            (_commandSecond, _commandsInSecond) = (second, 0);
        if (++_commandsInSecond > Sessions.Options.Limits.MaxCommandsPerSecond)
            throw new LimitException("too many commands per second");
    }

    /// <summary>A feed of this session was taken away. Called by whoever took it.</summary>
    protected void OnRevoked(RtmpStream stream, CloseReason reason)
    {
        _revoked.Enqueue((stream, reason));
        _transport.Input.CancelPendingRead();
    }

    // Returns why, when there was one.
    private CloseReason? EndRevokedStreams()
    {
        CloseReason? last = null;
        while (_revoked.TryDequeue(out var revoked))
        {
            last = revoked.Reason;
            if (revoked.Stream.Feed is null)
                continue; // the peer was faster
            SayStreamEnd(revoked.Stream, last);
            EndStream(revoked.Stream, last);
        }

        return last;
    }

    private void Acknowledge()
    {
        if (_reader.BytesRead - _acknowledged < _acknowledgementWindow)
            return;
        _acknowledged = _reader.BytesRead;
        Send(output => ControlMessage.WriteAcknowledgement(output, unchecked((uint)_acknowledged)));
    }

    // The one way out: everything that the connection took is given back here.
    private async Task EndAsync(CloseReason reason)
    {
        foreach (var stream in _streams)
        {
            if (stream?.Name is null)
                continue;
            SayStreamEnd(stream, reason);
            EndStream(stream, reason);
        }

        // Only who can still be heard is told; what cut the connection has aborted it.
        var isPolite = reason.Code is not (CloseCode.ConnectionLost or CloseCode.Deadline or CloseCode.Fault);
        if (isPolite)
            await SayGoodbyeAsync().ConfigureAwait(false);
    }

    // What must happen whatever failed before.
    private async Task ReleaseAsync(CloseReason reason)
    {
        _transport.Abort(reason);
        _reader.Dispose();
        await Writer.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    // A reset would destroy the last reply on its way: nothing more is sent, and what still comes in is read for a moment.
    private async Task SayGoodbyeAsync()
    {
        await Writer.CompleteAsync(GoodbyeLimit).ConfigureAwait(false);
        _transport.CompleteOutput();
        using var limit = new CancellationTokenSource(GoodbyeLimit, Time);
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
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException
            or AuthenticationException)
        {
            // Long enough, or the peer was faster; or TLS never began.
        }
    }

    protected void Send(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>(256); // replies are rare; several threads send them
        write(output);
        Writer.Send(output.WrittenSpan);
    }

    // ---- Streams and answers ----------------------------------------------------------------------------------------------

    /// <summary>The message stream of that id; null when there is none.</summary>
    protected virtual RtmpStream? FindStream(uint streamId)
    {
        foreach (var stream in _streams)
        {
            if (stream?.Id == streamId)
                return stream;
        }

        return null;
    }

    /// <summary>Replaces the table of streams; who looks at deadlines reads it meanwhile.</summary>
    protected void SetStreams(RtmpStream?[] streams) => Volatile.Write(ref _streams, streams);

    /// <summary>From now on what the peer sends on the stream goes into the feed.</summary>
    protected void BeginFeed(RtmpStream stream, string name, Feed feed)
    {
        stream.Timestamps = default;
        stream.Feed = feed;
        AcceptsLargeMessages = true;
        stream.Writer = new FlvFeedWriter(feed, Sessions.Options.Limits.MaxParameterBytes);
        stream.Name = name;
    }

    protected long LastHeard => Volatile.Read(ref _lastHeard);

    protected void EndStream(RtmpStream stream, CloseReason reason)
    {
        if (stream.Name is not { } name)
            return;
        stream.Name = null;
        stream.Writer = null;
        var (feed, subscription) = (stream.Feed, stream.Subscription);
        stream.Feed = null;
        stream.Subscription = null;
        Volatile.Write(ref _lastActive, Time.GetTimestamp());
        if (feed is not null)
        {
            feed.Close(reason);
            Log.Unpublished(Logger, name, Id, reason);
        }
        else
        {
            subscription?.Close(CloseReason.Requested);
            Log.Unplayed(Logger, name, Id, reason);
        }
    }

    protected void SendStatus(uint streamId, string level, string code, string description)
    {
        var output = new ArrayBufferWriter<byte>(256);
        CommandMessage.WriteOnStatus(output, level, code, description);
        SendMessage(StatusChunkStreamId, RtmpMessageType.CommandAmf0, streamId, output.WrittenSpan);
    }

    // The peer learns of the chunk size with the answer to connect, the only message before it that could be longer.
    protected void SendMessage(int chunkStreamId, RtmpMessageType type, uint streamId, ReadOnlySpan<byte> payload)
    {
        var output = new ArrayBufferWriter<byte>(payload.Length + 64);
        var chunkSize = !HasAnnouncedChunkSize ? ChunkReader.DefaultChunkSize : Sessions.Options.ChunkSize;
        ChunkWriter.Write(output, chunkStreamId, timestamp: 0, type, streamId, payload, chunkSize);
        Writer.Send(output.WrittenSpan);
    }

    /// <summary>The peer wants more than a limit allows.</summary>
    protected sealed class LimitException(string message) : Exception(message);
}
