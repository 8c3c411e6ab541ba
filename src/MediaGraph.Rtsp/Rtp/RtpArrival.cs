namespace MediaGraph.Rtsp.Rtp;

/// <summary>What <see cref="RtpReception"/> makes of a packet.</summary>
internal enum RtpArrival
{
    /// <summary>It belongs to the source that is received.</summary>
    Accepted,

    /// <summary>It is the first of another source, or of another sequence: nothing before it has to do with it.</summary>
    Restarted,

    /// <summary>It belongs to neither. Another one like it may start over.</summary>
    Ignored,
}
