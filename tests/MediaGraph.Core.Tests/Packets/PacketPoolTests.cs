using MediaGraph.Packets;
using NUnit.Framework;

namespace MediaGraph.Tests.Packets;

// Rows: G6.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class PacketPoolTests
{
    [Test]
    public void Buffers_come_in_powers_of_two(
        [Values(0, 1, 255, 256, 257, 65_536, 65_537, 1 << 24)] int length)
    {
        var buffer = new PacketPool(Options()).Rent(length);
        Assert.That(buffer.Capacity, Is.GreaterThanOrEqualTo(Math.Max(length, 256)));
        Assert.That(buffer.Capacity, Is.LessThan(Math.Max(2 * length, 257)));
        Assert.That(int.IsPow2(buffer.Capacity));
        buffer.Release();
    }

    [Test]
    public void A_negative_length_is_refused() =>
        Assert.That(() => new PacketPool().Rent(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void G6_A_second_release_throws_and_is_not_counted([Values] bool diagnostics)
    {
        var pool = new PacketPool(Options(diagnostics));
        var buffer = pool.Rent(100);
        buffer.Release();
        Assert.That(buffer.Release, Throws.InvalidOperationException.With.Message.Contains("released twice"));
        Assert.That(buffer.Release, Throws.InvalidOperationException);
        Assert.That((pool.GetStatistics().OutstandingBuffers, pool.GetStatistics().OutstandingBytes), Is.EqualTo((0, 0)));
    }

    [Test]
    public void G6_Use_after_release_throws([Values] bool diagnostics)
    {
        var buffer = new PacketPool(Options(diagnostics)).Rent(100);
        buffer.Release();
        Assert.That(() => buffer.Memory, Throws.InvalidOperationException.With.Message.Contains("used after"));
        Assert.That(() => buffer.Span.Length, Throws.InvalidOperationException);
    }

    [Test]
    public void G6_Retain_after_release_throws_and_revives_nothing([Values] bool diagnostics)
    {
        var buffer = new PacketPool(Options(diagnostics)).Rent(100);
        buffer.Release();
        Assert.That(buffer.Retain, Throws.InvalidOperationException.With.Message.Contains("retained after"));
        Assert.That(() => buffer.Memory, Throws.InvalidOperationException);
    }

    [Test]
    public void G6_Each_reference_counts()
    {
        var pool = new PacketPool(Options());
        var buffer = pool.Rent(100);
        buffer.Retain();
        buffer.Release();
        Assert.That(buffer.Span.Length, Is.EqualTo(256), "one reference is left");
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.EqualTo(1));
        buffer.Release();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    [Test]
    public void A_released_buffer_is_used_again()
    {
        var pool = new PacketPool(Options());
        var first = pool.Rent(300);
        first.Release();
        Assert.That(pool.GetStatistics().RetainedBytes, Is.EqualTo(512));
        Assert.That(pool.Rent(400), Is.SameAs(first));
        Assert.That((pool.GetStatistics().RetainedBytes, pool.GetStatistics().Allocations), Is.EqualTo((0, 1)));
    }

    [Test]
    public void A_released_buffer_is_poisoned_and_never_used_again_with_diagnostics()
    {
        var pool = new PacketPool(Options(diagnostics: true));
        var buffer = pool.Rent(300);
        var memory = buffer.Memory;
        buffer.Release();
        Assert.That(memory.Span.IndexOfAnyExcept((byte)0xDD), Is.EqualTo(-1));
        Assert.That(pool.Rent(300), Is.Not.SameAs(buffer));
        Assert.That(pool.GetStatistics().RetainedBytes, Is.Zero);
    }

    [Test]
    public void What_is_outstanding_is_reported_with_the_place_where_it_was_taken()
    {
        var pool = new PacketPool(Options(diagnostics: true));
        var kept = pool.Rent(300);
        var returned = pool.Rent(5000);
        returned.Release();
        Assert.That(pool.DescribeOutstanding(), Does.Contain("512 bytes").And.Contain(nameof(PacketPoolTests)).And.Not.Contain("8192"));
        kept.Release();
        Assert.That(pool.DescribeOutstanding(), Is.Empty);
    }

    [Test]
    public void Misuse_is_reported_with_the_place_where_the_buffer_was_taken()
    {
        var buffer = new PacketPool(Options(diagnostics: true)).Rent(300);
        buffer.Release();
        Assert.That(buffer.Release, Throws.InvalidOperationException.With.Message.Contains(nameof(PacketPoolTests)));
    }

    [Test]
    public void Retention_is_bounded()
    {
        var pool = new PacketPool(new PacketPoolOptions { MaxRetainedBytes = 10_000, Diagnostics = false });
        var buffers = Enumerable.Range(0, 100).Select(_ => pool.Rent(1000)).ToArray();
        foreach (var buffer in buffers)
            buffer.Release();
        Assert.That(pool.GetStatistics().RetainedBytes, Is.EqualTo(9 * 1024));
    }

    [Test]
    public void A_buffer_above_the_largest_size_is_not_retained()
    {
        var pool = new PacketPool(Options());
        var buffer = pool.Rent((1 << 24) + 1);
        Assert.That(buffer.Capacity, Is.EqualTo((1 << 24) + 1));
        buffer.Release();
        Assert.That((pool.GetStatistics().RetainedBytes, pool.GetStatistics().OutstandingBytes), Is.EqualTo((0, 0)));
    }

    [Test]
    public void G6_Racing_threads_leave_nothing_outstanding()
    {
        var pool = new PacketPool(new PacketPoolOptions { MaxRetainedBytes = 20_000, Diagnostics = false });
        Parallel.For(0, 4, worker =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 20_000; i++)
            {
                var buffer = pool.Rent(random.Next(4000));
                buffer.Span[0] = (byte)worker;
                buffer.Retain();
                buffer.Release();
                Assert.That(buffer.Span[0], Is.EqualTo(worker), "nobody else has it");
                buffer.Release();
            }
        });
        var statistics = pool.GetStatistics();
        Assert.That((statistics.OutstandingBuffers, statistics.OutstandingBytes), Is.EqualTo((0, 0)));
        Assert.That(statistics.RetainedBytes, Is.InRange(1, 20_000));
    }

    private static PacketPoolOptions Options(bool diagnostics = false) => new() { Diagnostics = diagnostics };
}
