namespace MediaGraph.Rtmp.Chunking;

/// <summary>What one connection may make us hold while its messages arrive. Beyond it the connection ends.</summary>
internal sealed record ChunkLimits
{
    public static ChunkLimits Default { get; } = new();

    /// <summary>Chunk streams per connection. Real clients use some 8.</summary>
    public int MaxChunkStreams { get; init; } = 64;

    /// <summary>Bytes of an audio, video or aggregate message: a keyframe of 4K video at a very high rate fits.</summary>
    public int MaxMediaMessageLength { get; init; } = 8 << 20;

    /// <summary>Bytes of any other message.</summary>
    public int MaxMessageLength { get; init; } = 256 << 10;

    /// <summary>Bytes that arrived of messages that are not complete, on all chunk streams together.</summary>
    public int MaxAssemblyBytes { get; init; } = 16 << 20;
}
