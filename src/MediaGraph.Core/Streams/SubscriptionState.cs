namespace MediaGraph.Streams;

/// <summary>What a subscription is doing. It is never silent for another reason than these.</summary>
public enum SubscriptionState
{
    /// <summary>Registered; nothing is sent until it is started.</summary>
    Held,

    /// <summary>A publisher feeds it.</summary>
    Fed,

    /// <summary>Its publisher left; it is fed again when one comes in time.</summary>
    Waiting,

    /// <summary>Over, with a reason.</summary>
    Ended,
}
