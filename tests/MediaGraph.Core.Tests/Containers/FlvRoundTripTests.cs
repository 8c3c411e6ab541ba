using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers;

/// <summary>What <see cref="FlvWriter"/> writes, <see cref="FlvReader"/> and <see cref="FlvFeedWriter"/> read. Rows: P1, P2, P7, P10, P12.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class FlvRoundTripTests
{
    // Each with the start of a frame that says what it is, where frames do.
    private static readonly (Codec Codec, string Frame)[] Codecs =
    [
        (Codec.FromAvcConfiguration(Vectors.Hex(Vectors.AvcC1080)), "0000000265"), (Codec.FromHevcConfiguration(Vectors.Hex(Vectors.HvcC720)), "0000000226"),
        (Of(CodecNames.Av1, 90_000, 0, Vectors.Av1C320), "0A0B"), (Of(CodecNames.Vp9, 90_000, 0, Vectors.VpcC), "82"), (Of(CodecNames.Vp8, 90_000, 0, ""), "50"),
        (Of(CodecNames.H266, 90_000, 0, "FF00"), "00"),
        (Codec.Aac(Vectors.Hex("1210")), "21"), (Codec.Aac(Vectors.Hex("1190")), "21"), (Of(CodecNames.Mp3, 44_100, 2, ""), "FFFB9064"),
        (Of(CodecNames.Mp3, 8000, 1, ""), "FFE318C4"), (Of(CodecNames.Opus, 48_000, 2, Vectors.OpusHead), "FC"), (Of(CodecNames.Opus, 48_000, 2, ""), "FC"),
        (Of(CodecNames.Flac, 44_100, 2, Vectors.StreamInfo), "FFF8"), (Of(CodecNames.Ac3, 48_000, 6, ""), Vectors.Ac3Frame),
        (Of(CodecNames.EAc3, 48_000, 6, ""), Vectors.EAc3Frame), (Of(CodecNames.Pcma, 8000, 1, ""), "D5"), (Of(CodecNames.Pcmu, 8000, 2, ""), "FF"),
    ];

    private static readonly Gen<int> Composition = Gen.OneOf(Gen.Choose(-200, 200), Gen.Elements(0, 0, -0x800000, 0x7FFFFF));

    private static readonly Gen<Case> Cases =
        from codec in Gen.Elements(Codecs)
        from track in Gen.Elements(0, 0, 1, 255)
        from isLegacy in Gen.Elements(true, false)
        from hasNanoseconds in Gen.Elements(true, false)
        from start in Gen.OneOf(Gen.Choose(0, 100), Gen.Choose(0x00FF_FFF0, 0x0100_0010), Gen.Constant(int.MaxValue))
        from frames in Gen.Choose(1, 5000).Zip(Composition).Zip(Gen.Choose(0, 999_999)).ListOf(8)
        where track == 0 || FlvTagBody.FourCcOf(codec.Codec) is not null
        select new Case(
            codec.Codec, codec.Frame, (byte)track, new FlvForm { HasLegacyH265 = isLegacy, HasNanosecondOffsets = hasNanoseconds }, start,
            [.. frames.Select(f => (f.Item1.Item1, f.Item1.Item2, f.Item2))]);

    [Test]
    public void P2_P7_Every_codec_and_time_survives_writing_and_reading() =>
        Prop.ForAll(Cases.ToArbitrary(), async c => await CheckAsync(c)).Check(Config.QuickThrowOnFailure.WithMaxTest(400));

    [Test]
    public async Task P10_P12_A_file_with_metadata_several_tracks_and_changes_of_codecs_comes_back_whole()
    {
        await using var source = new FlvRig();
        string[] tags =
        [
            "9 0 1700000000" + Vectors.AvcC1080, "8 0 AF001190", "9 0 9468766331020009", "8 0 944F707573" + "010200000003",
            "9 0 1701000028" + "000000026588", "8 0 AF01AA", "9 0 960161763031050A0B", "8 5 95014F70757302FC01",
            "9 40 9068766331" + Vectors.HvcC720, "9 40 9168766331FFFFFF" + "0000000226AA", "8 40 2FFFFB9064", "18 50 0200036F6E5805",
            "9 80 9064766831AA", "9 80 9164766831BB", "8 80 B6CC", "9 120 A6016176303105" + "2A",
        ];
        foreach (var tag in tags.Select(t => t.Split(' ')))
            source.Write((FlvTagType)int.Parse(tag[0], null), int.Parse(tag[1], null), tag[2]);
        var sent = await source.SeeAsync(12);

        const string Metadata = "02000A6F6E4D65746144617461" + "05";
        using var file = new MemoryStream();
        var writer = new FlvWriter(file, metadata: Vectors.Hex(Metadata));
        foreach (var packet in sent)
            await WriteAsync(writer, source.Pool, packet);
        Assert.That(Convert.ToHexString(file.ToArray().AsSpan(0, 13)), Is.EqualTo("464C560105" + "00000009" + "00000000"));
        BackPointersAreRight(file.ToArray());

        await using var target = new FlvRig();
        await ReadAsync(file, target);
        var seen = await target.SeeAsync(sent.Count + 1);
        Assert.That(seen[0].Payload, Is.EqualTo(Metadata));
        Assert.That(seen.Skip(1).Select(Describe), Is.EqualTo(sent.Select(Describe)));

        static string Describe(Seen p) =>
            $"{p.Track} {p.Codec} {Convert.ToHexString(p.Codec.Configuration.Span)} {p.IsKeyframe} {p.DecodeTime} {p.PresentationTime} {p.Payload}";
    }

    [Test]
    public async Task What_does_not_travel_in_FLV_is_refused_and_writes_nothing()
    {
        var pool = new PacketPool();
        using var file = new MemoryStream();
        var writer = new FlvWriter(file);
        var packet = pool.CreatePacket([1], Of(CodecNames.G722, 8000, 1, ""), 0, 0, PacketFlags.None);
        Assert.That(async () => await writer.WriteAsync(packet, Track.Of(packet.Codec)), Throws.TypeOf<NotSupportedException>());
        packet.Release();
        var pcma = pool.CreatePacket([1], Of(CodecNames.Pcma, 8000, 1, ""), 0, 0, PacketFlags.None);
        Assert.That(async () => await writer.WriteAsync(pcma, Track.Of(pcma.Codec, "audio1")), Throws.TypeOf<NotSupportedException>());
        pcma.Release();
        Assert.That((file.Length, pool.GetStatistics().OutstandingBuffers), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public async Task The_first_packet_is_at_0_and_what_was_decoded_before_it_too()
    {
        var pool = new PacketPool();
        using var file = new MemoryStream();
        var writer = new FlvWriter(file);
        var audio = Of(CodecNames.Pcma, 8000, 1, "");
        foreach (var milliseconds in new[] { 0x1_0000_0005L, 0x1_0000_0000L, 0x1_0100_0005L })
        {
            var packet = pool.CreatePacket([1], audio, milliseconds * 8, milliseconds * 8, PacketFlags.None);
            await writer.WriteAsync(packet, Track.Of(audio));
            packet.Release();
        }

        Assert.That(FlvBytes.Tags(file.ToArray()).Select(t => t.Time), Is.EqualTo(new uint[] { 0, 0, 0x0100_0000 }));
    }

    private static async Task CheckAsync(Case c)
    {
        // Times in ticks of the codec's clock: whole milliseconds, and with nanoseconds anything from one millisecond on to the next.
        var sent = new List<Seen>();
        var milliseconds = (long)c.Start;
        var rate = c.Codec.ClockRate;
        var hasComposition = c.Codec.Name is CodecNames.H264 or CodecNames.H265 or CodecNames.H266;
        var isExact = c.Form.HasNanosecondOffsets && (c.TrackId != 0 || FlvTagBody.LegacyIdOf(c.Codec) is null || (c.Codec.Name == CodecNames.H265 && !c.Form.HasLegacyH265));
        foreach (var (step, composition, fraction) in c.Frames)
        {
            milliseconds += step + 1;
            var extra = isExact ? (long)fraction * rate / 1_000_000_000 : 0;
            var decode = MediaTime.Rescale(milliseconds, 1000, rate) + (hasComposition ? 0 : extra);
            var presentation = hasComposition ? MediaTime.Rescale(milliseconds + composition, 1000, rate) + extra : decode;
            sent.Add(new Seen(
                c.TrackName, c.Codec, decode, presentation, sent.Count == 0 || c.Codec.Kind == MediaKind.Audio || step % 2 == 0,
                c.Frame.ToUpperInvariant() + $"{step:X4}"));
        }

        await using var target = new FlvRig();
        using var file = new MemoryStream();
        var writer = new FlvWriter(file, c.Form);
        foreach (var packet in sent)
            await WriteAsync(writer, target.Pool, packet);
        BackPointersAreRight(file.ToArray());
        await ReadAsync(file, target);
        var seen = await target.SeeAsync(sent.Count);
        Assert.That(seen.Select(p => (p.Track, p.Payload, p.IsKeyframe)), Is.EqualTo(sent.Select(p => (p.Track, p.Payload, p.IsKeyframe))));
        Assert.That(seen.Select(p => p.Codec.HasSameParameters(c.Codec)), Is.All.True, $"{c.Codec}");
        if (rate % 1000 == 0)
        {
            Assert.That(seen.Select(p => p.DecodeTime - seen[0].DecodeTime), Is.EqualTo(sent.Select(p => p.DecodeTime - sent[0].DecodeTime)));
            Assert.That(seen.Select(p => p.PresentationTime - seen[0].DecodeTime), Is.EqualTo(sent.Select(p => p.PresentationTime - sent[0].DecodeTime)));
        }
        else if (isExact)
        {
            // The file's time 0 is a whole millisecond, which this clock has no tick for.
            var errors = seen.Zip(sent, (a, b) => a.DecodeTime - seen[0].DecodeTime - (b.DecodeTime - sent[0].DecodeTime));
            Assert.That(errors, Is.All.InRange(-1, 1));
        }
        else
        {
            var first = MediaTime.Rescale(sent[0].DecodeTime, rate, 1000);
            Assert.That(
                seen.Select(p => MediaTime.Rescale(p.DecodeTime, rate, 1000)),
                Is.EqualTo(sent.Select(p => MediaTime.Rescale(p.DecodeTime, rate, 1000) - first)));
        }
    }

    private static async Task WriteAsync(FlvWriter writer, PacketPool pool, Seen packet)
    {
        var made = pool.CreatePacket(
            Vectors.Hex(packet.Payload), packet.Codec, packet.DecodeTime, packet.PresentationTime,
            packet.IsKeyframe ? PacketFlags.Keyframe : PacketFlags.None);
        await writer.WriteAsync(made, Track.Of(packet.Codec, packet.Track));
        made.Release();
    }

    private static async Task ReadAsync(MemoryStream file, FlvRig target)
    {
        file.Position = 0;
        var reader = new FlvReader(file, target.Pool);
        var times = new TimestampUnwrapper();
        while (await reader.ReadAsync(CancellationToken.None) is { } tag)
            Assert.That(target.Writer.Write(tag.Type, times.Unwrap(tag.Milliseconds), tag.Body, 0, tag.Length));
    }

    private static void BackPointersAreRight(byte[] file)
    {
        var position = 13;
        while (position < file.Length)
        {
            var length = (file[position + 1] << 16) | (file[position + 2] << 8) | file[position + 3];
            position += 11 + length;
            Assert.That(System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(position)), Is.EqualTo(11 + length));
            position += 4;
        }

        Assert.That(position, Is.EqualTo(file.Length));
    }

    private static Codec Of(string name, int clockRate, int channels, string configuration) =>
        new(clockRate == 90_000 ? MediaKind.Video : MediaKind.Audio, name, clockRate, channels, Vectors.Hex(configuration));

    /// <summary>Frames with the step to each in milliseconds, its composition time, and a fraction in nanoseconds.</summary>
    private sealed record Case(
        Codec Codec, string Frame, byte TrackId, FlvForm Form, int Start, IReadOnlyList<(int Step, int Composition, int Fraction)> Frames)
    {
        public string TrackName => (Codec.Kind == MediaKind.Video ? "video" : "audio") + (TrackId == 0 ? "" : $"{TrackId}");
    }
}
