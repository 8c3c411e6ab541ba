using System.Threading.Channels;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Packets;

namespace MediaGraph.Delivery;

/// <summary>A queue whose one reader takes packets, not bytes: a subscription by code.</summary>
internal sealed class PullQueue(PacketPool pool, PacketQueueOptions? options, TimeProvider? timeProvider)
    : PacketQueue(pool, options, timeProvider)
{
    private const int MaxBatch = 64; // packets: a bound of what a slow reader holds outside the queue's own bounds

    // Holds at most one token: "look again". Its continuations never run under the gate.
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private CloseReason? _reason;

    /// <summary>Why the queue ended; null while it has not.</summary>
    public CloseReason? Reason => Volatile.Read(ref _reason);

    /// <summary>Waits for packets; null when the queue was closed.</summary>
    public async ValueTask<PacketBatch?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryTakeBatch() is { } batch)
                return batch;
            if (Reason is not null)
                return null;
            await _signal.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Close(CloseReason reason)
    {
        using (GraphLock.Enter(Gate))
        {
            Interlocked.CompareExchange(ref _reason, reason, null);
            CloseLocked();
            _signal.Writer.TryWrite(true);
        }
    }

    private protected override bool TrySendLocked(Sender sender, MediaPacket packet) => false;

    private protected override void WakeLocked() => _signal.Writer.TryWrite(true);

    private protected override void FailLocked(CloseReason reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        CloseLocked(); // nothing with a hole in it is handed out
        _signal.Writer.TryWrite(true);
    }

    private PacketBatch? TryTakeBatch()
    {
        PacketBatch? batch = null;
        using (GraphLock.Enter(Gate))
        {
            while ((batch?.Count ?? 0) < MaxBatch && TryTakeLocked(out var entry))
            {
                var state = entry.Sender!.State;
                state.Delivered++;
                state.DeliveredBytes += entry.Packet!.Length;
                (batch ??= new PacketBatch()).Add(entry.Packet, entry.Sender.Track);
            }
        }

        return batch;
    }
}
