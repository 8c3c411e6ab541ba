using System.Diagnostics.Metrics;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Server;

namespace MediaGraph.Rtmp.Diagnostics;

/// <summary>The RTMP server's instruments.</summary>
internal sealed class RtmpMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _received;
    private readonly Counter<long> _sent;

    public RtmpMetrics(RtmpServer server, IMeterFactory? meterFactory)
    {
        _meter = meterFactory?.Create(RtmpMetricNames.Meter) ?? new Meter(RtmpMetricNames.Meter);
        _meter.CreateObservableGauge(RtmpMetricNames.Connections, () => server.Connections, "{connection}");
        _meter.CreateObservableCounter(RtmpMetricNames.ConnectionsRefused, () => server.RefusedConnections, "{connection}");
        _accepted = _meter.CreateCounter<long>(RtmpMetricNames.ConnectionsAccepted, "{connection}");
        _closed = _meter.CreateCounter<long>(RtmpMetricNames.ConnectionsClosed, "{connection}");
        _received = _meter.CreateCounter<long>(RtmpMetricNames.BytesReceived, "By");
        _sent = _meter.CreateCounter<long>(RtmpMetricNames.BytesSent, "By");
    }

    public void CountAccepted() => _accepted.Add(1);

    public void CountClosed(CloseCode reason, long received, long sent)
    {
        _closed.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString()));
        _received.Add(received);
        _sent.Add(sent);
    }

    public void Dispose() => _meter.Dispose();
}
