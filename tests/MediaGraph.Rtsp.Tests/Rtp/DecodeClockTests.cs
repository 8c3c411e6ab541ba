using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>Decode times of presentation times. Rows: P2, P7, P8.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class DecodeClockTests
{
    // Presentation times in units of frames, in decoding order.
    private static readonly int[] WithPyramid = [0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11];

    [Test]
    public void P2_with_the_stated_depth_decode_times_are_even_and_never_after_presentation()
    {
        var clock = new DecodeClock(90_000);
        clock.Configure(2, isStated: true, 25);
        Assert.That(Decode(clock, WithPyramid), Is.EqualTo(Enumerable.Range(-2, 13).Select(i => i * 3600L)));
    }

    [Test]
    public void P7_without_reordering_a_bound_that_was_only_inferred_holds_up_nothing()
    {
        var clock = new DecodeClock(90_000);
        clock.Configure(4, isStated: false, null);
        Assert.That(Decode(clock, Enumerable.Range(0, 50)), Is.EqualTo(Enumerable.Range(0, 50).Select(i => i * 3600L)));
        Assert.That(clock.Depth, Is.Zero);
    }

    [Test]
    public void A_depth_that_nobody_stated_is_learned_with_the_first_frames()
    {
        var clock = new DecodeClock(90_000);
        clock.Configure(4, isStated: false, 25);
        var frames = Enumerable.Range(0, 20).SelectMany(i => i == 0 ? [0] : WithPyramid[1..5].Select(p => p + (4 * (i - 1)))).ToArray();
        var times = Decode(clock, frames);
        Assert.That(clock.Depth, Is.EqualTo(2));
        Assert.That(times, Is.Ordered.And.Unique);
        for (var i = 8; i < frames.Length; i++)
            Assert.That(times[i], Is.EqualTo((i - 2) * 3600L), "and from then on even");
    }

    [Test]
    public void P7_a_clock_that_was_set_back_is_no_reordering_for_long()
    {
        var clock = new DecodeClock(90_000);
        clock.Configure(4, isStated: false, 25);
        var times = Decode(clock, Enumerable.Range(0, 100).Concat(Enumerable.Range(95, 300)));
        Assert.That(times, Is.Ordered.And.Unique);
        Assert.That(times[200], Is.EqualTo((95 + 100 - 1) * 3600L), "a frame late, as if it had been moved");
        Assert.That(times[^1], Is.EqualTo((95 + 299) * 3600L), "when it is presented");
        Assert.That(clock.Depth, Is.Zero);
    }

    [Test]
    public void What_is_stated_is_not_forgotten_and_what_goes_on_neither()
    {
        var (stated, learned) = (new DecodeClock(90_000), new DecodeClock(90_000));
        stated.Configure(2, isStated: true, 25);
        learned.Configure(4, isStated: false, 25);
        Assert.That(Decode(stated, Enumerable.Range(0, 1000))[^1], Is.EqualTo(997 * 3600L), "B-frames may come any time");
        Decode(learned, Enumerable.Range(0, 500).SelectMany(i => new[] { (2 * i) + 2, (2 * i) + 1 }));
        Assert.That(learned.Depth, Is.EqualTo(1));
    }

    [Test]
    public void What_follows_a_restart_has_nothing_of_what_was_before()
    {
        var clock = new DecodeClock(90_000);
        clock.Configure(2, isStated: true, 25);
        Decode(clock, WithPyramid);
        clock.Restart();
        Assert.That(Decode(clock, [500, 504, 502, 501]), Is.EqualTo(new[] { 498, 499, 500, 501 }.Select(i => i * 3600L)));
        Assert.That(Decode(clock, [0, 4, 2, 1]), Is.EqualTo(new[] { -2, -1, 0, 1 }.Select(i => i * 3600L)), "and what was set back");
    }

    [Test]
    public void Decode_times_grow_strictly_whatever_comes() => Prop.ForAll(
        Gen.Choose(0, 300_000).NonEmptyListOf().Zip(Gen.Choose(0, 20)).ToArbitrary(), c =>
        {
            var clock = new DecodeClock(90_000);
            clock.Configure(c.Item2, isStated: c.Item2 > 3, null);
            Assert.That(c.Item1.Select(t => clock.Next(t)).ToArray(), Is.Ordered.And.Unique);
        }).QuickCheckThrowOnFailure();

    private static long[] Decode(DecodeClock clock, IEnumerable<int> frames) => [.. frames.Select(f => clock.Next(f * 3600L))];
}
