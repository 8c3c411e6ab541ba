namespace MediaGraph.Containers.MpegTs;

/// <summary>An elementary stream of a program, as its map names it (ISO/IEC 13818-1 §2.4.4.8).</summary>
/// <param name="Pid">Identifies its packets: 0x10 to 0x1FFE.</param>
/// <param name="Type">stream_type: see <see cref="MpegTsStreamType"/>.</param>
public readonly record struct MpegTsStream(int Pid, byte Type);
