namespace MediaGraph.Rtmp.Messages;

/// <summary>One message inside an aggregate message.</summary>
/// <param name="Timestamp">Milliseconds modulo 2^32, on the time of the aggregate.</param>
/// <param name="Offset">Of its payload in the aggregate's payload.</param>
/// <param name="Length">Of its payload.</param>
internal readonly record struct AggregatePart(RtmpMessageType Type, uint Timestamp, int Offset, int Length);
