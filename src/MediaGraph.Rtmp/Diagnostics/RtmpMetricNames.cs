namespace MediaGraph.Rtmp.Diagnostics;

/// <summary>Names of the meter and the instruments of the RTMP server.</summary>
public static class RtmpMetricNames
{
    /// <summary>The server's meter.</summary>
    public const string Meter = "MediaGraph.Rtmp";

    /// <summary>Gauge: connections that are open.</summary>
    public const string Connections = "mediagraph.rtmp.connections";

    /// <summary>Counter: connections that were accepted.</summary>
    public const string ConnectionsAccepted = "mediagraph.rtmp.connections.accepted";

    /// <summary>Counter: connections that a limit refused.</summary>
    public const string ConnectionsRefused = "mediagraph.rtmp.connections.refused";

    /// <summary>Counter: connections that ended; the tag <c>reason</c> is a <see cref="Graph.CloseCode"/>.</summary>
    public const string ConnectionsClosed = "mediagraph.rtmp.connections.closed";

    /// <summary>Counter, in bytes: what ended connections had received.</summary>
    public const string BytesReceived = "mediagraph.rtmp.bytes.received";

    /// <summary>Counter, in bytes: what ended connections had sent.</summary>
    public const string BytesSent = "mediagraph.rtmp.bytes.sent";
}
