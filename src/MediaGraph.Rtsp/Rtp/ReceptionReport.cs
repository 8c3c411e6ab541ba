namespace MediaGraph.Rtsp.Rtp;

/// <summary>A report block (RFC 3550 §6.4.1).</summary>
/// <param name="Ssrc">Of whom it reports.</param>
/// <param name="FractionLost">Loss since the report before, in 1/256.</param>
/// <param name="Lost">Packets lost so far, 24 bits with sign: duplicates count against it.</param>
/// <param name="HighestSequence">The highest sequence number, with the count of its wraps above it.</param>
/// <param name="Jitter">In ticks.</param>
/// <param name="LastSenderReport">The middle 32 bits of the last sender report's NTP time; 0 for none.</param>
/// <param name="Delay">Since that report came, in 1/65,536 s.</param>
internal readonly record struct ReceptionReport(
    uint Ssrc, byte FractionLost, int Lost, uint HighestSequence, uint Jitter, uint LastSenderReport, uint Delay)
{
    public const int Length = 24;
}
