using System.Diagnostics.Metrics;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Streams;

namespace MediaGraph.Diagnostics;

/// <summary>The core's instruments. They are read, not written: delivering a packet costs nothing for them.</summary>
internal sealed class HubMetrics : IDisposable
{
    private readonly StreamHub _hub;
    private readonly Meter _meter;
    private readonly Lock _departedLock = new();
    private SenderStatistics _departed;
    private long _slowFanOuts;
    private long _talks;
    private long _talkPackets;
    private long _talkPacketsDropped;
    private readonly Counter<long> _talkFailures;
    private readonly Counter<long> _sourceRuns;
    private readonly Counter<long> _sourceFailures;
    private readonly Counter<long> _relayFailures;
    private SenderStatistics _reported;
    private bool _isDisposed;

    public HubMetrics(StreamHub hub, IMeterFactory? meterFactory)
    {
        _hub = hub;
        _meter = meterFactory?.Create(MetricNames.CoreMeter) ?? new Meter(MetricNames.CoreMeter);
        _meter.CreateObservableGauge(MetricNames.Streams, () => _hub.GetSnapshot().Streams.Length, "{stream}");
        _meter.CreateObservableGauge(MetricNames.Consumers, () => _hub.GetSnapshot().Streams.Sum(s => s.Consumers.Length), "{consumer}");
        _meter.CreateObservableCounter(MetricNames.PacketsDelivered, () => Totals().Delivered, "{packet}");
        _meter.CreateObservableCounter(MetricNames.BytesDelivered, () => Totals().DeliveredBytes, "By");
        _meter.CreateObservableCounter(MetricNames.PacketsDropped, Dropped, "{packet}");
        _meter.CreateObservableCounter(MetricNames.SlowFanOuts, () => Interlocked.Read(ref _slowFanOuts), "{fanout}");
        _meter.CreateObservableGauge(MetricNames.SourceStates, States, "{source}");
        _sourceRuns = _meter.CreateCounter<long>(MetricNames.SourceRuns, "{run}");
        _sourceFailures = _meter.CreateCounter<long>(MetricNames.SourceFailures, "{failure}");
        _meter.CreateObservableGauge(MetricNames.RelayStates, RelayStates, "{relay}");
        _relayFailures = _meter.CreateCounter<long>(MetricNames.RelayFailures, "{failure}");
        _meter.CreateObservableGauge(MetricNames.Talks, () => Interlocked.Read(ref _talks), "{talk}");
        _meter.CreateObservableCounter(MetricNames.TalkPackets, () => Interlocked.Read(ref _talkPackets), "{packet}");
        _meter.CreateObservableCounter(MetricNames.TalkPacketsDropped, () => Interlocked.Read(ref _talkPacketsDropped), "{packet}");
        _talkFailures = _meter.CreateCounter<long>(MetricNames.TalkFailures, "{failure}");
        _meter.CreateObservableGauge(MetricNames.PoolOutstanding, () => _hub.Pool.GetStatistics().OutstandingBytes, "By");
        _meter.CreateObservableGauge(MetricNames.PoolRetained, () => _hub.Pool.GetStatistics().RetainedBytes, "By");
    }

    public void CountSlowFanOut() => Interlocked.Increment(ref _slowFanOuts);

    public void CountTalk(int change) => Interlocked.Add(ref _talks, change);

    public void CountTalkPacket(bool isDropped) => Interlocked.Increment(ref isDropped ? ref _talkPacketsDropped : ref _talkPackets);

    public void CountTalkFailure(string reason) => _talkFailures.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void CountSourceRun() => _sourceRuns.Add(1);

    public void CountSourceFailure(CloseCode code) => _sourceFailures.Add(1, MetricTag.Of("code", code));

    public void CountRelayFailure(CloseCode code) => _relayFailures.Add(1, MetricTag.Of("code", code));

    public void CountDeparted(SenderStatistics statistics)
    {
        lock (_departedLock)
            _departed += statistics;
    }

    public void Dispose()
    {
        lock (_departedLock)
            _isDisposed = true; // a factory's meter may outlive the hub
        _meter.Dispose();
    }

    // Counters never go back, although a consumer that leaves is counted nowhere, or twice, for a moment.
    private SenderStatistics Totals()
    {
        SenderStatistics total;
        lock (_departedLock)
        {
            if (_isDisposed)
                return _reported;
            total = _departed;
        }

        foreach (var stream in _hub.GetSnapshot().Streams)
        {
            foreach (var consumer in stream.Consumers)
                total += consumer.Packets;
        }

        lock (_departedLock)
        {
            return _reported = new SenderStatistics(
                Math.Max(_reported.Offered, total.Offered),
                Math.Max(_reported.Delivered, total.Delivered),
                Math.Max(_reported.DeliveredBytes, total.DeliveredBytes),
                Math.Max(_reported.DroppedByOverflow, total.DroppedByOverflow),
                Math.Max(_reported.DroppedAwaitingKeyframe, total.DroppedAwaitingKeyframe),
                Math.Max(_reported.DroppedByClose, total.DroppedByClose),
                total.Queued);
        }
    }

    private IEnumerable<Measurement<long>> States() => _hub.GetSnapshot().Streams.SelectMany(stream => stream.Sources)
        .GroupBy(source => source.State)
        .Select(group => new Measurement<long>(group.Count(), MetricTag.Of("state", group.Key)));

    private IEnumerable<Measurement<long>> RelayStates() => _hub.GetSnapshot().Relays
        .GroupBy(relay => relay.State)
        .Select(group => new Measurement<long>(group.Count(), MetricTag.Of("state", group.Key)));

    private IEnumerable<Measurement<long>> Dropped()
    {
        var total = Totals();
        yield return new Measurement<long>(total.DroppedByOverflow, new KeyValuePair<string, object?>("reason", "overflow"));
        yield return new Measurement<long>(total.DroppedAwaitingKeyframe, new KeyValuePair<string, object?>("reason", "keyframe"));
        yield return new Measurement<long>(total.DroppedByClose, new KeyValuePair<string, object?>("reason", "close"));
    }
}
