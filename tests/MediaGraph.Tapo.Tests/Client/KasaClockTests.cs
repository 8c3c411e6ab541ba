using MediaGraph.Tapo.Client;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Client;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class KasaClockTests
{
    private const double Today = 1_700_000_000;

    private static readonly TestCaseData[] Cases =
    [
        new TestCaseData(new double?[] { Today, Today + 0.04, Today + 0.08, Today + 0.12 }).SetName("A_clock_that_is_right"),
        new TestCaseData(new double?[] { 5, 5.04, Today, Today + 0.04 }).SetName("A_clock_that_is_set_forward_does_not_show"),
        new TestCaseData(new double?[] { Today, Today + 0.04, 5, 5.04 }).SetName("A_clock_that_is_set_back_does_not_show"),
        new TestCaseData(new double?[] { null, null, Today, Today + 0.04 }).SetName("Parts_without_a_time_before_the_first_that_has_one"),
        new TestCaseData(new double?[] { null, null, null, null }).SetName("Parts_without_a_time"),
        new TestCaseData(new double?[] { Today, Today + 0.04, Today + 3600, Today + 3600.04 }).SetName("A_step_of_an_hour_is_no_hour"),
        new TestCaseData(new double?[] { Today, Today + 0.04, Today + 5, Today + 5.04 }).SetName("A_step_of_5_s_does_not_show"),
    ];

    [TestCaseSource(nameof(Cases))]
    public void Times_go_on(double?[] told)
    {
        var time = new FakeTimeProvider();
        var clock = new KasaClock(time);
        var placed = new List<double>();
        foreach (var one in told)
        {
            placed.Add(clock.Place(one));
            time.Advance(TimeSpan.FromMilliseconds(40));
        }

        Assert.That(placed, Is.EqualTo(new[] { 0, 0.04, 0.08, 0.12 }).Within(1e-6));
    }

    [Test]
    public void A_pause_is_as_long_as_it_was()
    {
        var time = new FakeTimeProvider();
        var clock = new KasaClock(time);
        clock.Place(Today);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.That(clock.Place(Today + 5.5), Is.EqualTo(5.5).Within(1e-6));
    }

    [Test]
    public void A_part_without_a_time_has_that_of_the_part_before()
    {
        var clock = new KasaClock(new FakeTimeProvider());
        Assert.That(new[] { clock.Place(Today), clock.Place(Today + 0.04), clock.Place(null) },
            Is.EqualTo(new[] { 0, 0.04, 0.04 }).Within(1e-6));
    }
}
