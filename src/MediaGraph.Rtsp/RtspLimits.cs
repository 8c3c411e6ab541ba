namespace MediaGraph.Rtsp;

/// <summary>What one peer's messages may take. Nothing is allocated because a peer announced it.</summary>
public sealed record RtspLimits
{
    /// <summary>Bytes of a start line or a header's line, without its end. Default 2,048. Beyond: 414 or 400, and the end.</summary>
    public int MaxLineBytes { get; init; } = 2048;

    /// <summary>Header lines of a message. Default 64: real ones have some ten. Beyond: 400, and the end.</summary>
    public int MaxHeaders { get; init; } = 64;

    /// <summary>Bytes of all header lines of a message. Default 16 KiB. Beyond: 400, and the end.</summary>
    public int MaxHeaderBytes { get; init; } = 16 << 10;

    /// <summary>Bytes of a body. Default 128 KiB. Beyond: 413, and the end.</summary>
    public int MaxBodyBytes { get; init; } = 128 << 10;

    /// <summary>
    /// Bytes in a row that are neither message nor interleaved frame and are passed over. Default 64 KiB: the longest interleaved
    /// frame, whose length may have been wrong. Beyond: 400, and the end.
    /// </summary>
    public int MaxGarbageBytes { get; init; } = 64 << 10;

    /// <summary>Bytes of a session description. Default 64 KiB. Beyond: it is refused.</summary>
    public int MaxDescriptionBytes { get; init; } = 64 << 10;

    /// <summary>Media of a session description. Default 16. Beyond: it is refused.</summary>
    public int MaxMedias { get; init; } = 16;

    /// <summary>Reports every value that is out of its range.</summary>
    /// <param name="prefix">What precedes the names, such as <c>MediaGraph:Rtsp:Limits:</c>.</param>
    public IEnumerable<string> Validate(string prefix = "")
    {
        (string Name, int Value, int Least)[] values =
        [
            (nameof(MaxLineBytes), MaxLineBytes, 256),
            (nameof(MaxHeaders), MaxHeaders, 16),
            (nameof(MaxHeaderBytes), MaxHeaderBytes, 1024),
            (nameof(MaxBodyBytes), MaxBodyBytes, 1024),
            (nameof(MaxGarbageBytes), MaxGarbageBytes, 0),
            (nameof(MaxDescriptionBytes), MaxDescriptionBytes, 1024),
            (nameof(MaxMedias), MaxMedias, 1),
        ];
        foreach (var (name, value, least) in values)
        {
            if (value < least)
                yield return $"{prefix}{name} is {value}; it must be {least} or more.";
        }
    }
}
