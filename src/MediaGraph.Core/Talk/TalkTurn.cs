using System.Diagnostics.CodeAnalysis;
using MediaGraph.Graph;
using MediaGraph.Packets;
using MediaGraph.Sources;

namespace MediaGraph.Talk;

/// <summary>One talk, from the packet that took the place until the device was told of the end.</summary>
[SuppressMessage("Design", "CA1001", Justification = "It has no timer, and calls that were left behind may still hold its token.")]
internal sealed class TalkTurn(TalkSession session, long taken)
{
    private const int MaxWaitingBytes = 256 * 1024;

    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<(MediaPacket Packet, long Arrival)> _waiting = new(); // guarded by the place's lock while it is the turn's
    private int _waitingBytes;
    private long _packets;
    private long _dropped;
    private CloseReason? _reason;

    public TalkSession Session { get; } = session;

    /// <summary>When it took the place.</summary>
    public long Taken { get; } = taken;

    /// <summary>When its newest packet came. Guarded by the place's lock.</summary>
    public long LastHeard { get; set; } = taken;

    /// <summary>When the device listened; null before. Of the place's task.</summary>
    public long? Started { get; set; }

    /// <summary>Why the place was given back; null while it is held. Set under the place's lock.</summary>
    public CloseReason? Reason
    {
        get => Volatile.Read(ref _reason);
        set => Volatile.Write(ref _reason, value);
    }

    /// <summary>Whether the device failed. Of the place's task.</summary>
    public bool HasFailed { get; set; }

    public bool IsOver => Reason is not null;

    public long Packets => Interlocked.Read(ref _packets);

    public long Dropped => Interlocked.Read(ref _dropped);

    public Task Done => _done.Task;

    public CancellationToken Token => _over.Token;

    public void EnqueueLocked(MediaPacket packet, long now)
    {
        packet.Retain();
        _waiting.Enqueue((packet, now));
        _waitingBytes += packet.Length;
        LastHeard = now;
    }

    public bool TryDequeueLocked([NotNullWhen(true)] out MediaPacket? packet)
    {
        var isThere = _waiting.TryDequeue(out var first);
        packet = first.Packet;
        _waitingBytes -= packet?.Length ?? 0;
        return isThere;
    }

    /// <summary>The oldest packet, if it has waited too long or too much waits behind it.</summary>
    public MediaPacket? DequeueExcessLocked(TimeProvider timeProvider, TimeSpan maxDelay)
    {
        var isExcess = _waiting.TryPeek(out var first) &&
            ((_waitingBytes > MaxWaitingBytes && _waiting.Count > 1) || timeProvider.GetElapsedTime(first.Arrival) > maxDelay);
        return isExcess && TryDequeueLocked(out var packet) ? packet : null;
    }

    public void CountPacket() => Interlocked.Increment(ref _packets);

    public void CountDropped() => Interlocked.Increment(ref _dropped);

    /// <summary>Cancels what runs for it; the callbacks of the token never run on the caller's thread.</summary>
    public void Cancel() => _ = _over.CancelAsync().Quietly();

    public void Complete() => _done.TrySetResult();
}
