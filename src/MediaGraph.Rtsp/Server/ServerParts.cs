using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Streams;
using MediaGraph.Transport;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Rtsp.Server;

/// <summary>What the connections of a server share. Thread-safe.</summary>
internal sealed record ServerParts
{
    public required StreamHub Hub { get; init; }

    public required RtspServerOptions Options { get; init; }

    public required RtspMetrics Metrics { get; init; }

    public required ConnectionSet<RtspConnection> Connections { get; init; }

    public required UdpPorts Ports { get; init; }

    public required HttpTunnels Tunnels { get; init; }

    /// <summary>Who sends, in RTCP: all viewers of a stream are sent the same packets, so it is one name for all.</summary>
    public required string CanonicalName { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }
}
