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
        (9, 120, "1C00000000" + Vectors.HvcC720), (9, 120, "1C01000021000000022601"), (9, 121, "9068766331" + Vectors.HvcC720),
        (9, 121, "9168766331FFFFFF000000022601"), (9, 122, "9061763031" + Vectors.Av1C320), (9, 122, "9161763031120A0B"),
        (9, 123, "9561763031800481000CD0"), (9, 124, "9076703039" + Vectors.VpcC), (9, 124, "A176703038AABB"),
        (9, 125, "9468766331020009636F6C6F72496E666F03000009"), (9, 126, "970207A1200368766331000000022601"), (9, 127, "97FF0102" + new string('0', 518) + "0361763031AA"),
        (9, 128, "962068766331000000" + "7B" + Vectors.HvcC720 + "6176303101000011" + Vectors.Av1C320), (9, 129, "9611617630310000000201020300000104"),
        (9, 130, "9601687663310500002100000002260196"), (9, 131, "92" + "68766331"), (9, 132, "9376766331AABB"), (9, 133, "D100"),
        (8, 120, "904F707573" + Vectors.OpusHead), (8, 120, "914F707573FCAA"), (8, 121, "90664C6143" + Vectors.StreamInfo), (8, 121, "91664C6143FFF8"),
        (8, 122, "9161632D33" + Vectors.Ac3Frame), (8, 123, "9165632D33" + Vectors.EAc3Frame), (8, 124, "912E6D7033FFFB9064"), (8, 125, "906D7034611190"),
        (8, 125, "916D703461AABB"), (8, 126, "944F707573010200000003"), (8, 127, "95014F70757302FCAA"), (8, 128, "95216D70346100000002AABB4F70757301000002FCAA"),
        (8, 129, "97020003E7014F707573FCAA"), (8, 130, "924F707573"), (8, 131, "2FFFFB9064"), (8, 132, "72D5D5"),
    ];

    private static readonly FlvForm[] Forms =
        [default, new() { HasLegacyH265 = true }, new() { HasNanosecondOffsets = true }, new() { TrackId = 7, HasNanosecondOffsets = true }];

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
        foreach (var form in Forms)
            Write(pool, codec, payload, form);
    }

    private static void Write(PacketPool pool, Codec codec, byte[] payload, FlvForm form)
    {
        if (!FlvTagBody.CanCarry(codec, form))
            return;
        var packet = pool.CreatePacket(payload, codec, 0, long.MaxValue / 4, PacketFlags.None);
        if (FlvTagBody.WriteHead(packet, new byte[FlvTagBody.MaxHeadLength], form) > FlvTagBody.MaxHeadLength)
            throw new InvalidOperationException("A head is too long.");
        packet.Release();
        FlvTagBody.WriteParameters(codec, new byte[FlvTagBody.MeasureParameters(codec, form)], form);
    }
}
