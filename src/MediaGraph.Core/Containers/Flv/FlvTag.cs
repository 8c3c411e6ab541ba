using MediaGraph.Packets;

namespace MediaGraph.Containers.Flv;

/// <summary>One tag of an FLV file.</summary>
/// <param name="Type">The tag's type.</param>
/// <param name="Milliseconds">The tag's time, modulo 2^32.</param>
/// <param name="Body">The body from the buffer's start; whoever holds the tag owns one reference.</param>
/// <param name="Length">The body's length in bytes.</param>
public readonly record struct FlvTag(FlvTagType Type, uint Milliseconds, PooledBuffer Body, int Length);
