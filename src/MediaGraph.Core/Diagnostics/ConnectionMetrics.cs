using System.Diagnostics.Metrics;
using MediaGraph.Graph;

namespace MediaGraph.Diagnostics;

/// <summary>
/// The instruments that servers and clients of all protocols have. Their names begin with a prefix, such as <c>mediagraph.rtmp</c>:
/// <c>.connections</c> (those now), <c>.connections.accepted</c>, <c>.dialed</c>, <c>.refused</c> and <c>.closed</c> (with the tag
/// <c>code</c>), <c>.bytes.received</c> and <c>.bytes.sent</c> (of ended connections). Thread-safe.
/// </summary>
public sealed class ConnectionMetrics : IDisposable
{
    private readonly KeyValuePair<string, object?> _role;
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _dialed;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _received;
    private readonly Counter<long> _sent;

    /// <param name="meter">The meter's name.</param>
    /// <param name="prefix">What the instruments' names begin with.</param>
    /// <param name="role"><c>server</c> or <c>client</c>: the tag of what both have.</param>
    /// <param name="connections">Connections now.</param>
    /// <param name="refused">Connections that a limit refused; null for a client.</param>
    /// <param name="meterFactory">Null for a meter of its own.</param>
    public ConnectionMetrics(
        string meter, string prefix, string role, Func<int> connections, Func<long>? refused, IMeterFactory? meterFactory)
    {
        ArgumentNullException.ThrowIfNull(meter);
        _role = new("role", role);
        Meter = meterFactory?.Create(meter) ?? new Meter(meter);
        Meter.CreateObservableGauge(
            $"{prefix}.connections", () => new Measurement<int>(connections(), _role), "{connection}");
        if (refused is not null)
            Meter.CreateObservableCounter($"{prefix}.connections.refused", refused, "{connection}");
        _accepted = Meter.CreateCounter<long>($"{prefix}.connections.accepted", "{connection}");
        _dialed = Meter.CreateCounter<long>($"{prefix}.connections.dialed", "{connection}");
        _closed = Meter.CreateCounter<long>($"{prefix}.connections.closed", "{connection}");
        _received = Meter.CreateCounter<long>($"{prefix}.bytes.received", "By");
        _sent = Meter.CreateCounter<long>($"{prefix}.bytes.sent", "By");
    }

    /// <summary>For the instruments that a protocol has besides.</summary>
    public Meter Meter { get; }

    /// <summary>A server accepted a connection.</summary>
    public void CountAccepted() => _accepted.Add(1);

    /// <summary>A client made a connection.</summary>
    public void CountDialed() => _dialed.Add(1);

    /// <summary>A connection ended.</summary>
    /// <param name="code">Why.</param>
    /// <param name="received">Bytes that it had received.</param>
    /// <param name="sent">Bytes that it had sent.</param>
    public void CountClosed(CloseCode code, long received, long sent)
    {
        _closed.Add(1, MetricTag.Of("code", code), _role);
        _received.Add(received, _role);
        _sent.Add(sent, _role);
    }

    /// <summary>Ends the instruments. A factory's meter ends with the factory.</summary>
    public void Dispose() => Meter.Dispose();
}
