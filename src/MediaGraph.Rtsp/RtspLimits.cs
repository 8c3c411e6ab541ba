using MediaGraph.Validation;

namespace MediaGraph.Rtsp;

/// <summary>
/// What one peer's messages may take. Each limit says what happens beyond it; nothing is allocated because a peer
/// announced it.
/// </summary>
public sealed record RtspLimits : IValidatedOptions
{
    /// <summary>
    /// Bytes of a start line, or of one line of a request's headers, without its end, 256 to 64 KiB. Default 2,048: an address with a long
    /// query. Beyond: 414 or 400, and the end. A line of an answer may be as long as all its headers.
    /// </summary>
    public int MaxLineBytes { get; init; } = 2048;

    /// <summary>Header lines of a message, 16 to 1,024. Default 64: real ones have some ten. Beyond: 400, and the end.</summary>
    public int MaxHeaders { get; init; } = 64;

    /// <summary>
    /// Bytes of all header lines of a message, 1 KiB to 1 MiB. Default 16 KiB: real ones have less than one. Beyond: 400, and the end.
    /// </summary>
    public int MaxHeaderBytes { get; init; } = 16 << 10;

    /// <summary>
    /// Bytes of a body, 1 KiB to 16 MiB. Default 128 KiB: twice the longest session description. Beyond: 413, and the end.
    /// </summary>
    public int MaxBodyBytes { get; init; } = 128 << 10;

    /// <summary>
    /// Bytes in a row that are neither message nor interleaved frame and are passed over, 0 to 16 MiB. Default 64 KiB: the longest
    /// interleaved frame, whose length may have been wrong. Beyond: 400, and the end.
    /// </summary>
    public int MaxGarbageBytes { get; init; } = 64 << 10;

    /// <summary>
    /// Bytes of a session description, 1 KiB to 16 MiB. Default 64 KiB: real ones have some thousand. Beyond: it is refused.
    /// </summary>
    public int MaxDescriptionBytes { get; init; } = 64 << 10;

    /// <summary>Media of a session description, 1 to 128. Default 16: cameras offer some four. Beyond: it is refused.</summary>
    public int MaxMedias { get; init; } = 16;

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(MaxLineBytes, 256, 64 << 10)
        .Check(MaxHeaders, 16, 1_024)
        .Check(MaxHeaderBytes, 1 << 10, 1 << 20)
        .Check(MaxBodyBytes, 1 << 10, 16 << 20)
        .Check(MaxGarbageBytes, 0, 16 << 20)
        .Check(MaxDescriptionBytes, 1 << 10, 16 << 20)
        .Check(MaxMedias, 1, 128);
}
