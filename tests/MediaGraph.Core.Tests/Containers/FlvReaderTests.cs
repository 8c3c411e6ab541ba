using MediaGraph.Containers.Flv;
using MediaGraph.Packets;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers;

// Rows: H5.

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class FlvReaderTests
{
    private static readonly byte[] Demo = File.ReadAllBytes(RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv"));

    [Test]
    public async Task The_demo_file_is_read_byte_for_byte([Values(1, 7, int.MaxValue)] int largestRead)
    {
        var expected = FlvBytes.Tags(Demo);
        var tags = await ReadAsync(new TrickleStream(Demo, largestRead));
        Assert.That(tags.Select(t => (t.Type, t.Time)), Is.EqualTo(expected.Select(t => (t.Type, t.Time))));
        Assert.That(tags.Select(t => Convert.ToHexString(t.Body)), Is.EqualTo(expected.Select(t => Convert.ToHexString(t.Body))));
    }

    [Test]
    public async Task The_upper_byte_of_a_time_comes_last()
    {
        var tags = await ReadAsync(FlvBytes.File((8, 0x01FFFFFF, "AF01"), (9, 0xFFFFFFFF, ""), (18, 5, "02")));
        Assert.That(tags.Select(t => ((int)t.Type, t.Time, t.Body.Length)), Is.EqualTo(new[] { (8, 0x01FFFFFFu, 2), (9, 0xFFFFFFFF, 0), (18, 5u, 1) }));
    }

    [Test]
    public async Task A_file_that_ends_anywhere_in_its_tags_ends_with_the_last_whole_one()
    {
        var file = FlvBytes.File((8, 1, "AF01AABB"), (9, 2, "2701000000AA"));
        for (var length = 9; length <= file.Length; length++)
        {
            // 13 bytes, then tags of 11 + 4 + 4 and of 11 + 6 + 4.
            var expected = (length >= 28 ? 1 : 0) + (length >= 49 ? 1 : 0);
            Assert.That(await ReadAsync(file[..length]), Has.Count.EqualTo(expected), $"{length} bytes");
        }
    }

    [Test]
    public async Task A_longer_header_is_skipped()
    {
        var file = FlvBytes.File((8, 1, "AF01AABB")).ToList();
        file[8] = 12;
        file.InsertRange(9, [1, 2, 3]);
        Assert.That(await ReadAsync([.. file]), Has.Count.EqualTo(1));
    }

    [TestCase("", TestName = "H4_An_empty_file_is_refused")]
    [TestCase("464C5601050000000", TestName = "H4_Half_a_header_is_refused")]
    [TestCase("464C57010500000009", TestName = "H4_Another_signature_is_refused")]
    [TestCase("464C56010500000008", TestName = "H4_A_header_shorter_than_itself_is_refused")]
    [TestCase("464C560105FFFFFFFF", TestName = "H4_A_header_of_4_GiB_is_refused")]
    [TestCase("464C560105000000FF0102", TestName = "H4_A_file_that_ends_in_its_header_is_refused")]
    public void Files_that_are_no_FLV(string hex) => Assert.That(
        async () => await ReadAsync(Convert.FromHexString(hex[..(hex.Length & ~1)])), Throws.TypeOf<FlvFormatException>());

    [Test]
    public async Task H5_A_tag_that_announces_16_MiB_takes_what_the_file_has()
    {
        var file = FlvBytes.File((9, 0, "AABB"));
        (file[14], file[15], file[16]) = (0xFF, 0xFF, 0xFF);
        var pool = new PacketPool(new PacketPoolOptions { Diagnostics = false });
        Assert.That(await new FlvReader(new MemoryStream(file), pool).ReadAsync(CancellationToken.None), Is.Null);
        Assert.That(pool.GetStatistics().RetainedBytes, Is.LessThanOrEqualTo(64 << 10));
    }

    [Test]
    public async Task A_long_tag_is_read_whole([Values(65_535, 65_536, 65_537, 200_000, 0xFFFFFF)] int length)
    {
        var body = new byte[length];
        new Random(length).NextBytes(body);
        var tags = await ReadAsync(new TrickleStream(FlvBytes.File((9, 0, Convert.ToHexString(body))), 10_000));
        Assert.That(tags.Single().Body.AsSpan().SequenceEqual(body));
    }

    [Test]
    public void A_failing_file_leaves_nothing_behind()
    {
        var pool = new PacketPool();
        using var file = new TrickleStream(FlvBytes.File((9, 0, "AABBCC")), 1000) { FailsAt = 26 };
        Assert.That(async () => await new FlvReader(file, pool).ReadAsync(CancellationToken.None), Throws.TypeOf<IOException>());
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    private static Task<List<(FlvTagType Type, uint Time, byte[] Body)>> ReadAsync(byte[] file) => ReadAsync(new MemoryStream(file));

    private static async Task<List<(FlvTagType Type, uint Time, byte[] Body)>> ReadAsync(Stream file)
    {
        await using var owned = file;
        var pool = new PacketPool();
        var reader = new FlvReader(file, pool);
        var tags = new List<(FlvTagType, uint, byte[])>();
        try
        {
            while (await reader.ReadAsync(CancellationToken.None) is { } tag)
            {
                tags.Add((tag.Type, tag.Milliseconds, tag.Body.Span[..tag.Length].ToArray()));
                tag.Body.Release();
            }
        }
        finally
        {
            Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero, pool.DescribeOutstanding());
        }

        return tags;
    }

    /// <summary>Gives a few bytes at a time, as networks do.</summary>
    private sealed class TrickleStream(byte[] bytes, int largestRead) : MemoryStream(bytes)
    {
        public int FailsAt { get; init; } = int.MaxValue;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Position < FailsAt
            ? base.ReadAsync(buffer[..(int)Math.Min(Math.Min(buffer.Length, largestRead), FailsAt - Position)], cancellationToken)
            : throw new IOException("The disk is gone.");
    }
}
