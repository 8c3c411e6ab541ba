using MediaGraph.Graph;
using MediaGraph.Media;

namespace MediaGraph.Delivery;

/// <summary>What a queue keeps about one of its senders; every member is guarded by the queue's gate.</summary>
internal sealed class SenderState
{
    /// <summary>No packet is taken any more.</summary>
    public bool Closed { get; set; }

    /// <summary>Registered, but the replay is not known yet: packets wait.</summary>
    public bool Joining { get; set; }

    /// <summary>What is left of the group that the joiner was given.</summary>
    public GroupCursor? Replay { get; set; }

    /// <summary>Sound that waits for this video's group, to begin with it; null once that is known.</summary>
    public List<Sender>? Followers { get; set; }

    /// <summary>Video is dropped until the next keyframe.</summary>
    public bool AwaitsKeyframe { get; set; }

    /// <summary>Video is not sent until the next keyframe, because something of it was lost on the way out.</summary>
    public bool LostVideo { get; set; }

    /// <summary>The same of the replay: what came before could not be written.</summary>
    public bool ReplayAwaitsKeyframe { get; set; }

    /// <summary>The codec of the last packet that was offered: known to be one that can be written.</summary>
    public Codec? OfferedCodec { get; set; }

    /// <summary>The codec that the other side was last told of.</summary>
    public Codec? WireCodec { get; set; }

    public long Offered { get; set; }

    public long Delivered { get; set; }

    public long DeliveredBytes { get; set; }

    public long DroppedByOverflow { get; set; }

    public long DroppedAwaitingKeyframe { get; set; }

    public long DroppedByClose { get; set; }

    public int Queued { get; set; }
}
