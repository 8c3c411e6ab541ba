using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using MediaGraph.Containers.Flv;
using MediaGraph.Delivery;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Handshake;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Streams;
using MediaGraph.Transport;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Rtmp.Server;

/// <summary>
/// One connection to the server. Its one task reads, obeys, and at the end frees everything, exactly once, whatever ended it.
/// Others only ask for the end: <see cref="RequestClose"/> lets the task say goodbye, <see cref="Abort"/> does not.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "EndAsync, the one way out, disposes of what it owns.")]
internal sealed partial class RtmpConnection
{
    private static readonly TimeSpan GoodbyeLimit = TimeSpan.FromMilliseconds(250);
    private const int MaxStreamNames = 64; // that the event at the end names
    private const int MaxGoodbyeBytes = 64 << 10;
    private const int MaxTurnBytes = 128 << 10; // that are read without letting others have the thread

    private readonly RtmpServer _server;
    private readonly ITransport _transport;
    private readonly ConnectionGuard.Place _place;
    private readonly ConnectionWriter _writer;
    private readonly ChunkReader _reader;
    private readonly AmfLimits _amfLimits;
    private readonly CancellationTokenSource _closing = new();
    private readonly long _opened;
    private RtmpStream?[] _streams; // by message stream id - 1; written by the connection's task, read by the sweep
    private readonly SortedSet<string> _roles = []; // what it has been, for the event at its end
    private readonly SortedSet<string> _streamNames = [];
    private readonly ConcurrentQueue<(RtmpStream Stream, CloseReason Reason)> _revoked = new();
    private CloseReason? _reason;
    private Task _completion = Task.CompletedTask;

    // Timestamps of the server's time provider, read by the sweep and by whoever wants to replace a stale publisher.
    private long _lastHeard;
    private long _lastActive;
    private long _lastPing;
    private bool _isEstablished;

    private uint _acknowledgementWindow;
    private long _acknowledged;

    public RtmpConnection(RtmpServer server, ITransport transport, ConnectionGuard.Place place, long id)
    {
        _server = server;
        _transport = transport;
        _place = place;
        Id = id;
        var limits = server.Options.Limits;
        var queue = server.Options.Queue;
        _writer = new ConnectionWriter(transport, server.Hub.Pool, OnWriterFailed, queue, server.TimeProvider);
        _reader = new ChunkReader(server.Hub.Pool, new ChunkLimits
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
        _streams = [];
        _opened = _lastHeard = _lastActive = _lastPing = server.TimeProvider.GetTimestamp();
        _acknowledgementWindow = (uint)server.Options.WindowAcknowledgementSize;
    }

    public long Id { get; }

    /// <summary>Ends when nothing of the connection runs any more. Never fails.</summary>
    public Task Completion => _completion;

    private TimeProvider Time => _server.TimeProvider;

    private ILogger Logger => _server.Logger;

    /// <summary>Starts the connection's task; called once. The server owns the task and awaits it.</summary>
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

    /// <summary>Cuts the connection when one of its deadlines has passed, and pings a silent player. Called every second.</summary>
    public void CheckDeadlines()
    {
        var options = _server.Options;
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
            Abort(Late("neither published nor played"));
        }
        else if (silence >= options.ReadTimeout)
        {
            Abort(Late(isPublisher ? "the publisher sent nothing" : "the player answered nothing"));
        }
        else if (_writer.GetStatistics().StalledFor >= options.WriteTimeout)
        {
            Abort(Late("the peer took nothing"));
        }
        else if (isActive && !isPublisher && silence >= options.PingInterval
            && Time.GetElapsedTime(_lastPing, now) >= options.PingInterval)
        {
            _lastPing = now;
            Send(output => ControlMessage.WritePingRequest(output, (uint)Time.GetElapsedTime(_opened, now).TotalMilliseconds));
        }

        static CloseReason Late(string text) => new(CloseCode.Deadline, text);
    }

