using MediaGraph.Transport;

namespace MediaGraph.Rtsp;

/// <summary>
/// What one server, and one peer's messages, may take. Each limit says what happens beyond it; nothing is allocated because a peer
/// announced it.
/// </summary>
public sealed record RtspLimits
{
    /// <summary>Connections to a server; a client has those that it makes. Beyond: the new one is closed and counted.</summary>
    public ConnectionLimits Connections { get; init; } = new();

    /// <summary>
    /// Requests per second to a server. Default 100: a session needs some ten in all. Beyond: the connection is closed.
    /// </summary>
    public int MaxRequestsPerSecond { get; init; } = 100;

    /// <summary>
    /// Tracks that one session of a server sets up. Default 16: as many as a description may have. Beyond: 453.
    /// </summary>
    public int MaxSetups { get; init; } = 16;

    /// <summary>
    /// Bytes of a start line, or of one line of a request's headers, without its end. Default 2,048: an address with a long query. Beyond:
    /// 414 or 400, and the end. A line of an answer may be as long as all its headers.
    /// </summary>
    public int MaxLineBytes { get; init; } = 2048;

    /// <summary>Header lines of a message. Default 64: real ones have some ten. Beyond: 400, and the end.</summary>
    public int MaxHeaders { get; init; } = 64;

    /// <summary>Bytes of all header lines of a message. Default 16 KiB: real ones have less than one. Beyond: 400, and the end.</summary>
    public int MaxHeaderBytes { get; init; } = 16 << 10;

    /// <summary>Bytes of a body. Default 128 KiB: twice the longest session description. Beyond: 413, and the end.</summary>
    public int MaxBodyBytes { get; init; } = 128 << 10;

    /// <summary>
    /// Bytes in a row that are neither message nor interleaved frame and are passed over. Default 64 KiB: the longest interleaved
    /// frame, whose length may have been wrong. Beyond: 400, and the end.
    /// </summary>
    public int MaxGarbageBytes { get; init; } = 64 << 10;

    /// <summary>Bytes of a session description. Default 64 KiB: real ones have some thousand. Beyond: it is refused.</summary>
    public int MaxDescriptionBytes { get; init; } = 64 << 10;

    /// <summary>Media of a session description. Default 16: cameras offer some four. Beyond: it is refused.</summary>
    public int MaxMedias { get; init; } = 16;

    /// <summary>Reports every value that is out of its range.</summary>
    /// <param name="prefix">What precedes the names, such as <c>MediaGraph:Rtsp:Limits:</c>.</param>
    public IEnumerable<string> Validate(string prefix = "")
    {
        (string Name, int Value, int Least, int Most)[] limits =
        [
            (nameof(MaxRequestsPerSecond), MaxRequestsPerSecond, 10, 100_000),
            (nameof(MaxSetups), MaxSetups, 1, 128),
            (nameof(MaxLineBytes), MaxLineBytes, 256, 64 << 10),
            (nameof(MaxHeaders), MaxHeaders, 16, 1_024),
            (nameof(MaxHeaderBytes), MaxHeaderBytes, 1 << 10, 1 << 20),
            (nameof(MaxBodyBytes), MaxBodyBytes, 1 << 10, 16 << 20),
            (nameof(MaxGarbageBytes), MaxGarbageBytes, 0, 16 << 20),
            (nameof(MaxDescriptionBytes), MaxDescriptionBytes, 1 << 10, 16 << 20),
            (nameof(MaxMedias), MaxMedias, 1, 128),
            ("Connections:" + nameof(Connections.MaxConnections), Connections.MaxConnections, 1, 1_000_000),
            ("Connections:" + nameof(Connections.MaxPerAddress), Connections.MaxPerAddress, 1, 1_000_000),
            ("Connections:" + nameof(Connections.MaxHalfOpen), Connections.MaxHalfOpen, 1, 1_000_000),
            ("Connections:" + nameof(Connections.MaxHalfOpenPerAddress), Connections.MaxHalfOpenPerAddress, 1, 1_000_000),
        ];
        return limits.Where(limit => limit.Value < limit.Least || limit.Value > limit.Most)
            .Select(limit => $"{prefix}{limit.Name} is {limit.Value}; it must be {limit.Least} to {limit.Most}.");
    }
}
