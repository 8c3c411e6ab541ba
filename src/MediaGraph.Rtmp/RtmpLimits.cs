using MediaGraph.Containers.Flv;
using MediaGraph.Validation;

namespace MediaGraph.Rtmp;

/// <summary>
/// What one connection may take. Each limit says what happens beyond it; nothing is allocated because a
/// peer announced it.
/// </summary>
public sealed record RtmpLimits : IValidatedOptions
{
    /// <summary>
    /// Bytes of an audio, video or aggregate message, 4 KiB to 16 MiB less 1. Default 8 MiB: a keyframe of 4K video at a very high rate.
    /// Beyond: the connection is closed.
    /// </summary>
    public int MaxMediaMessageBytes { get; init; } = 8 << 20;

    /// <summary>
    /// Bytes of any other message, 1 KiB to 16 MiB less 1. Default 256 KiB: commands have some hundred bytes, metadata some thousand.
    /// Beyond: the connection is closed.
    /// </summary>
    public int MaxMessageBytes { get; init; } = 256 << 10;

    /// <summary>
    /// Bytes of incomplete messages, on all chunk streams together, 64 KiB to 1 GiB. Default 16 MiB: two messages of the largest size.
    /// Beyond: the connection is closed.
    /// </summary>
    public int MaxAssemblyBytes { get; init; } = 16 << 20;

    /// <summary>Chunk streams per connection, 4 to 65,600. Default 64: clients use some 8. Beyond: the connection is closed.</summary>
    public int MaxChunkStreams { get; init; } = 64;

    /// <summary>
    /// Commands per second, 10 to 100,000. Default 100: a session needs some ten in all. Beyond: the connection is closed.
    /// </summary>
    public int MaxCommandsPerSecond { get; init; } = 100;

    /// <summary>
    /// AMF0 objects and arrays inside each other, 1 to 16. Default 16: real metadata has two. Beyond: the connection
    /// is closed.
    /// </summary>
    public int MaxAmfDepth { get; init; } = 16;

    /// <summary>
    /// AMF0 values per message, 16 to 1,000,000. Default 4,096: real metadata has some 40. Beyond: the connection is closed.
    /// </summary>
    public int MaxAmfValues { get; init; } = 4096;

    /// <summary>Bytes of an AMF0 string, 256 to 16 MiB less 1. Default 64 KiB. Beyond: the connection is closed.</summary>
    public int MaxAmfStringBytes { get; init; } = 64 << 10;

    /// <summary>
    /// Bytes of metadata, or of a codec's parameters, that are kept for late joiners, the last of each only. 256 to 16 MiB less 1, default
    /// 64 KiB. Beyond: metadata is left out, for parameters the connection is closed.
    /// </summary>
    public int MaxParameterBytes { get; init; } = FlvFeedWriter.DefaultMaxParameterBytes;

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(MaxMediaMessageBytes, 4 << 10, 0xFFFFFF)
        .Check(MaxMessageBytes, 1 << 10, 0xFFFFFF)
        .Check(MaxAssemblyBytes, 64 << 10, 1 << 30)
        .Check(MaxChunkStreams, 4, 65_600)
        .Check(MaxCommandsPerSecond, 10, 100_000)
        .Check(MaxAmfDepth, 1, 16)
        .Check(MaxAmfValues, 16, 1_000_000)
        .Check(MaxAmfStringBytes, 256, 0xFFFFFF)
        .Check(MaxParameterBytes, 256, 0xFFFFFF);
}
