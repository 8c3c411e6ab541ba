using System.Diagnostics.Metrics;
using MediaGraph.Graph;

namespace MediaGraph.Rtsp.Diagnostics;

/// <summary>The instruments of an RTSP server or client.</summary>
internal sealed class RtspMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly KeyValuePair<string, object?> _role;
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _dialed;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _received;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _ignored;
    private readonly Counter<long> _talkIgnored;

    /// <param name="role"><c>server</c> or <c>client</c>: the tag of what both have.</param>
    /// <param name="connections">Connections now.</param>
    /// <param name="refused">Connections that a limit refused; null for a client.</param>
    /// <param name="meterFactory">Null for a meter of its own.</param>
    public RtspMetrics(string role, Func<int> connections, Func<long>? refused, IMeterFactory? meterFactory)
    {
        _role = new("role", role);
        _meter = meterFactory?.Create(RtspMetricNames.Meter) ?? new Meter(RtspMetricNames.Meter);
        _meter.CreateObservableGauge(
            RtspMetricNames.Connections, () => new Measurement<int>(connections(), _role), "{connection}");
        if (refused is not null)
            _meter.CreateObservableCounter(RtspMetricNames.ConnectionsRefused, refused, "{connection}");
        _accepted = _meter.CreateCounter<long>(RtspMetricNames.ConnectionsAccepted, "{connection}");
        _dialed = _meter.CreateCounter<long>(RtspMetricNames.ConnectionsDialed, "{connection}");
        _closed = _meter.CreateCounter<long>(RtspMetricNames.ConnectionsClosed, "{connection}");
        _received = _meter.CreateCounter<long>(RtspMetricNames.BytesReceived, "By");
        _sent = _meter.CreateCounter<long>(RtspMetricNames.BytesSent, "By");
        _ignored = _meter.CreateCounter<long>(RtspMetricNames.FramesIgnored, "{frame}");
        _talkIgnored = _meter.CreateCounter<long>(RtspMetricNames.TalkPacketsIgnored, "{packet}");
    }

    public void CountAccepted() => _accepted.Add(1);

    public void CountIgnoredFrame() => _ignored.Add(1);

    public void CountTalkIgnored(string reason) => _talkIgnored.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void CountDialed() => _dialed.Add(1);

    public void CountClosed(CloseCode reason, long received, long sent)
    {
        _closed.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString()), _role);
        _received.Add(received, _role);
        _sent.Add(sent, _role);
    }

    public void Dispose() => _meter.Dispose();
}
