namespace MediaGraph.Delivery;

/// <summary>What happens when a consumer's queue is full.</summary>
public enum OverflowPolicy
{
    /// <summary>Queued video goes, and video resumes at the next keyframe; audio goes on. Nobody waits.</summary>
    DropToKeyframe,

    /// <summary>The consumer is disconnected.</summary>
    Disconnect,
}
