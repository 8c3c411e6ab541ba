namespace MediaGraph.Rtsp.Rtp;

/// <summary>NTP timestamps: seconds since 1900 as 32.32 bits (RFC 3550 §4). They wrap in 2036; differences survive that.</summary>
internal static class NtpTime
{
    private static readonly DateTimeOffset Epoch = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static ulong Of(DateTimeOffset time) => unchecked((ulong)(((Int128)(time - Epoch).Ticks << 32) / TimeSpan.TicksPerSecond));

    /// <summary>The time from one timestamp to another in ticks of a clock, at most 68 years either way.</summary>
    public static long Difference(ulong from, ulong to, int clockRate)
    {
        var scaled = (Int128)unchecked((long)(to - from)) * clockRate;
        return (long)((scaled + (1L << 31)) >> 32);
    }
}
