namespace MediaGraph.Packets;

/// <summary>What a <see cref="PacketPool"/> holds at one moment.</summary>
/// <param name="OutstandingBuffers">Buffers that are in use: 0 when everything is closed.</param>
/// <param name="OutstandingBytes">Bytes of those.</param>
/// <param name="OutstandingPackets">Packets that are in use: 0 when everything is closed.</param>
/// <param name="RetainedBytes">Bytes that wait to be used again, at most <see cref="PacketPoolOptions.MaxRetainedBytes"/>.</param>
/// <param name="Allocations">Buffers that could not be served from what was retained, since the pool was made.</param>
public readonly record struct PacketPoolStatistics(
    long OutstandingBuffers, long OutstandingBytes, long OutstandingPackets, long RetainedBytes, long Allocations);
