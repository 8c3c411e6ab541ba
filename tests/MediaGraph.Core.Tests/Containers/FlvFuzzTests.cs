using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers;

/// <summary>H4: any bytes are FLV or a <see cref="FlvFormatException"/>.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class FlvFuzzTests
{
    private static readonly (int Type, uint Time, string Body)[] Good =
    [
        (18, 0, "02000A6F6E4D65746144617461080000000000000900"),
        (9, 0, "1700000000" + Vectors.AvcC1080), (8, 0, "AF001190"), (9, 0, "1701000050000000026588"), (8, 21, "AF01AABB"),
        (9, 40, "2701FFFFD800000002419A"), (9, 80, "9068766331AABB"), (9, 80, "9168766331CC"), (8, 80, "2FAABB"), (9, 90, "1C00" + Vectors.HvcC720),
        (8, 100, "904F70757301"), (9, 120, "1702000000"),
    ];

    private static readonly byte[][] Files =
        [FlvBytes.File(Good), FlvBytes.File(Good[..3]), .. Good.Select(t => FlvBytes.File(t)), FlvBytes.File(), []];

    [Test]
    public void H4_FLV_files()
    {
        var pool = new PacketPool(new PacketPoolOptions { Diagnostics = false, MaxRetainedBytes = 0 });
        Fuzz.Run<FlvFormatException>(Files, (data, _) =>
        {
            try
            {
                var reader = new FlvReader(new MemoryStream(data), pool);
                while (Now(reader.ReadAsync(CancellationToken.None)) is { } tag)
                {
                    tag.Body.Release();
                    Assert.That(tag.Length, Is.LessThan(data.Length));
                }
            }
            finally
            {
                ThrowIfInUse(pool);
            }
        }, boundsMemory: true);

        static FlvTag? Now(ValueTask<FlvTag?> read) => read.IsCompleted ? read.GetAwaiter().GetResult() : throw new InvalidOperationException("Waits.");
    }

    [Test]
    public async Task H4_FLV_tag_bodies()
    {
        // The bodies of one input go to one feed, after each other; what comes out can be written again.
        var options = new StreamHubOptions { Pool = new PacketPoolOptions { Diagnostics = false } };
        await using var hub = new StreamHub(options);
        Fuzz.Run<FlvFormatException>(Files, (data, random) =>
        {
            var feed = hub.Publish("test");
            try
            {
                var writer = new FlvFeedWriter(feed);
                foreach (var (type, time, body) in Cut(data, random))
                {
                    var buffer = hub.Pool.Rent(body.Length);
                    body.CopyTo(buffer.Span);
                    if (!writer.Write(type, time, buffer, 0, body.Length))
                        throw new InvalidOperationException("The feed is gone.");
                    foreach (var track in feed.Tracks)
                    {
                        if (track.Receiver.Codec is { } codec)
                            Write(hub.Pool, codec, body);
                    }
                }
            }
            finally
            {
                feed.Close(MediaGraph.Graph.CloseReason.Requested);
                ThrowIfInUse(hub.Pool);
            }
        });
    }

    // Tags where the bytes are a file, and pieces of it where they are not.
    private static IEnumerable<(FlvTagType Type, long Time, byte[] Body)> Cut(byte[] data, Random random)
    {
        for (var position = 13; position + 11 <= data.Length;)
        {
            var header = data.AsMemory(position).Span;
            var length = Math.Min((header[2] << 8) | header[3], data.Length - position - 11);
            var type = random.Next(8) == 0 ? (FlvTagType)random.Next(256) : (FlvTagType)header[0];
            yield return (type, random.Next(8) == 0 ? random.NextInt64(1L << 40) : header[6], header.Slice(11, length).ToArray());
            position += 15 + length;
        }
    }

    private static void ThrowIfInUse(PacketPool pool)
    {
        if (pool.GetStatistics().OutstandingBuffers != 0)
            throw new InvalidOperationException("A buffer is left.");
    }

    private static void Write(PacketPool pool, Codec codec, byte[] payload)
    {
        if (!FlvTagBody.CanCarry(codec))
            throw new InvalidOperationException("What came from FLV travels in FLV.");
        var packet = pool.CreatePacket(payload, codec, 0, long.MaxValue / 4, PacketFlags.None);
        if (FlvTagBody.WriteHead(packet, new byte[FlvTagBody.MaxHeadLength]) > FlvTagBody.MaxHeadLength)
            throw new InvalidOperationException("A head is too long.");
        packet.Release();
        FlvTagBody.WriteParameters(codec, new byte[FlvTagBody.MeasureParameters(codec)]);
    }
}
