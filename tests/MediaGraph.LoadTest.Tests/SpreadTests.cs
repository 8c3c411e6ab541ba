using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

[Parallelizable(ParallelScope.All)]
public sealed class SpreadTests
{
    [Test]
    public void Percentiles_are_of_the_nearest_rank()
    {
        var spread = Spread.Of(Enumerable.Range(1, 1000).Reverse().Select(i => (double)i))!;
        Assert.That(spread, Is.EqualTo(new Spread { P50 = 500, P99 = 990, P999 = 999, Max = 1000 }));
        Assert.That(Spread.Of([3, 1, 2]), Is.EqualTo(new Spread { P50 = 2, P99 = 3, P999 = 3, Max = 3 }));
        Assert.That(Spread.Of([7]), Is.EqualTo(new Spread { P50 = 7, P99 = 7, P999 = 7, Max = 7 }));
    }

    [Test]
    public void Nothing_has_no_percentiles()
    {
        Assert.That(Spread.Of([]), Is.Null);
        Assert.That(new Latencies().GetSpread(), Is.Null);
    }

    [FsCheck.NUnit.Property]
    public Property Counted_latencies_are_those_of_the_values_to_50_µs() => Prop.ForAll(
        Gen.Choose(0, 9_900_000).NonEmptyListOf().ToArbitrary(), // µs
        microseconds =>
        {
            var latencies = new Latencies();
            latencies.Start();
            foreach (var value in microseconds)
                latencies.Add(Ticks(value));
            var (counted, exact) = (latencies.GetSpread()!, Spread.Of(microseconds.Select(value => value / 1000.0))!);
            return Near(counted.P50, exact.P50) && Near(counted.P99, exact.P99) && Near(counted.P999, exact.P999)
                && Math.Abs(counted.Max - exact.Max) < 0.001;

            static bool Near(double counted, double exact) => counted >= exact - 0.001 && counted <= exact + 0.051;
        });

    [Test]
    public void Ten_seconds_and_more_are_counted_as_the_most()
    {
        var latencies = new Latencies();
        latencies.Start();
        latencies.Add(Ticks(1_000));
        latencies.Add(Ticks(25_000_000));
        var spread = latencies.GetSpread()!;
        Assert.That(spread.P50, Is.EqualTo(1.05).Within(0.001));
        Assert.That((spread.P99, spread.Max), Is.EqualTo((25_000.0, 25_000.0)));
    }

    [Test]
    public void Only_what_comes_while_it_is_measured_is_counted()
    {
        var latencies = new Latencies();
        latencies.Add(1);
        latencies.Start();
        latencies.Stop();
        latencies.Add(1);
        Assert.That(latencies.GetSpread(), Is.Null);
    }

    [TestCase(new double[] { 5 }, 5)]
    [TestCase(new double[] { 9, 1, 5 }, 5)]
    [TestCase(new double[] { 4, 1, 3, 2 }, 2.5)]
    public void The_median_is_in_the_middle(double[] values, double median) => Assert.That(Comparison.Median(values), Is.EqualTo(median));

    private static long Ticks(long microseconds) => microseconds * TimeProvider.System.TimestampFrequency / 1_000_000;
}
