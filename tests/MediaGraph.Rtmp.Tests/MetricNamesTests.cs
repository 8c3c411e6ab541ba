using System.Diagnostics.Metrics;
using System.Reflection;
using MediaGraph.Diagnostics;
using MediaGraph.Rtmp.Diagnostics;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests;

public sealed class MetricNamesTests
{
    [Test]
    public void Each_name_is_an_instruments_and_each_instrument_has_one()
    {
        using var metrics = new ConnectionMetrics(RtmpMetricNames.Meter, RtmpMetricNames.Prefix, "server", () => 0, () => 0, null);
        var found = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter == metrics.Meter)
                    found.Add(instrument.Name);
            },
        };
        listener.Start();
        var names = typeof(RtmpMetricNames).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetRawConstantValue()!);
        Assert.That(found, Is.EquivalentTo(names.Where(name => name != RtmpMetricNames.Meter)));
    }
}
