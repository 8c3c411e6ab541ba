using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>Rows: R8.</summary>
[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReorderWindowTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<long> _taken = [];

    [Test]
    public void Packets_come_out_in_order_and_at_once_where_nothing_is_missing()
    {
        var window = New();
        foreach (var i in new long[] { 5, 6, 8, 9, 7, 10 })
            Add(window, i);
        Assert.That(_taken, Is.EqualTo(new long[] { 5, 6, 7, 8, 9, 10 }));
        Assert.That((window.Lost, window.Late, window.Duplicates, window.Deadline), Is.EqualTo((0L, 0L, 0L, (long?)null)));
    }

    [Test]
    public void What_is_missing_is_given_up_when_the_delay_is_over()
    {
        var window = New();
        Add(window, 5);
        Add(window, 8);
        _time.Advance(TimeSpan.FromMilliseconds(60));
        Add(window, 9);
        Assert.That(window.Deadline, Is.EqualTo(_time.GetTimestamp() + TimeSpan.FromMilliseconds(40).Ticks), "of the first that waits");
        _time.Advance(TimeSpan.FromMilliseconds(39));
        Take(window);
        Assert.That(_taken, Is.EqualTo(new long[] { 5 }));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Take(window);
        Assert.That(_taken, Is.EqualTo(new long[] { 5, 8, 9 }));
        Assert.That(Add(window, 6), Is.False);
        Assert.That((window.Lost, window.Late), Is.EqualTo((2L, 1L)));
    }

    [Test]
    public void What_is_missing_is_given_up_when_the_window_is_full()
    {
        var window = New();
        foreach (var i in new long[] { 1, 3, 4, 5, 6 })
            Add(window, i);
        Assert.That(_taken, Is.EqualTo(new long[] { 1, 3, 4, 5, 6 }));
        Add(window, 1000);
        Assert.That(_taken[^1], Is.EqualTo(1000));
        Assert.That((window.Lost, window.Count), Is.EqualTo((1L + 993, 0)));
    }

    [Test]
    public void A_duplicate_is_refused_while_it_waits_and_afterwards()
    {
        var window = New();
        Add(window, 1);
        Add(window, 3);
        Assert.That((Add(window, 3), Add(window, 1)), Is.EqualTo((false, false)));
        Assert.That((window.Duplicates, window.Late), Is.EqualTo((1L, 1L)));
    }

    [Test]
    public void After_a_flush_all_is_out_and_another_sequence_begins()
    {
        var window = New();
        Add(window, 1);
        Add(window, 4);
        window.Flush();
        Take(window);
        Add(window, 2);
        Assert.That(_taken, Is.EqualTo(new long[] { 1, 4, 2 }));
        var fresh = New();
        fresh.Flush();
        Assert.That(fresh.TryAdd(7, 7), Is.True, "there was nothing to flush");
    }

    [Test]
    public void Whatever_comes_goes_out_once_in_order_or_is_counted() => Prop.ForAll(
        Gen.Choose(0, 40).NonEmptyListOf().Zip(Gen.Choose(1, 8)).ToArbitrary(), c =>
        {
            var time = new FakeTimeProvider();
            var window = new ReorderWindow<long>(c.Item2, TimeSpan.FromMilliseconds(5), time);
            var taken = new List<long>();
            foreach (var i in c.Item1)
            {
                time.Advance(TimeSpan.FromMilliseconds(i % 3));
                window.TryAdd(i, i);
                while (window.TryTake(out var item, out var sequence))
                {
                    Assert.That(item, Is.EqualTo(sequence));
                    taken.Add(item);
                }

                Assert.That(window.Count, Is.LessThanOrEqualTo(c.Item2));
            }

            window.Flush();
            while (window.TryTake(out var item, out _))
                taken.Add(item);
            Assert.That(taken, Is.Ordered.And.Unique);
            Assert.That(taken.Count + window.Late + window.Duplicates, Is.EqualTo(c.Item1.Count));
            Assert.That(window.Lost, Is.EqualTo(taken[^1] - taken[0] + 1 - taken.Count));
        }).QuickCheckThrowOnFailure();

    private ReorderWindow<long> New() => new(4, TimeSpan.FromMilliseconds(100), _time);

    private bool Add(ReorderWindow<long> window, long sequence)
    {
        var isTaken = window.TryAdd(sequence, sequence);
        Take(window);
        return isTaken;
    }

    private void Take(ReorderWindow<long> window)
    {
        while (window.TryTake(out var item, out _))
            _taken.Add(item);
    }
}
