namespace MediaGraph.Rtsp.Diagnostics;

/// <summary>Names of the meter and the instruments of RTSP servers and clients.</summary>
public static class RtspMetricNames
{
    /// <summary>The meter.</summary>
    public const string Meter = "MediaGraph.Rtsp";

    internal const string Prefix = "mediagraph.rtsp";

    /// <summary>Gauge: connections that are open; the tag <c>role</c> is <c>server</c> or <c>client</c>.</summary>
    public const string Connections = Prefix + ".connections";

    /// <summary>Counter: connections that servers accepted.</summary>
    public const string ConnectionsAccepted = Prefix + ".connections.accepted";

    /// <summary>Counter: connections that clients made.</summary>
    public const string ConnectionsDialed = Prefix + ".connections.dialed";

    /// <summary>Counter: connections that a limit refused.</summary>
    public const string ConnectionsRefused = Prefix + ".connections.refused";

    /// <summary>
    /// Counter: connections that ended; the tag <c>code</c> is a <see cref="Graph.CloseCode"/>, such as <c>connection_lost</c>,
    /// <c>role</c> as above.
    /// </summary>
    public const string ConnectionsClosed = Prefix + ".connections.closed";

    /// <summary>Counter, in bytes: what ended connections had received, without UDP; with the tag <c>role</c>.</summary>
    public const string BytesReceived = Prefix + ".bytes.received";

    /// <summary>Counter, in bytes: what ended connections had sent, without UDP; with the tag <c>role</c>.</summary>
    public const string BytesSent = Prefix + ".bytes.sent";

    /// <summary>Counter: interleaved frames on channels that nothing was set up for, which went nowhere.</summary>
    public const string FramesIgnored = Prefix + ".frames.ignored";

    /// <summary>
    /// Counter: packets of talking clients that went nowhere; the tag <c>reason</c> is <c>busy</c> (another talks), <c>unavailable</c> (the
    /// device failed a moment ago), <c>ended</c> (the speaker is gone) or <c>format</c> (another codec than the talk's).
    /// </summary>
    public const string TalkPacketsIgnored = Prefix + ".talk.packets.ignored";
}