    private (bool IsActive, bool IsPublisher) GetActivity()
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
            _server.Hub.Events.Publish(new ConnectionOpened(Time.GetUtcNow(), "rtmp", Id, _transport.RemoteEndPoint));
            _server.Metrics.CountAccepted();
            Log.ConnectionOpened(Logger, Id, _transport.RemoteEndPoint);
            await HandshakeAsync().ConfigureAwait(false);
            Volatile.Write(ref _lastActive, Time.GetTimestamp());
            Volatile.Write(ref _isEstablished, true); // from now on the sweep looks at the line above
            _place.Established();
            reason = await ReadAsync().ConfigureAwait(false);
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
            Report(reason);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        _place.Dispose();
        _server.Remove(this);
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
            case RtmpProtocolException or FlvFormatException:
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

    private async Task HandshakeAsync()
    {
        var random = ArrayPool<byte>.Shared.Rent(RtmpHandshake.S0S1S2Length);
        try
        {
            var answer = random.AsMemory(0, RtmpHandshake.S0S1S2Length);
            await ReadExactlyAsync(RtmpHandshake.C0C1Length, c0c1 =>
                RtmpHandshake.AnswerClient(c0c1, answer.Span, (uint)Time.GetElapsedTime(_opened).TotalMilliseconds))
                .ConfigureAwait(false);
            _writer.Send(answer.Span);

            // C2 repeats S1; clients that do it wrong work all the same, so it is not compared.
            await ReadExactlyAsync(RtmpHandshake.BlockLength, static _ => { }).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(random);
        }
    }

    private async Task ReadExactlyAsync(int length, Action<ReadOnlySpan<byte>> consume)
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

                if (length == RtmpHandshake.C0C1Length && result.Buffer.FirstSpan is [not 3, ..])
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

    private async Task<CloseReason> ReadAsync()
    {
        for (var turn = 0L; ;)
        {
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
                    if (!TryHandle(message) && await HandleCommandAsync(message).ConfigureAwait(false) is { } refusal)
                        return refusal;
                    if (_closing.IsCancellationRequested)
                        return _reason ?? CloseReason.Requested;
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

    /// <summary>A feed of this connection was taken away. Called by whoever took it.</summary>
    private void OnRevoked(RtmpStream stream, CloseReason reason)
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
            SendStatus(revoked.Stream.Id, CommandMessage.StatusLevel, "NetStream.Unpublish.Success", last.Text);
            EndStream(revoked.Stream, last);
        }

        return last;
    }

    private void Remember(string role, string streamName)
    {
        _roles.Add(role);
        if (_streamNames.Count < MaxStreamNames)
            _streamNames.Add(streamName);
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
            if (stream.Subscription is { State: not SubscriptionState.Ended })
                SendPlayEnd(stream.Id, reason);
            else if (stream.Feed is not null)
                SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Unpublish.Success", reason.Text);
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
        await _writer.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    private void Report(CloseReason reason)
    {
        var duration = Time.GetElapsedTime(_opened);
        _server.Metrics.CountClosed(reason.Code, _reader.BytesRead, _writer.SentBytes);
        if (reason.Code is CloseCode.ProtocolError or CloseCode.LimitExceeded or CloseCode.Deadline && _server.MayWarn())
            Log.ConnectionCut(Logger, Id, _transport.RemoteEndPoint, reason);
        else
            Log.ConnectionClosed(Logger, Id, duration, reason);
        _server.Hub.Events.Publish(new ConnectionClosed(
            Time.GetUtcNow(), "rtmp", Id, _transport.RemoteEndPoint, string.Join('+', _roles), [.. _streamNames], duration, reason));
    }

    // A reset would destroy the last reply on its way: nothing more is sent, and what still comes in is read for a moment.
    private async Task SayGoodbyeAsync()
    {
        await _writer.CompleteAsync(GoodbyeLimit).ConfigureAwait(false);
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
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Long enough, or the peer was faster.
        }
    }

    private void Send(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>(256); // replies are rare; several threads send them
        write(output);
        _writer.Send(output.WrittenSpan);
    }

    /// <summary>The peer wants more than a limit allows.</summary>
    private sealed class LimitException(string message) : Exception(message);
}
