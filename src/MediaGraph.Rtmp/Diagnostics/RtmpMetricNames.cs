namespace MediaGraph.Rtmp.Diagnostics;

/// <summary>Names of the meter and the instruments of RTMP servers and clients.</summary>
public static class RtmpMetricNames
{
    /// <summary>The meter.</summary>
    public const string Meter = "MediaGraph.Rtmp";

    internal const string Prefix = "mediagraph.rtmp";

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

    /// <summary>Counter, in bytes: what ended connections had received; with the tag <c>role</c>.</summary>
    public const string BytesReceived = Prefix + ".bytes.received";

    /// <summary>Counter, in bytes: what ended connections had sent; with the tag <c>role</c>.</summary>
    public const string BytesSent = Prefix + ".bytes.sent";
}
