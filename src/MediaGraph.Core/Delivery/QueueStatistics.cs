namespace MediaGraph.Delivery;

/// <summary>A consistent view of a queue.</summary>
/// <param name="Depth">Packets and replies that wait, those of a replay included.</param>
/// <param name="QueuedBytes">Payload bytes of waiting packets; a replay does not count.</param>
/// <param name="OldestAge">How long the oldest of them has waited.</param>
/// <param name="StalledFor">How long the transport has taken nothing although something waits; zero while it takes.</param>
public readonly record struct QueueStatistics(int Depth, long QueuedBytes, TimeSpan OldestAge, TimeSpan StalledFor);
