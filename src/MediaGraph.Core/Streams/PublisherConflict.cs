namespace MediaGraph.Streams;

/// <summary>What happens when someone publishes a stream that has a publisher.</summary>
public enum PublisherConflict
{
    /// <summary>
    /// The second is refused, unless the first is stale and the second is the same user, or anonymous from the same address.
    /// </summary>
    Refuse,

    /// <summary>The second replaces the first, whoever it is.</summary>
    Replace,
}
