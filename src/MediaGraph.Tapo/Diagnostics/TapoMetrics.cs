using System.Diagnostics.Metrics;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;

namespace MediaGraph.Tapo.Diagnostics;

/// <summary>The instruments of a <see cref="TapoSourceProtocol"/>.</summary>
internal sealed class TapoMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _dialed;
    private readonly Counter<long> _received;
    private readonly Counter<long> _previewsEnded;
    private readonly Counter<long> _talks;
    private int _connections;

    /// <param name="meterFactory">Null for a meter of its own.</param>
    public TapoMetrics(IMeterFactory? meterFactory)
    {
        _meter = meterFactory?.Create(TapoMetricNames.Meter) ?? new Meter(TapoMetricNames.Meter);
        _meter.CreateObservableGauge(TapoMetricNames.Connections, () => Connections, "{connection}");
        _dialed = _meter.CreateCounter<long>(TapoMetricNames.ConnectionsDialed, "{connection}");
        _received = _meter.CreateCounter<long>(TapoMetricNames.BytesReceived, "By");
        _previewsEnded = _meter.CreateCounter<long>(TapoMetricNames.PreviewsEnded, "{preview}");
        _talks = _meter.CreateCounter<long>(TapoMetricNames.Talks, "{talk}");
    }

    public int Connections => Volatile.Read(ref _connections);

    public void CountOpened()
    {
        Interlocked.Increment(ref _connections);
        _dialed.Add(1);
    }

    public void CountClosed(long received)
    {
        Interlocked.Decrement(ref _connections);
        _received.Add(received);
    }

    public void CountPreviewEnded(CloseCode code) => _previewsEnded.Add(1, MetricTag.Of("code", code));

    public void CountTalk() => _talks.Add(1);

    public void Dispose() => _meter.Dispose();
}
