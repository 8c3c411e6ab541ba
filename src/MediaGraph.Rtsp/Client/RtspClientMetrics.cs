using System.Diagnostics.Metrics;
using MediaGraph.Graph;

namespace MediaGraph.Rtsp.Client;

/// <summary>The instruments of a client; its measurements have the tag <c>role</c>.</summary>
internal sealed class RtspClientMetrics : IDisposable
{
    private const string MeterName = "MediaGraph.Rtsp";
    private static readonly KeyValuePair<string, object?> Role = new("role", "client");

    private readonly Meter _meter;
    private readonly Counter<long> _dialed;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _received;
    private readonly Counter<long> _sent;

    /// <param name="connections">Connections now.</param>
    /// <param name="meterFactory">Null for a meter of its own.</param>
    public RtspClientMetrics(Func<int> connections, IMeterFactory? meterFactory)
    {
        _meter = meterFactory?.Create(MeterName) ?? new Meter(MeterName);
        _meter.CreateObservableGauge("mediagraph.rtsp.connections", () => new Measurement<int>(connections(), Role), "{connection}");
        _dialed = _meter.CreateCounter<long>("mediagraph.rtsp.connections.dialed", "{connection}");
        _closed = _meter.CreateCounter<long>("mediagraph.rtsp.connections.closed", "{connection}");
        _received = _meter.CreateCounter<long>("mediagraph.rtsp.bytes.received", "By");
        _sent = _meter.CreateCounter<long>("mediagraph.rtsp.bytes.sent", "By");
    }

    public void CountDialed() => _dialed.Add(1);

    public void CountClosed(CloseCode reason, long received, long sent)
    {
        _closed.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString()), Role);
        _received.Add(received, Role);
        _sent.Add(sent, Role);
    }

    public void Dispose() => _meter.Dispose();
}
