using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Graph;

/// <summary>The leaf: one track of one consumer, in front of the consumer's queue.</summary>
public sealed class Sender : Node
{
    private readonly PacketQueue _queue;

    internal Sender(PacketQueue queue, Track track, WireFormat? format)
        : base(cache: null, closesWhenEmpty: false)
    {
        _queue = queue;
        Track = track;
        Format = format;
    }

    /// <summary>What the sender carries.</summary>
    public Track Track { get; }

    /// <summary>How packets become bytes; null where the consumer takes packets.</summary>
    internal WireFormat? Format { get; }

    /// <summary>
    /// The video that this sound begins with: it is attached later, and the sound's replay goes back as far as the video's. Set before the
    /// sender is attached.
    /// </summary>
    internal Sender? Leader { get; set; }

    /// <summary>How much of the parent's group is wanted. Set before the sender is attached.</summary>
    internal ReplayRange ReplayRange { get; set; }

    /// <summary>Told when what it is fed by has failed. Set before the sender is attached.</summary>
    internal Action<CloseReason>? OnFault { get; set; }

    /// <summary>What the queue knows of this sender; guarded by the queue's gate.</summary>
    internal SenderState State { get; } = new();

    /// <summary>What went through and what was dropped.</summary>
    public SenderStatistics GetStatistics() => _queue.GetStatistics(this);

    /// <inheritdoc/>
    public override void Close(CloseReason reason)
    {
        _queue.Remove(this); // first, so that whoever calls Close, no packet comes after it
        base.Close(reason);
        if (reason.Code == CloseCode.Fault)
            OnFault?.Invoke(reason);
    }

    internal override bool WantsReplay => ReplayRange != ReplayRange.None;

    internal override void Accept(MediaPacket packet) => _queue.Offer(this, packet);

    internal override void Prefetch(int step)
    {
        if (step == 1)
        {
            CacheLines.Prefetch(_queue, 4);
            CacheLines.Prefetch(State, 2);
        }
        else
        {
            _queue.Prefetch(step);
        }
    }

    internal override void OnAttached(GroupCursor? replay) => _queue.CompleteJoin(this, replay);
}
