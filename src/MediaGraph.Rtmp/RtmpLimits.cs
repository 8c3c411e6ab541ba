using MediaGraph.Containers.Flv;
using MediaGraph.Transport;

namespace MediaGraph.Rtmp;

/// <summary>
/// What one server, and one connection of it, may take. Each limit says what happens beyond it; nothing is allocated because a
/// peer announced it.
/// </summary>
public sealed record RtmpLimits
{
    /// <summary>Connections to a server; a client has those that it makes. Beyond: the new one is closed and counted.</summary>
    public ConnectionLimits Connections { get; init; } = new();

    /// <summary>
    /// Bytes of an audio, video or aggregate message. Default 8 MiB: a keyframe of 4K video at a very high rate. Beyond: the
    /// connection is closed.
    /// </summary>
    public int MaxMediaMessageBytes { get; init; } = 8 << 20;

    /// <summary>
    /// Bytes of any other message. Default 256 KiB: commands have some hundred bytes, metadata some thousand. Beyond: the
    /// connection is closed.
    /// </summary>
    public int MaxMessageBytes { get; init; } = 256 << 10;

    /// <summary>
    /// Bytes of incomplete messages, on all chunk streams together. Default 16 MiB: two messages of the largest size. Beyond: the
    /// connection is closed.
    /// </summary>
    public int MaxAssemblyBytes { get; init; } = 16 << 20;

    /// <summary>Chunk streams per connection. Default 64: clients use some 8. Beyond: the connection is closed.</summary>
    public int MaxChunkStreams { get; init; } = 64;

    /// <summary>
    /// Message streams per connection to a server; a client makes one. Default 16: most clients use one. Beyond: the command is refused, and the connection closed.
    /// </summary>
    public int MaxMessageStreams { get; init; } = 16;

    /// <summary>Commands per second. Default 100: a session needs some ten in all. Beyond: the connection is closed.</summary>
    public int MaxCommandsPerSecond { get; init; } = 100;

    /// <summary>
    /// AMF0 objects and arrays inside each other. Default 16, which is also the most: real metadata has two. Beyond: the connection
    /// is closed.
    /// </summary>
    public int MaxAmfDepth { get; init; } = 16;

    /// <summary>
    /// AMF0 values per message. Default 4,096: real metadata has some 40. Beyond: the connection is closed.
    /// </summary>
    public int MaxAmfValues { get; init; } = 4096;

    /// <summary>Bytes of an AMF0 string. Default 64 KiB. Beyond: the connection is closed.</summary>
    public int MaxAmfStringBytes { get; init; } = 64 << 10;

    /// <summary>
    /// Bytes of metadata, or of a codec's parameters, that are kept for late joiners, the last of each only. Default 64 KiB. Beyond:
    /// metadata is left out, for parameters the connection is closed.
    /// </summary>
    public int MaxParameterBytes { get; init; } = FlvFeedWriter.DefaultMaxParameterBytes;

    /// <summary>Reports every value that is out of its range.</summary>
    /// <param name="prefix">What precedes the names, such as <c>MediaGraph:Rtmp:Limits:</c>.</param>
    public IEnumerable<string> Validate(string prefix = "")
    {
        (string Name, int Value, int Least, int Most)[] limits =
        [
            (nameof(MaxMediaMessageBytes), MaxMediaMessageBytes, 4 << 10, 0xFFFFFF),
            (nameof(MaxMessageBytes), MaxMessageBytes, 1 << 10, 0xFFFFFF),
            (nameof(MaxAssemblyBytes), MaxAssemblyBytes, 64 << 10, 1 << 30),
            (nameof(MaxChunkStreams), MaxChunkStreams, 4, 65_600),
            (nameof(MaxMessageStreams), MaxMessageStreams, 1, 1_024),
            (nameof(MaxCommandsPerSecond), MaxCommandsPerSecond, 10, 100_000),
            (nameof(MaxAmfDepth), MaxAmfDepth, 1, 16),
            (nameof(MaxAmfValues), MaxAmfValues, 16, 1_000_000),
            (nameof(MaxAmfStringBytes), MaxAmfStringBytes, 256, 0xFFFFFF),
            (nameof(MaxParameterBytes), MaxParameterBytes, 256, 0xFFFFFF),
            ("Connections:" + nameof(Connections.MaxConnections), Connections.MaxConnections, 1, 1_000_000),
            ("Connections:" + nameof(Connections.MaxPerAddress), Connections.MaxPerAddress, 1, 1_000_000),
            ("Connections:" + nameof(Connections.MaxHalfOpen), Connections.MaxHalfOpen, 1, 1_000_000),
            ("Connections:" + nameof(Connections.MaxHalfOpenPerAddress), Connections.MaxHalfOpenPerAddress, 1, 1_000_000),
        ];
        return limits.Where(limit => limit.Value < limit.Least || limit.Value > limit.Most)
            .Select(limit => $"{prefix}{limit.Name} is {limit.Value}; it must be {limit.Least} to {limit.Most}.");
    }
}
