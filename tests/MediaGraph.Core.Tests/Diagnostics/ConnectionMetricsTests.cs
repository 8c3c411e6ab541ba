using System.Diagnostics.Metrics;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Sources;
using NUnit.Framework;

namespace MediaGraph.Tests.Diagnostics;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class ConnectionMetricsTests
{
    [Test]
    public void What_a_server_counts_has_its_role_and_the_reason_of_an_end()
    {
        using var metrics = new ConnectionMetrics("Test", "test", "server", () => 3, () => 2, null);
        var seen = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == metrics.Meter)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
        metrics.CountAccepted();
        metrics.CountDialed();
        metrics.CountClosed(CloseCode.ConnectionLost, 10, 20);
        listener.RecordObservableInstruments();
        Assert.That(seen, Is.EquivalentTo([
            "test.connections.accepted 1 ", "test.connections.dialed 1 ",
            "test.connections.closed 1 code=connection_lost role=server",
            "test.bytes.received 10 role=server", "test.bytes.sent 20 role=server",
            "test.connections 3 role=server", "test.connections.refused 2 "]));

        void Note(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            seen.Add($"{instrument.Name} {value} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}");
    }

    [Test]
    public void The_values_of_tags_are_of_one_form() => Assert.That(
        ((object?[])[MetricTag.Of("code", CloseCode.Refused).Value, MetricTag.Of("state", SourceState.BackingOff).Value]),
        Is.EqualTo(["refused", "backing_off"]));
}
