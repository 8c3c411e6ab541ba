using System.Diagnostics.Metrics;
using MediaGraph.Diagnostics;

namespace MediaGraph.Rtsp.Diagnostics;

/// <summary>The instruments of an RTSP server or client.</summary>
internal sealed class RtspMetrics : IDisposable
{
    private readonly Counter<long> _ignored;
    private readonly Counter<long> _talkIgnored;

    /// <inheritdoc cref="ConnectionMetrics(string, string, string, Func{int}, Func{long}?, IMeterFactory?)"/>
    public RtspMetrics(string role, Func<int> connections, Func<long>? refused, IMeterFactory? meterFactory)
    {
        Connections = new ConnectionMetrics(
            RtspMetricNames.Meter, RtspMetricNames.Prefix, role, connections, refused, meterFactory);
        _ignored = Connections.Meter.CreateCounter<long>(RtspMetricNames.FramesIgnored, "{frame}");
        _talkIgnored = Connections.Meter.CreateCounter<long>(RtspMetricNames.TalkPacketsIgnored, "{packet}");
    }

    public ConnectionMetrics Connections { get; }

    public void CountIgnoredFrame() => _ignored.Add(1);

    public void CountTalkIgnored(string reason) => _talkIgnored.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Dispose() => Connections.Dispose();
}
