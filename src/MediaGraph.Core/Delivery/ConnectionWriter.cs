using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Packets;
using MediaGraph.Transport;

namespace MediaGraph.Delivery;

/// <summary>
/// The one writer of a connection: media and replies pass one gate. What the transport takes at once is sent in place, on the
/// caller's thread, without waiting; the rest is queued, and a task that exists only while there is a backlog sends it.
/// <para>Owner: the connection, which aborts the transport and then awaits <see cref="DisposeAsync"/>.</para>
/// </summary>
public sealed class ConnectionWriter : PacketQueue, IAsyncDisposable
{
    private const int MaxAsyncSend = 64 << 10; // bytes: small enough that "no progress" can be seen

    private readonly ITransport _transport;
    private readonly Action<CloseReason> _onFailed;

    // The unit that the transport has taken a part of, and how much of it. Guarded by the gate, like all below.
    private Entry _current;
    private ReadOnlyMemory<byte> _currentBytes;
    private int _currentSent;

    private Task _drain = Task.CompletedTask;
    private Task _failing = Task.CompletedTask;
    private bool _draining;
    private bool _sendsInPlace = true;
    private CloseReason? _failure;
    private bool _toldMismatch;
    private long _lastProgress;
    private long _sentBytes;

    /// <summary>Creates the writer of a connection.</summary>
    /// <param name="transport">Where the bytes go. The writer does not own it.</param>
    /// <param name="pool">Where memory for replies comes from.</param>
    /// <param name="onFailed">
    /// Called when the connection must end, from a task of the writer's, possibly twice. It asks for the end, by aborting the
    /// transport for instance, and does not wait for it.
    /// </param>
    /// <param name="options">Bounds; null for the defaults.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    public ConnectionWriter(
        ITransport transport, PacketPool pool, Action<CloseReason> onFailed, PacketQueueOptions? options = null,
        TimeProvider? timeProvider = null)
        : base(pool, options, timeProvider)
    {
        ArgumentNullException.ThrowIfNull(transport);
        ArgumentNullException.ThrowIfNull(onFailed);
        _transport = transport;
        _onFailed = onFailed;
    }

    /// <summary>Bytes that the transport has taken.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>
    /// Sends a reply behind every packet that waits, but before what is left of a joiner's group. False when the writer is closed.
    /// </summary>
    public bool Send(ReadOnlySpan<byte> reply)
    {
        using (GraphLock.Enter(Gate))
        {
            if (IsClosedLocked)
                return false;
            var taken = 0;
            if (!_draining && !HasBacklogLocked && _sendsInPlace)
            {
                taken = TrySend(reply);
                if (taken == reply.Length)
                    return true;
            }

            if (taken <= 0)
                return EnqueueReplyLocked(reply);
            var rest = Pool.Rent(reply.Length - taken);
            reply[taken..].CopyTo(rest.Span);
            SetCurrentLocked(new Entry(null, null, rest, reply.Length - taken, 0), rest.Memory[..(reply.Length - taken)], 0);
            WakeLocked();
            return true;
        }
    }

    /// <summary>
    /// The peer has shown that it takes what is sent, by an acknowledgement for instance: it is not stalled, however slow it is.
    /// </summary>
    public void NoteProgress()
    {
        using (GraphLock.Enter(Gate))
            _lastProgress = TimeProvider.GetTimestamp();
    }

    /// <summary>Drops all media, sends the replies that wait, and closes.</summary>
    /// <param name="limit">How long the peer may take for it.</param>
    public async Task CompleteAsync(TimeSpan limit)
    {
        Task drain;
        using (GraphLock.Enter(Gate))
        {
            FinishLocked();
            drain = _drain;
        }

        try
        {
            await drain.WaitAsync(limit, TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The peer does not read its last reply.
        }

        Close();
    }

    /// <summary>Takes nothing any more and drops what waits. Idempotent; waits for nothing.</summary>
    public void Close()
    {
        using (GraphLock.Enter(Gate))
        {
            CloseLocked();
            if (!_draining)
                ReleaseCurrentLocked(delivered: false);
        }
    }

    /// <summary>Closes, and returns when the drain task has ended. The transport must have been aborted, or must take data.</summary>
    public async ValueTask DisposeAsync()
    {
        Close();
        Task drain, failing;
        using (GraphLock.Enter(Gate))
            (drain, failing) = (_drain, _failing);
        await drain.ConfigureAwait(false);
        await failing.ConfigureAwait(false);
    }

    internal override void Prefetch(int step)
    {
        base.Prefetch(step);
        if (step == 2)
            CacheLines.Prefetch(_transport, 1);
        else if (_transport is SocketTransport socket)
            socket.Prefetch();
    }

    private protected override bool TrySendLocked(Sender sender, MediaPacket packet)
    {
        if (_draining || !_sendsInPlace)
            return false;
        var (image, own) = ImageLocked(sender, packet);
        var taken = image.Length == 0 || image.Length > Options.MaxInPlaceBytes ? 0 : TrySend(image.Span);
        if (taken < image.Length && taken <= 0)
        {
            own?.Release();
            return false;
        }

        var state = sender.State;
        state.WireCodec = packet.Codec;
        if (taken == image.Length)
        {
            own?.Release();
            state.Delivered++;
            state.DeliveredBytes += taken;
            return true;
        }

        packet.Retain();
        state.Queued++;
        SetCurrentLocked(new Entry(sender, packet, own, 0, TimeProvider.GetTimestamp()), image, taken);
        WakeLocked();
        return true;
    }

    private protected override void WakeLocked()
    {
        if (_draining)
            return;
        _draining = true;
        _lastProgress = TimeProvider.GetTimestamp();
        _drain = GraphLock.Run(DrainAsync);
    }

    // A drain that waits for the peer cannot tell: then another task does. Who only meets a codec that it cannot take can still be
    // told so.
    private protected override void FailLocked(CloseReason reason)
    {
        if (_failure is not null)
            return;
        var canBeTold = reason.Code == CloseCode.CodecMismatch;
        if (canBeTold && _toldMismatch)
            return;
        _toldMismatch |= canBeTold;
        _failure = canBeTold ? null : reason;
        if (_draining || canBeTold)
            _failing = GraphLock.Run(() =>
            {
                _onFailed(reason);
                return Task.CompletedTask;
            });
        else
            WakeLocked();
    }

    private protected override int PendingLocked => _currentBytes.Length > 0 ? 1 : 0;

    private protected override TimeSpan StalledForLocked =>
        _draining ? TimeProvider.GetElapsedTime(_lastProgress) : TimeSpan.Zero;

    // A packet's bytes, and their buffer where they are for this viewer alone.
    private (ReadOnlyMemory<byte> Bytes, PooledBuffer? Own) ImageLocked(Sender sender, MediaPacket packet)
    {
        var codec = packet.Codec;
        var format = sender.Format!.ImageOf(codec, withParameters: !ReferenceEquals(codec, sender.State.WireCodec));
        if (format.IsShared)
            return (packet.GetImage(format), null);
        var own = Pool.Rent(format.Measure(packet));
        try
        {
            return (own.Memory[..format.Write(packet, own.Span)], own);
        }
        catch
        {
            own.Release();
            throw;
        }
    }

    private int TrySend(ReadOnlySpan<byte> bytes)
    {
        var taken = _transport.TrySend(bytes);
        if (taken > 0)
            Volatile.Write(ref _sentBytes, _sentBytes + taken);
        else if (taken < 0)
            _sendsInPlace = false;
        return taken;
    }

    private async Task DrainAsync()
    {
        try
        {
            while (TryGetNext(out var bytes))
            {
                await _transport.SendAsync(bytes, CancellationToken.None).ConfigureAwait(false);
                Advance(bytes.Length);
            }
        }
        catch (Exception e)
        {
            Abandon();
            _onFailed(e is FailedException failed
                ? failed.Reason
                : new CloseReason(CloseCode.ConnectionLost, $"sending failed: {e.Message}"));
        }
    }

    private bool TryGetNext(out ReadOnlyMemory<byte> bytes)
    {
        using (GraphLock.Enter(Gate))
        {
            if (_failure is not null)
                throw new FailedException(_failure);
            while (_currentSent == _currentBytes.Length || IsClosedLocked)
            {
                ReleaseCurrentLocked(delivered: !IsClosedLocked);
                if (!IsClosedLocked && TryTakeLocked(out var next))
                {
                    TakeLocked(next);
                    continue;
                }

                _draining = false;
                bytes = default;
                return false;
            }

            bytes = _currentBytes[_currentSent..Math.Min(_currentBytes.Length, _currentSent + MaxAsyncSend)];
            return true;
        }
    }

    private void TakeLocked(Entry entry)
    {
        if (entry.Packet is null)
        {
            SetCurrentLocked(entry, entry.Reply!.Memory[..entry.Length], 0);
            return;
        }

        entry.Sender!.State.Queued++; // until it is sent whole
        SetCurrentLocked(entry, default, 0); // owned, whatever the next line does
        var (image, own) = ImageLocked(entry.Sender, entry.Packet);
        SetCurrentLocked(entry with { Reply = own }, image, 0);
        entry.Sender.State.WireCodec = entry.Packet.Codec;
    }

    private void Advance(int sent)
    {
        using (GraphLock.Enter(Gate))
        {
            Volatile.Write(ref _sentBytes, _sentBytes + sent);
            _currentSent += sent;
            _lastProgress = TimeProvider.GetTimestamp();
        }
    }

    private void Abandon()
    {
        using (GraphLock.Enter(Gate))
        {
            CloseLocked();
            _draining = false;
            ReleaseCurrentLocked(delivered: false);
        }
    }

    private void SetCurrentLocked(Entry entry, ReadOnlyMemory<byte> bytes, int sent)
    {
        _current = entry;
        _currentBytes = bytes;
        _currentSent = sent;
    }

    private void ReleaseCurrentLocked(bool delivered)
    {
        if (_current.Packet is { } packet)
        {
            var state = _current.Sender!.State;
            state.Queued--;
            if (delivered)
            {
                state.Delivered++;
                state.DeliveredBytes += _currentBytes.Length;
            }
            else
            {
                state.DroppedByClose++;
            }

            packet.Release();
        }

        _current.Reply?.Release();
        _current = default;
        _currentBytes = default;
        _currentSent = 0;
    }

    private sealed class FailedException(CloseReason reason) : Exception
    {
        public CloseReason Reason { get; } = reason;
    }
}
