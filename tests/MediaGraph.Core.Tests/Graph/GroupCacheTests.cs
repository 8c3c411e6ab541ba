using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Graph;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class GroupCacheTests
{
    [Test]
    public void Nothing_is_cached_before_a_group_starts_and_when_it_is_off()
    {
        var pool = TestMedia.Pool();
        var cache = new GroupCache(new GroupCacheOptions());
        Append(cache, pool, 0, isKeyframe: false);
        Assert.That((cache.Count, cache.OpenCursor()), Is.EqualTo((0, (GroupCursor?)null)));
        var off = new GroupCache(new GroupCacheOptions { IsEnabled = false });
        Append(off, pool, 0, isKeyframe: true);
        Assert.That(off.OpenCursor(), Is.Null);
        Assert.That(pool.GetStatistics().OutstandingPackets, Is.Zero);
    }

    [Test]
    public void A_group_that_outgrows_a_limit_is_dropped_whole_until_the_next_keyframe([Values] bool byTime)
    {
        var pool = TestMedia.Pool();
        var cache = new GroupCache(byTime
            ? new GroupCacheOptions { MaxDuration = TimeSpan.FromMilliseconds(2) }
            : new GroupCacheOptions { MaxBytes = 12 });
        for (var number = 0; number < 3; number++)
            Append(cache, pool, number, isKeyframe: number == 0);
        Assert.That((cache.Count, cache.Generation), Is.EqualTo((3, 1)));
        Append(cache, pool, 3, isKeyframe: false);
        Assert.That((cache.Count, cache.Generation), Is.EqualTo((0, 2)));
        Append(cache, pool, 4, isKeyframe: false);
        Assert.That(cache.Count, Is.Zero);
        Append(cache, pool, 5, isKeyframe: true);
        Assert.That((cache.Count, cache.Generation), Is.EqualTo((1, 3)));
        cache.Clear()?.Release();
        Assert.That(pool.GetStatistics().OutstandingPackets, Is.Zero);
    }

    [Test]
    public void A_keyframe_beyond_the_limit_is_not_cached()
    {
        var pool = TestMedia.Pool();
        var cache = new GroupCache(new GroupCacheOptions { MaxBytes = 100 });
        Append(cache, pool, 0, isKeyframe: true, length: 101);
        Append(cache, pool, 1, isKeyframe: false);
        Assert.That(cache.Count, Is.Zero);
        Assert.That(pool.GetStatistics().OutstandingPackets, Is.Zero);
    }

    [Test]
    public void A_cursor_reads_what_was_there_when_it_was_opened_also_after_the_group_has_gone([Values(1, 63, 64, 65, 200)] int count)
    {
        var pool = TestMedia.Pool(diagnostics: true);
        var cache = new GroupCache(new GroupCacheOptions());
        for (var number = 0; number < count; number++)
            Append(cache, pool, number, isKeyframe: number == 0);
        using (var cursor = cache.OpenCursor()!)
        {
            Append(cache, pool, count, isKeyframe: false);
            Append(cache, pool, count + 1, isKeyframe: true);
            var numbers = new List<int>();
            for (; cursor.Remaining > 0; cursor.MoveNext())
                numbers.Add(TestMedia.NumberOf(cursor.Current));
            Assert.That(numbers, Is.EqualTo(Enumerable.Range(0, count)));
            cursor.Dispose();
        }

        cache.Clear()?.Release();
        Assert.That(pool.GetStatistics().OutstandingPackets, Is.Zero);
    }

    [Test]
    public void Groups_that_come_and_go_allocate_nothing()
    {
        var pool = TestMedia.Pool();
        var receiver = new Receiver(Track.Of(TestMedia.Video));
        Push(0, 2000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Push(2000, 4000);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        receiver.Close(CloseReason.Requested);
        Assert.That(pool.GetStatistics().OutstandingPackets, Is.Zero);

        void Push(int from, int to)
        {
            for (var number = from; number < to; number++)
            {
                var packet = pool.CreatePacket(
                    pool.Rent(100), 0, 100, TestMedia.Video, number, number,
                    number % 200 == 0 ? PacketFlags.Keyframe | PacketFlags.StartsGroup : PacketFlags.None);
                receiver.Push(packet);
                packet.Release();
            }
        }
    }

    private static void Append(GroupCache cache, PacketPool pool, int number, bool isKeyframe, int length = 4)
    {
        var packet = TestMedia.Packet(pool, number, isKeyframe, length: length);
        cache.Append(packet)?.Release();
        packet.Release();
    }
}
