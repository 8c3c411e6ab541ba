using MediaGraph.Codecs;
using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers;

// Rows: H4, H5.

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class FlvFeedWriterTests
{
    private const string VideoParameters = "1700000000" + Vectors.AvcC1080;
    private const string AudioParameters = "AF001190";
    private const FlvTagType Video = FlvTagType.Video;
    private const FlvTagType Audio = FlvTagType.Audio;
    private const FlvTagType Script = FlvTagType.Script;

    [Test]
    public async Task H264_and_AAC_come_out_as_they_went_in()
    {
        await using var rig = new FlvRig();
        rig.Write(Video, 1000, VideoParameters);
        rig.Write(Audio, 1000, AudioParameters);
        rig.Write(Video, 1000, "1701000050" + "00000002" + "6588");
        rig.Write(Audio, 1021, "AF01" + "AABB");
        rig.Write(Video, 1040, "2701FFFFD8" + "00000002" + "419A");
        var seen = await rig.SeeAsync(3);
        Assert.That(seen.Select(p => (p.Codec.Name, p.Payload, p.IsKeyframe)), Is.EqualTo(new[]
        {
            ("H264", "000000026588", true), ("AAC", "AABB", true), ("H264", "00000002419A", false),
        }));
        Assert.That(seen.Select(p => Math.Round(p.Milliseconds)), Is.EqualTo(new[] { 0.0, 21, 40 }));
        Assert.That(seen.Select(p => p.PresentationTime - p.DecodeTime), Is.EqualTo(new[] { 80L * 90, 0, -40 * 90 }), "composition time, also negative");
    }

    [Test]
    public async Task Nal_unit_lengths_of_other_sizes_become_4_bytes([Values(1, 2)] int size)
    {
        await using var rig = new FlvRig();
        var parameters = Vectors.Hex(VideoParameters);
        parameters[5 + 4] = (byte)(0xFC | (size - 1));
        rig.Write(Video, 0, parameters);
        var prefix = new string('0', (size * 2) - 1);
        rig.Write(Video, 0, "1701000000" + prefix + "2" + "6588" + prefix + "1" + "41");
        rig.Write(Video, 40, "2701000000" + prefix + "5" + "41"); // longer than the frame
        rig.Write(Video, 80, "2701000000" + prefix + "1" + "41");
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => p.Payload), Is.EqualTo(new[] { "0000000265880000000141", "0000000141" }));
        Assert.That(rig.Writer.DroppedFrames, Is.EqualTo(1));
        Assert.That(AvcConfiguration.TryParse(seen[0].Codec.Configuration.Span, out var parsed) && parsed.NalLengthSize == 4);
    }

    [Test]
    public async Task Parameters_that_are_repeated_are_no_change_and_others_are()
    {
        await using var rig = new FlvRig();
        foreach (var (time, audio, frame) in new[] { (0, "1190", "01"), (20, "1190", "02"), (40, "1210", "03"), (60, "1210", "04"), (80, "1190", "05") })
        {
            rig.Write(Audio, time, "AF00" + audio);
            rig.Write(Audio, time, "AF01" + frame);
        }

        var codecs = (await rig.SeeAsync(5)).Select(p => p.Codec).ToList();
        Assert.That(codecs[1], Is.SameAs(codecs[0]));
        Assert.That(codecs[2].ClockRate, Is.EqualTo(44_100));
        Assert.That(codecs[3], Is.SameAs(codecs[2]));
        Assert.That(codecs[4], Is.Not.SameAs(codecs[3]).And.Not.SameAs(codecs[0]));
        Assert.That(codecs[4].HasSameParameters(codecs[0]));
        var times = rig.Seen.Select(p => Math.Round(p.Milliseconds));
        Assert.That(times, Is.EqualTo(new[] { 0.0, 20, 40, 60, 80 }), "over changes of the clock");
    }

    [Test]
    public async Task H264_parameters_that_change_are_a_change()
    {
        await using var rig = new FlvRig();
        Assert.That(AvcConfiguration.TryBuild(Vectors.Hex(Vectors.SpsBaseline), Vectors.Hex(Vectors.Pps1080), out var other));
        foreach (var (time, parameters) in new[] { (0, VideoParameters), (40, VideoParameters), (80, "1700000000" + Convert.ToHexString(other!)) })
        {
            rig.Write(Video, time, parameters);
            rig.Write(Video, time, "1701000000" + "0000000165");
        }

        var codecs = (await rig.SeeAsync(3)).Select(p => p.Codec).ToList();
        Assert.That(codecs[1], Is.SameAs(codecs[0]));
        Assert.That(codecs[2], Is.Not.SameAs(codecs[0]));
        Assert.That(codecs[2].Video!.Width, Is.Not.EqualTo(codecs[0].Video!.Width));
    }

    [TestCase(9, "22AABB", "Sorenson", false)]
    [TestCase(9, "14AABB", "VP6", true)]
    [TestCase(9, "25AABB", "VP6-alpha", false)]
    [TestCase(9, "1FAABB", "FLV-VIDEO-15", true)]
    [TestCase(9, "9164766831AABB", "dvh1", true)]
    [TestCase(9, "A164766831AABB", "dvh1", false)]
    [TestCase(9, "9100000001AABB", "unknown", true)]
    [TestCase(9, "9702000001" + "01" + "64766831AABB", "dvh1", true, Description = "behind a ModEx")]
    [TestCase(8, "1FAABB", "ADPCM", true)]
    [TestCase(8, "B6AABB", "Speex", true)]
    [TestCase(8, "F6AABB", "FLV-AUDIO-15", true)]
    [TestCase(8, "916D686D31AABB", "mhm1", true)]
    public async Task Other_codecs_pass_as_whole_bodies(int type, string body, string name, bool isKeyframe)
    {
        await using var rig = new FlvRig();
        var first = Vectors.Hex(body);
        if (type == 9)
            first[0] = (byte)((first[0] & 0x8F) | 0x10); // viewers wait for a keyframe
        rig.Write((FlvTagType)type, 5, first);
        rig.Write((FlvTagType)type, 25, body);
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => p.Payload), Is.EqualTo(new[] { Convert.ToHexString(first), body }));
        Assert.That(seen[1].IsKeyframe, Is.EqualTo(isKeyframe));
        Assert.That((seen[0].Codec.Name, seen[0].Codec.IsOpaque, seen[1].Milliseconds), Is.EqualTo((name, true, 20.0)));
        Assert.That(seen[1].Codec, Is.SameAs(seen[0].Codec));
    }

    [Test]
    public async Task Parameters_of_other_codecs_are_kept_and_not_sent_as_frames()
    {
        await using var rig = new FlvRig();
        const string First = "9064766831AABB";
        rig.Write(Video, 0, First);
        rig.Write(Video, 0, "9164766831CC");
        rig.Write(Video, 20, First);
        rig.Write(Video, 20, "A164766831DD");
        rig.Write(Video, 40, First + "FF");
        rig.Write(Video, 40, "9164766831EE");
        var seen = await rig.SeeAsync(3);
        Assert.That(Convert.ToHexString(seen[0].Codec.Configuration.Span), Is.EqualTo(First));
        Assert.That(seen[1].Codec, Is.SameAs(seen[0].Codec));
        Assert.That(Convert.ToHexString(seen[2].Codec.Configuration.Span), Is.EqualTo(First + "FF"));
    }

    [Test]
    public async Task A_codec_may_become_another_and_back()
    {
        await using var rig = new FlvRig();
        rig.Write(Audio, 0, AudioParameters);
        rig.Write(Audio, 0, "AF01AA");
        rig.Write(Audio, 20, "2F" + "FFFB9064");
        rig.Write(Audio, 40, "AF01CC"); // without parameters: nobody could decode it
        rig.Write(Audio, 60, AudioParameters);
        rig.Write(Audio, 60, "AF01DD");
        var seen = await rig.SeeAsync(3);
        Assert.That(seen.Select(p => p.Payload), Is.EqualTo(new[] { "AA", "FFFB9064", "DD" }));
        Assert.That(seen.Select(p => Math.Round(p.Milliseconds)), Is.EqualTo(new[] { 0.0, 20, 60 }));
        Assert.That(rig.Writer.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public async Task Frames_before_their_parameters_are_dropped_and_counted()
    {
        await using var rig = new FlvRig();
        Assert.That(rig.Write(Video, 0, "1701000000" + "0000000165"));
        Assert.That(rig.Write(Audio, 0, "AF01AA"));
        Assert.That(rig.Writer.DroppedFrames, Is.EqualTo(2));
        Assert.That(rig.Feed.Tracks, Is.Empty);
    }

    [TestCase(9, "")]
    [TestCase(9, "5700")]
    [TestCase(9, "D100")]
    [TestCase(9, "D600")]
    [TestCase(9, "D702000001" + "01" + "00")]
    [TestCase(9, "1702000000")]
    [TestCase(9, "1700000000")]
    [TestCase(8, "AF00")]
    [TestCase(7, "AABB")]
    [TestCase(15, "AABB")]
    public async Task What_carries_no_media_is_ignored(int type, string body)
    {
        await using var rig = new FlvRig();
        Assert.That(rig.Write((FlvTagType)type, 0, body));
        Assert.That(rig.Feed.Tracks, Is.Empty);
    }

    [TestCase(9, "17")]
    [TestCase(9, "17010000")]
    [TestCase(9, "17000000000164")]
    [TestCase(9, "90687663")]
    [TestCase(8, "AF")]
    [TestCase(8, "AF00FF")]
    [TestCase(8, "90")]
    public async Task H4_What_cannot_be_is_refused(int type, string body)
    {
        await using var rig = new FlvRig();
        Assert.That(() => rig.Write((FlvTagType)type, 0, body), Throws.TypeOf<FlvFormatException>());
    }

    [Test]
    public async Task H5_Parameters_of_more_than_64_KiB_are_refused()
    {
        await using var rig = new FlvRig();
        var body = new byte[(64 << 10) + 6];
        Vectors.Hex(VideoParameters).CopyTo(body, 0);
        Assert.That(() => rig.Write(Video, 0, body), Throws.TypeOf<FlvFormatException>());
        Vectors.Hex("9064766831").CopyTo(body, 0);
        Assert.That(() => rig.Write(Video, 0, body), Throws.TypeOf<FlvFormatException>());
        Vectors.Hex("9061763031810000").CopyTo(body, 0);
        Assert.That(() => rig.Write(Video, 0, body), Throws.TypeOf<FlvFormatException>());
        Vectors.Hex("02000A6F6E4D65746144617461").CopyTo(body, 0);
        Assert.That(rig.Write(Script, 0, body), "metadata is left out, the media goes on");
        Assert.That(rig.Writer.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public async Task Metadata_and_other_data_are_tracks_of_their_own()
    {
        await using var rig = new FlvRig();
        rig.Write(Script, 0, "02000A6F6E4D65746144617461" + "05");
        rig.Write(Script, 10, "0200036F6E58" + "05");
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => p.Payload), Is.EqualTo(new[] { "02000A6F6E4D6574614461746105", "0200036F6E5805" }));
        Assert.That(seen.Select(p => p.IsKeyframe), Is.EqualTo(new[] { true, false }));
        Assert.That(rig.Feed.Tracks.Select(t => t.Track.Id), Is.EqualTo(new[] { "metadata", "data" }));
    }

    // AMF0: "onMetaData" and an object with two numbers, or with codecs of Enhanced RTMP.
    [TestCase("02000A6F6E4D65746144617461 03 000C766964656F636F6465636964 00401C000000000000 000C617564696F636F6465636964 004024000000000000 000009", 5)]
    [TestCase("02000A6F6E4D65746144617461 03 000C766964656F636F6465636964 02000468766331 000009", 5)]
    [TestCase("02000A6F6E4D65746144617461 03 000C766964656F636F6465636964 000000000000000000 000009", 1)]
    [TestCase("02000A6F6E4D65746144617461 03 000C766964656F636F6465636964 05 000009", 1)]
    [TestCase("02000A6F6E4D65746144617461 03 000C766964656F636F6465636964", 1)]
    [TestCase("02000A6F6E4D65746144617461 05", 1)]
    public async Task A_track_that_metadata_announce_is_waited_for(string metadata, int seconds)
    {
        await using var rig = new FlvRig();
        var settled = rig.Stream.WhenSettledAsync(default);
        rig.Write(Script, 0, metadata.Replace(" ", "", StringComparison.Ordinal));
        rig.Write(Audio, 0, AudioParameters);
        rig.Write(Audio, 0, "AF0101");
        rig.Time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
        Assert.That(settled.IsCompleted, Is.False);
        rig.Time.Advance(TimeSpan.FromTicks(1));
        Assert.That(settled.IsCompletedSuccessfully);
    }

    [Test]
    public async Task A_feed_that_ended_says_so_and_leaks_nothing()
    {
        await using var rig = new FlvRig();
        rig.Write(Audio, 0, AudioParameters);
        await rig.Feed.DisposeAsync();
        Assert.That(rig.Write(Audio, 0, "AF01AA"), Is.False);
    }

    [TestCase(0L, 0L, true, "1701000000")]
    [TestCase(0L, 80L, false, "2701000050")]
    [TestCase(1000L, 999L, false, "2701FFFFFF")]
    [TestCase(1000L, 0L, false, "2701FFFC18")]
    [TestCase(0L, 100_000_000L, false, "27017FFFFF")]
    [TestCase(100_000_000L, 0L, false, "2701800000")]
    public void The_head_of_an_H264_body_has_the_composition_time(long decode, long presentation, bool isKeyframe, string expected)
    {
        var pool = new PacketPool();
        var codec = Codec.FromAvcConfiguration(Vectors.Hex(Vectors.AvcC1080));
        var packet = pool.CreatePacket([1], codec, decode * 90, presentation * 90, isKeyframe ? PacketFlags.Keyframe : PacketFlags.None);
        var head = new byte[FlvTagBody.MaxHeadLength];
        var length = FlvTagBody.WriteHead(packet, head);
        Assert.That(Convert.ToHexString(head.AsSpan(0, length)), Is.EqualTo(expected));
        Assert.That(FlvTagBody.Milliseconds(packet), Is.EqualTo(decode));
        packet.Release();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    [Test]
    public void The_heads_and_parameters_of_the_others()
    {
        var aac = Codec.Aac(Vectors.Hex("1190"));
        Assert.That(Parameters(aac), Is.EqualTo(AudioParameters));
        Assert.That(Parameters(Codec.FromAvcConfiguration(Vectors.Hex(Vectors.AvcC1080))), Is.EqualTo(VideoParameters.ToUpperInvariant()));
        Assert.That(Parameters(new Codec(MediaKind.Video, "av01", 1000, 0, Vectors.Hex("9061763031AA"), form: PayloadForm.FlvTag)), Is.EqualTo("9061763031AA"));
        Assert.That(Parameters(new Codec(MediaKind.Audio, "MP3", 1000, form: PayloadForm.FlvTag)), Is.Empty);
        Assert.That(FlvTagBody.CanCarry(new Codec(MediaKind.Audio, "OPUS", 48_000)), Is.False);

        static string Parameters(Codec codec)
        {
            Assert.That(FlvTagBody.CanCarry(codec));
            var body = new byte[FlvTagBody.MeasureParameters(codec)];
            Assert.That(FlvTagBody.WriteParameters(codec, body), Is.EqualTo(body.Length));
            return Convert.ToHexString(body);
        }
    }
}
