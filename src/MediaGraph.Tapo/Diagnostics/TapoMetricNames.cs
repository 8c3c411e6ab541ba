namespace MediaGraph.Tapo.Diagnostics;

/// <summary>Names of the meter and the instruments of <see cref="TapoSourceProtocol"/>.</summary>
public static class TapoMetricNames
{
    /// <summary>The meter.</summary>
    public const string Meter = "MediaGraph.Tapo";

    /// <summary>Gauge: connections to cameras that are open.</summary>
    public const string Connections = "mediagraph.tapo.connections";

    /// <summary>Counter: connections that were made.</summary>
    public const string ConnectionsDialed = "mediagraph.tapo.connections.dialed";

    /// <summary>Counter, in bytes: what ended connections had received.</summary>
    public const string BytesReceived = "mediagraph.tapo.bytes.received";

    /// <summary>
    /// Counter: previews that ended; the tag <c>code</c> is a <see cref="Graph.CloseCode"/>, such as <c>connection_lost</c>.
    /// </summary>
    public const string PreviewsEnded = "mediagraph.tapo.previews.ended";

    /// <summary>Counter: talks that cameras agreed to.</summary>
    public const string Talks = "mediagraph.tapo.talks";
}
