using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Packets;

namespace MediaGraph.Delivery;

/// <summary>
/// The queue of a consumer whose media are datagrams. What is live is sent in place, on the caller's thread, without waiting; what the
/// system does not take is lost, and of video all up to the next keyframe. Only what a joiner is given waits, so that it does
/// not overrun the receiver: a task that exists only meanwhile sends it in bursts.
/// <para>Owner: the session, which awaits <see cref="DisposeAsync"/>.</para>
/// </summary>
public sealed class DatagramWriter : PacketQueue, IAsyncDisposable
{
    // Together 100 Mbit/s. A burst is half of what a receiver's socket holds by default on Linux.
    private const int BurstBytes = 64 << 10;
    private static readonly TimeSpan BurstInterval = TimeSpan.FromMilliseconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly Action<CloseReason> _onFailed;
    private Task _drain = Task.CompletedTask; // guarded by the gate, like all below
    private Task _failing = Task.CompletedTask;
    private bool _draining;
    private bool _failed;
    private bool _disposed;
    private long _sentBytes;

    /// <summary>Creates the queue of a consumer.</summary>
    /// <param name="pool">Where memory comes from.</param>
    /// <param name="onFailed">Called once when the consumer must end, from a task of the writer's. It does not wait for the end.</param>
    /// <param name="options">Bounds of what waits; null for the defaults.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    public DatagramWriter(
        PacketPool pool, Action<CloseReason> onFailed, PacketQueueOptions? options = null, TimeProvider? timeProvider = null)
        : base(pool, options, timeProvider)
    {
        ArgumentNullException.ThrowIfNull(onFailed);
        _onFailed = onFailed;
    }

    /// <summary>Bytes that the system has taken.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>Takes nothing any more and drops what waits. Idempotent; waits for nothing.</summary>
    public void Close()
    {
        using (GraphLock.Enter(Gate))
            CloseLocked();
    }

    /// <summary>Closes, and returns when no task of the queue runs. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Close();
        Task drain, failing;
        bool isFirst;
        using (GraphLock.Enter(Gate))
            (drain, failing, isFirst, _disposed) = (_drain, _failing, !_disposed, true);
        if (isFirst)
            await _stop.CancelAsync().ConfigureAwait(false);
        await drain.ConfigureAwait(false);
        await failing.ConfigureAwait(false);
        if (isFirst)
            _stop.Dispose();
    }

    private protected override bool TrySendLocked(Sender sender, MediaPacket packet)
    {
        if (_draining)
            return false;
        SendLocked(sender, packet);
        return true;
    }

    private protected override void WakeLocked()
    {
        if (_draining)
            return;
        _draining = true;
        _drain = GraphLock.Run(DrainAsync);
    }

    private protected override void FailLocked(CloseReason reason)
    {
        if (_failed)
            return;
        _failed = true;
        _failing = GraphLock.Run(() =>
        {
            _onFailed(reason);
            return Task.CompletedTask;
        });
    }

    // What was lost is no failure: the next keyframe makes up for it, be it one that waits already.
    private int SendLocked(Sender sender, MediaPacket packet)
    {
        if (sender.State.LostVideo && !packet.IsKeyframe)
        {
            sender.State.DroppedAwaitingKeyframe++;
            return 0;
        }

        var format = (DatagramFormat)sender.Format!;
        var image = packet.GetImage(format.ImageOf(packet.Codec, withParameters: false));
        var state = sender.State;
        if (format.TrySend(image.Span))
        {
            state.LostVideo = false;
            state.Delivered++;
            state.DeliveredBytes += image.Length;
            Volatile.Write(ref _sentBytes, _sentBytes + image.Length);
            return image.Length;
        }

        state.DroppedByOverflow++;
        state.LostVideo = packet.Codec.Kind == Media.MediaKind.Video;
        return 0;
    }

    private async Task DrainAsync()
    {
        try
        {
            for (var budget = BurstBytes; TrySendBurst(ref budget); budget += BurstBytes)
                await Task.Delay(BurstInterval, TimeProvider, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Closed: what waited is gone.
        }
        catch (Exception e)
        {
            using (GraphLock.Enter(Gate))
            {
                _draining = false;
                FailLocked(new CloseReason(CloseCode.Fault, $"writing a packet failed: {e.Message}"));
                CloseLocked();
            }
        }
    }

    // True when more waits. A unit is sent whole, whatever is left of the budget; the next bursts make up for it.
    private bool TrySendBurst(ref int budget)
    {
        using (GraphLock.Enter(Gate))
        {
            while (budget > 0)
            {
                if (!TryTakeLocked(out var entry))
                {
                    _draining = false;
                    return false;
                }

                try
                {
                    if (entry.Packet is { } packet)
                        budget -= SendLocked(entry.Sender!, packet);
                }
                finally
                {
                    entry.Packet?.Release();
                    entry.Reply?.Release();
                }
            }

            return true;
        }
    }
}
