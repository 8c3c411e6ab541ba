namespace MediaGraph.Containers.Flv;

/// <summary>
/// Which of several forms a body is written in. The default one suits every reader of a codec: H264, AAC, MP3 and G.711 as FLV 10.1
/// has them, everything else by its four-character code (Enhanced RTMP v2).
/// </summary>
public readonly record struct FlvForm
{
    /// <summary>
    /// The track's number, 0 to 255: 0, the default track, has none on the wire; others are written as multitrack bodies of one
    /// track, all by four-character codes.
    /// </summary>
    public byte TrackId { get; init; }

    /// <summary>Whether H265 is written as codec 12, which FLV never had, but which players took before its four-character code.</summary>
    public bool HasLegacyH265 { get; init; }

    /// <summary>
    /// Whether what milliseconds cannot say of a presentation time follows in nanoseconds (TimestampOffsetNano). Bodies as
    /// FLV 10.1 has them cannot say it.
    /// </summary>
    public bool HasNanosecondOffsets { get; init; }
}
