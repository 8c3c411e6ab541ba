using System.Buffers;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Chunking;

/// <summary>H5: what one connection may make us hold.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class ChunkLimitTests
{
    [Test]
    public void H5_64_chunk_streams_are_allowed_and_65_are_not()
    {
        using var wire = new Wire();
        for (var id = 64; id < 128; id++)
            Assert.That(wire.Feed($"00{id - 64:X2} 000000 000001 08 01000000 AA"), Has.Count.EqualTo(1));
        Assert.That(wire.Feed("C000 BB"), Has.Count.EqualTo(1), "one that exists");
        Assert.That(() => wire.Feed("04 000000 000001 08 01000000 AA"), Throws.TypeOf<RtmpProtocolException>().With.Message.Contains("64"));
    }

    [Test]
    public void H5_A_media_message_has_8_MiB_at_most([Values(8, 9, 22)] int type)
    {
        using var wire = new Wire();
        wire.Feed($"02 000000 000004 01 00000000 00FFFFFF 04 000000 800000 {type:X2} 01000000");
        wire.Feed(new byte[(8 << 20) - 1]);
        Assert.That(wire.Feed([1]).Single().Payload, Has.Length.EqualTo(16 << 20));
        Assert.That(() => wire.Feed($"05 000000 800001 {type:X2} 01000000"), Throws.TypeOf<RtmpProtocolException>());
    }

    [Test]
    public void H5_Any_other_message_has_256_KiB_at_most([Values(3, 4, 5, 15, 17, 18, 20, 0, 255)] int type)
    {
        using var wire = new Wire();
        wire.Feed("02 000000 000004 01 00000000 00FFFFFF");
        wire.Feed($"04 000000 040000 {type:X2} 01000000");
        Assert.That(wire.Feed(new byte[256 << 10]).Single().Payload, Has.Length.EqualTo(512 << 10));
        Assert.That(() => wire.Feed($"05 000000 040001 {type:X2} 01000000"), Throws.TypeOf<RtmpProtocolException>());
    }

    [Test]
    public void H5_Incomplete_messages_have_16_MiB_together_at_most()
    {
        using var wire = new Wire();
        wire.Feed("02 000000 000004 01 00000000 00FFFFFF");
        var chunk = new byte[(8 << 20) - (64 << 10)];
        foreach (var id in new[] { 4, 5 })
        {
            // 8 MiB in chunks of a little less.
            wire.Feed($"02 000000 000004 01 00000000 {chunk.Length:X8}");
            wire.Feed($"{id:X2} 000000 800000 09 01000000");
            Assert.That(wire.Feed(chunk), Is.Empty);
        }

        wire.Feed("06 000000 800000 09 01000000");
        Assert.That(wire.Feed(new byte[128 << 10]), Is.Empty, "16 MiB exactly");
        Assert.That(() => wire.Feed([1]), Throws.TypeOf<RtmpProtocolException>().With.Message.Contains("incomplete"));
    }

    [Test]
    public void H5_What_was_aborted_or_completed_does_not_count()
    {
        using var wire = new Wire(new ChunkLimits { MaxAssemblyBytes = 1000 });
        for (var i = 0; i < 20; i++)
        {
            wire.Feed("04 000000 000082 09 01000000" + new string('A', 256));
            wire.Feed("02 000000 000004 02 00000000 00000004");
            wire.Feed("05 000000 000080 09 01000000" + new string('B', 256));
        }
    }

    [Test]
    public void H5_64_chunk_streams_that_announce_8_MiB_each_take_as_much_as_arrived()
    {
        using var wire = new Wire();
        var before = GC.GetAllocatedBytesForCurrentThread();
        wire.Feed("02 000000 000004 01 00000000 00000001");
        for (var id = 64; id < 127; id++) // and the one of the control message
            wire.Feed($"00{id - 64:X2} 000000 800000 09 01000000 AA");
        Assert.That(wire.Pool.GetStatistics().OutstandingBytes, Is.LessThanOrEqualTo(63 * 256));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(4 << 20), "the tests' own buffers included");
    }

    [Test]
    public void H5_A_long_message_takes_no_more_than_twice_what_arrived_and_64_KiB()
    {
        using var wire = new Wire();
        wire.Feed("02 000000 000004 01 00000000 00FFFFFF 04 000000 800000 09 01000000");
        var piece = new byte[1000];
        for (var received = 1000; received < 2_000_000; received += 1000)
        {
            wire.Feed(piece);
            Assert.That(wire.Pool.GetStatistics().OutstandingBytes, Is.LessThanOrEqualTo(received + (64 << 10)));
        }
    }

    [Test]
    public void H5_An_announcement_alone_takes_nothing()
    {
        using var wire = new Wire();
        wire.Feed("04 000000 800000 09 01000000");
        Assert.That(wire.Pool.GetStatistics().OutstandingBytes, Is.Zero);
    }

    [Test]
    public void H5_Messages_of_all_lengths_around_the_buffers_sizes_are_put_together([Values(255, 256, 257, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 300_000)] int length)
    {
        var payload = new byte[length];
        new Random(length).NextBytes(payload);
        var output = new ArrayBufferWriter<byte>();
        ChunkWriter.Write(output, 6, 5, RtmpMessageType.Video, 1, payload, 128);
        foreach (var read in new[] { 1 << 20, 65_536, 1460, 129, 128, 7 })
        {
            using var wire = new Wire();
            var messages = new List<Message>();
            foreach (var part in output.WrittenSpan.ToArray().Chunk(read))
                messages.AddRange(wire.Feed(part));
            Assert.That(messages.Single().Payload, Is.EqualTo(Convert.ToHexString(payload)), $"{read} bytes a read");
        }
    }

    [Test]
    public void H5_Dispose_gives_all_back_also_of_long_chunk_stream_ids_and_twice()
    {
        var wire = new Wire();
        wire.Feed("02 000000 000004 01 00000000 00FFFFFF");
        wire.Feed("02 000000 000004 01 00000000 00030D40 04 000000 100000 09 01000000");
        wire.Feed(new byte[200_000]);
        wire.Feed("0000 000000 100000 09 01000000");
        wire.Feed(new byte[200_000]);
        wire.Feed("010101 000000 100000 09 01000000 AA");
        Assert.That(wire.Pool.GetStatistics().OutstandingBuffers, Is.GreaterThan(2));
        wire.Dispose();
        wire.Dispose();
    }
}
