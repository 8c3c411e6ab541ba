using System.IO.Pipelines;
using System.Net;
using MediaGraph.Graph;

namespace MediaGraph.Transport;

/// <summary>
/// One end of a connection inside the process, for tests: it can be told to take only so many bytes, as a full socket does.
/// </summary>
public sealed class MemoryTransport : ITransport
{
    private readonly Pipe _incoming;
    private readonly Pipe _outgoing;
    private readonly bool _canTrySend;
    private MemoryTransport _peer = null!; // set before anyone sees this end

    // Guards the fields below, and the writer of the outgoing pipe.
    private readonly Lock _sendLock = new();
    private long _allowance = long.MaxValue;
    private TaskCompletionSource _allowed = NewSignal();
    private CloseReason? _abortReason;
    private bool _outputCompleted;

    private MemoryTransport(Pipe incoming, Pipe outgoing, EndPoint? remoteEndPoint, bool canTrySend)
    {
        _incoming = incoming;
        _outgoing = outgoing;
        _canTrySend = canTrySend;
        RemoteEndPoint = remoteEndPoint;
    }

    /// <inheritdoc/>
    public PipeReader Input => _incoming.Reader;

    /// <inheritdoc/>
    public EndPoint? RemoteEndPoint { get; }

    /// <summary>Why this end was aborted; null while it is alive.</summary>
    public CloseReason? AbortReason
    {
        get
        {
            lock (_sendLock)
                return _abortReason;
        }
    }

    /// <summary>Makes both ends of a connection.</summary>
    /// <param name="remoteEndPoint">What each end takes for its peer's address.</param>
    /// <param name="canTrySend">False for ends whose <see cref="TrySend"/> says that it cannot, as encrypted ones do.</param>
    public static (MemoryTransport Server, MemoryTransport Client) CreatePair(EndPoint? remoteEndPoint = null, bool canTrySend = true)
    {
        // Unbounded: what an end takes is decided by its allowance alone.
        var options = new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false);
        var (toServer, toClient) = (new Pipe(options), new Pipe(options));
        var server = new MemoryTransport(toServer, toClient, remoteEndPoint, canTrySend);
        var client = new MemoryTransport(toClient, toServer, remoteEndPoint, canTrySend);
        (server._peer, client._peer) = (client, server);
        return (server, client);
    }

    /// <summary>From now on takes this many bytes, and then none until more are allowed.</summary>
    public void LimitSends(long bytes)
    {
        lock (_sendLock)
            _allowance = bytes;
        Signal();
    }

    /// <summary>Takes this many bytes more.</summary>
    public void AllowSends(long bytes)
    {
        lock (_sendLock)
            _allowance = Math.Min(long.MaxValue - bytes, _allowance) + bytes;
        Signal();
    }

    /// <inheritdoc/>
    public int TrySend(ReadOnlySpan<byte> data)
    {
        if (!_canTrySend)
            return -1;
        lock (_sendLock)
            return TakeLocked(data);
    }

    /// <inheritdoc/>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task allowed;
            lock (_sendLock)
            {
                if (_abortReason is not null || _outputCompleted)
                    throw new IOException(_abortReason?.Text ?? "the output was completed");
                data = data[TakeLocked(data.Span)..];
                if (data.IsEmpty)
                    return;
                allowed = _allowed.Task;
            }

            await allowed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void CompleteOutput() => CompleteOutput(error: null);

    /// <inheritdoc/>
    public void Abort(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        lock (_sendLock)
        {
            if (_abortReason is not null)
                return;
            _abortReason = reason;
            if (!_outputCompleted)
                _outgoing.Writer.Complete(new IOException("the connection was reset by the peer"));
            _outputCompleted = true;
        }

        Signal();
        _incoming.Reader.CancelPendingRead();
        _peer.CompleteOutput(new IOException(reason.Text));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Abort(CloseReason.Requested);
        await _incoming.Reader.CompleteAsync().ConfigureAwait(false);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void CompleteOutput(IOException? error)
    {
        lock (_sendLock)
        {
            if (_outputCompleted)
                return;
            _outputCompleted = true;
            _outgoing.Writer.Complete(error);
        }

        Signal();
    }

    private int TakeLocked(ReadOnlySpan<byte> data)
    {
        if (_abortReason is not null || _outputCompleted)
            return 0;
        var taken = (int)Math.Min(_allowance, data.Length);
        if (taken == 0)
            return 0;
        if (_allowance != long.MaxValue)
            _allowance -= taken;
        data[..taken].CopyTo(_outgoing.Writer.GetSpan(taken));
        _outgoing.Writer.Advance(taken);
        _ = _outgoing.Writer.FlushAsync().AsTask(); // completes at once: the pipe never pauses its writer
        return taken;
    }

    private void Signal()
    {
        TaskCompletionSource allowed;
        lock (_sendLock)
        {
            allowed = _allowed;
            _allowed = NewSignal();
        }

        allowed.SetResult();
    }
}
