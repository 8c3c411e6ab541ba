namespace MediaGraph.Rtsp.Rtp;

/// <summary>The sender's part of a sender report (RFC 3550 §6.4.1).</summary>
/// <param name="Ssrc">Who sends.</param>
/// <param name="NtpTime">The wall clock, as <see cref="Rtp.NtpTime"/> has it; 0 where the sender has none.</param>
/// <param name="RtpTime">The same moment as an RTP timestamp.</param>
/// <param name="Packets">RTP packets sent so far.</param>
/// <param name="Bytes">Bytes of payload sent so far.</param>
internal readonly record struct SenderReport(uint Ssrc, ulong NtpTime, uint RtpTime, uint Packets, uint Bytes);
