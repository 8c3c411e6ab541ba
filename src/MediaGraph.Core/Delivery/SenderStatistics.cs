namespace MediaGraph.Delivery;

/// <summary>
/// A consistent view of one sender: <see cref="Offered"/> is the sum of delivered, dropped and queued packets at any moment.
/// </summary>
/// <param name="Offered">Packets that reached the sender, replayed ones included.</param>
/// <param name="Delivered">Packets that the transport or the reader took whole.</param>
/// <param name="DeliveredBytes">Bytes of those, in wire form where there is one.</param>
/// <param name="DroppedByOverflow">Packets dropped because the consumer was too slow.</param>
/// <param name="DroppedAwaitingKeyframe">Video packets dropped because decoding could not start at them.</param>
/// <param name="DroppedByClose">Packets that were still queued when the sender was closed.</param>
/// <param name="Queued">Packets that wait now.</param>
public readonly record struct SenderStatistics(
    long Offered,
    long Delivered,
    long DeliveredBytes,
    long DroppedByOverflow,
    long DroppedAwaitingKeyframe,
    long DroppedByClose,
    long Queued)
{
    /// <summary>The sum of two views.</summary>
    public static SenderStatistics operator +(SenderStatistics a, SenderStatistics b) => new(
        a.Offered + b.Offered,
        a.Delivered + b.Delivered,
        a.DeliveredBytes + b.DeliveredBytes,
        a.DroppedByOverflow + b.DroppedByOverflow,
        a.DroppedAwaitingKeyframe + b.DroppedAwaitingKeyframe,
        a.DroppedByClose + b.DroppedByClose,
        a.Queued + b.Queued);
}
