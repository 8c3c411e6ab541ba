using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Media;
using NUnit.Framework;

namespace MediaGraph.Tests.Media;

// Rows: P1.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class MediaTimeTests
{
    [TestCase(1, 2, 1, 1, TestName = "A half goes up")]
    [TestCase(-1, 2, 1, -1, TestName = "A negative half goes down")]
    [TestCase(1, 3, 1, 0, TestName = "A third goes down")]
    [TestCase(2, 3, 1, 1, TestName = "Two thirds go up")]
    [TestCase(-2, 3, 1, -1, TestName = "Minus two thirds go down")]
    [TestCase(0, 90_000, 1000, 0, TestName = "Zero stays")]
    [TestCase(long.MaxValue, 90_000, 90_000, long.MaxValue, TestName = "The same rate changes nothing")]
    public void Rounds_to_the_nearest_tick(long ticks, int from, int to, long expected) =>
        Assert.That(MediaTime.Rescale(ticks, from, to), Is.EqualTo(expected));

    // What leaves in a finer clock and comes back is what it was, for every rate an RTMP stream can have.
    [Test]
    public void P1_Milliseconds_survive_any_audio_clock([Values(7_350, 8_000, 11_025, 22_050, 44_100, 48_000, 90_000)] int rate) =>
        Prop.ForAll(Arb.From(Gen.Choose(int.MinValue, int.MaxValue)), milliseconds =>
            MediaTime.Rescale(MediaTime.Rescale(milliseconds, 1000, rate), rate, 1000) == milliseconds).QuickCheckThrowOnFailure();

    [Test]
    public void P1_A_day_of_44_1_kHz_audio_does_not_drift()
    {
        const int rate = 44_100;
        var frames = 24L * 3600 * rate / 1024;
        for (var frame = 0L; frame <= frames; frame += 997)
        {
            var ticks = frame * 1024;
            var milliseconds = MediaTime.Rescale(ticks, rate, 1000);
            Assert.That(Math.Abs((milliseconds * rate) - (ticks * 1000)), Is.LessThanOrEqualTo(rate / 2), "at most half a millisecond");
        }

        Assert.That(MediaTime.Rescale(24L * 3600 * rate, rate, 1000), Is.EqualTo(86_400_000));
    }

    [Test]
    public void Times_of_centuries_do_not_overflow() =>
        Assert.That(MediaTime.Rescale(1L << 58, 1_000_000_000, 1_000_000_000 - 1), Is.EqualTo((1L << 58) - 288_230_376));

    [Test]
    public void Spans_come_back()
    {
        Assert.That(MediaTime.ToTimeSpan(90_000, 90_000), Is.EqualTo(TimeSpan.FromSeconds(1)));
        Assert.That(MediaTime.FromTimeSpan(TimeSpan.FromMilliseconds(40), 90_000), Is.EqualTo(3600));
        Assert.That(MediaTime.FromTimeSpan(MediaTime.ToTimeSpan(123_457, 44_100), 44_100), Is.EqualTo(123_457));
    }
}
