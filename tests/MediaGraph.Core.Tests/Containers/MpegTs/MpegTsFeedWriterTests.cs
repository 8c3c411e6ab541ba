using MediaGraph.Containers.MpegTs;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers.MpegTs;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class MpegTsFeedWriterTests
{
    [Test]
    public async Task Video_begins_with_a_keyframe_and_its_parameter_sets_become_the_codec()
    {
        await using var rig = new TsRig();
        var stream = new TsStream();
        Write(rig, stream.Tables(), stream.Video(0, TsStream.Slice), stream.Video(3600, TsStream.KeyUnit));
        Write(rig, stream.Video(7200, TsStream.Slice));
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => (p.Track, p.IsKeyframe, p.Payload)), Is.EqualTo(new[]
        {
            ("video", true, "000000046588AABB"), ("video", false, "00000004419ACCDD"),
        }));
        Assert.That(seen[0].Codec.Video, Is.Not.Null);
        Assert.That(seen[1].Codec, Is.SameAs(seen[0].Codec));
        Assert.That(seen[1].DecodeTime - seen[0].DecodeTime, Is.EqualTo(3600));
        Assert.That(rig.Writer.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public async Task Video_begins_with_a_recovery_point_where_there_is_no_IDR_picture()
    {
        await using var rig = new TsRig();
        var stream = new TsStream();
        var refresh = TsStream.H264Sets + "00000001060601C480" + TsStream.Slice;
        Write(rig, stream.Tables(), stream.Video(0, TsStream.Slice), stream.Video(3600, refresh), stream.Video(7200, TsStream.Slice));
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => (p.IsKeyframe, p.Payload)), Is.EqualTo(new[]
        {
            (true, "00000005060601C48000000004419ACCDD"), (false, "00000004419ACCDD"),
        }));
    }

    [Test]
    public async Task H265_is_taken_too()
    {
        await using var rig = new TsRig();
        var stream = new TsStream(MpegTsStreamType.H265);
        var sets = $"00000001{Vectors.Vps720}00000001{Vectors.Sps720}00000001{Vectors.Pps720}";
        Write(rig, stream.Tables(), stream.Video(0, sets + "000000012601AABB"), stream.Video(3600, "000000010201CC"));
        var seen = await rig.SeeAsync(2);
        Assert.That(seen[0].Codec.Name, Is.EqualTo(CodecNames.H265));
        Assert.That(seen.Select(p => (p.IsKeyframe, p.Payload)), Is.EqualTo(new[]
        {
            (true, "000000042601AABB"), (false, "000000030201CC"),
        }));
    }

    [TestCase(MpegTsStreamType.Pcma, 1024, 11_520, "PCMA", 8_000)]
    [TestCase(MpegTsStreamType.Pcmu, 1024, 11_520, "PCMU", 8_000)]
    [TestCase(MpegTsStreamType.Pcmu, 1024, 5_760, "PCMU", 16_000)]
    [TestCase(MpegTsStreamType.Pcmu, 320, 1_800, "PCMU", 16_000)]
    [TestCase(MpegTsStreamType.Pcma, 160, 1_800, "PCMA", 8_000)]
    public async Task The_rate_of_G711_is_told_by_its_times(byte type, int samples, int step, string codec, int rate)
    {
        await using var rig = new TsRig();
        var stream = new TsStream(audio: type);
        Write(rig, [stream.Tables(), .. Enumerable.Range(0, 10).Select(i => stream.Audio(i * (long)step, samples, (byte)i))]);
        var seen = await rig.SeeAsync(10); // the first too
        Assert.That(seen.Select(p => (p.Codec.Name, p.Codec.ClockRate, p.Codec.Channels)), Is.All.EqualTo((codec, rate, 1)));
        var times = Enumerable.Range(0, 10).Select(i => seen[0].DecodeTime + (i * (long)samples));
        Assert.That(seen.Select(p => p.DecodeTime), Is.EqualTo(times));
        Assert.That(seen.Select(p => p.Payload[..2]), Is.EqualTo(Enumerable.Range(0, 10).Select(i => $"{i:X2}")));
    }

    [Test]
    public async Task After_a_loss_video_goes_on_at_the_next_keyframe()
    {
        await using var rig = new TsRig();
        var stream = new TsStream();
        Write(rig, stream.Tables(), stream.Video(0, TsStream.KeyUnit));
        _ = stream.Video(3600, TsStream.Slice); // lost
        Write(rig, stream.Video(7200, TsStream.Slice), stream.Video(10_800, TsStream.KeyUnit), stream.Video(14_400, TsStream.Slice));
        var seen = await rig.SeeAsync(3);
        Assert.That(seen.Select(p => (p.IsKeyframe, p.DecodeTime - seen[0].DecodeTime)), Is.EqualTo(new[]
        {
            (true, 0L), (true, 10_800L), (false, 14_400L),
        }));
    }

    [Test]
    public async Task A_loss_before_a_frame_without_a_time_is_not_forgotten()
    {
        await using var rig = new TsRig();
        var stream = new TsStream();
        Write(rig, stream.Tables(), stream.Video(0, TsStream.KeyUnit));
        _ = stream.Video(3600, TsStream.Slice); // lost
        var without = stream.Video(7200, TsStream.Slice);
        TsStream.RemoveTime(without);
        Write(rig, without, stream.Video(10_800, TsStream.Slice), stream.Video(14_400, TsStream.KeyUnit));
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => (p.IsKeyframe, p.DecodeTime - seen[0].DecodeTime)), Is.EqualTo(new[] { (true, 0L), (true, 14_400L) }));
    }

    [TestCase(+100_000_000)]
    [TestCase(-100_000_000)]
    public async Task A_clock_that_is_set_does_not_show(long jump)
    {
        await using var rig = new TsRig();
        var stream = new TsStream();
        const long Start = 1_000_000_000;
        Write(rig, stream.Tables());
        for (var i = 0; i < 20; i++)
        {
            var time = Start + (i * 3600) + (i >= 10 ? jump : 0);
            Write(rig, stream.Video(time, TsStream.KeyUnit), stream.Audio(time, 320));
        }

        var seen = await rig.SeeAsync(40);
        foreach (var track in seen.GroupBy(p => p.Track))
        {
            var steps = track.Zip(track.Skip(1), (one, next) => next.Milliseconds - one.Milliseconds).ToList();
            Assert.That(steps, Is.All.EqualTo(40.0).Within(0.5), track.Key);
        }
    }

    [Test]
    public async Task What_is_not_wanted_is_left_out_and_video_comes_back_with_a_keyframe()
    {
        await using var rig = new TsRig();
        var stream = new TsStream();
        Write(rig, stream.Tables(), stream.Video(0, TsStream.KeyUnit));
        rig.Writer.TakesVideo = rig.Writer.TakesAudio = false;
        Write(rig, stream.Audio(0, 1024), stream.Audio(11_520, 1024), stream.Video(3600, TsStream.Slice));
        rig.Writer.TakesVideo = true;
        Write(rig, stream.Video(7200, TsStream.Slice), stream.Video(10_800, TsStream.KeyUnit));
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => (p.Track, p.IsKeyframe)), Is.EqualTo(new[] { ("video", true), ("video", true) }));
        Assert.That(seen[1].DecodeTime - seen[0].DecodeTime, Is.EqualTo(10_800));
    }

    [Test]
    public async Task A_kind_that_is_wanted_again_after_a_while_has_kept_its_place([Values] bool isVideo)
    {
        await using var rig = new TsRig();
        var stream = new TsStream();
        Write(rig, stream.Tables(), stream.Video(0, TsStream.KeyUnit), stream.Audio(0, 800), stream.Audio(9_000, 800));
        (rig.Writer.TakesVideo, rig.Writer.TakesAudio) = (!isVideo, isVideo);
        for (var i = 1; i <= 150; i++)
            Write(rig, stream.Video(i * 9_000, TsStream.KeyUnit), stream.Audio((i + 1) * 9_000, 800));
        rig.Writer.TakesVideo = rig.Writer.TakesAudio = true;
        Write(rig, stream.Video(151 * 9_000, TsStream.KeyUnit), stream.Audio(152 * 9_000, 800));
        var seen = await rig.SeeAsync(155);
        var last = seen.GroupBy(p => p.Track).ToDictionary(track => track.Key, track => track.Last().Milliseconds - seen[0].Milliseconds);
        Assert.That((last["video"], last["audio"]), Is.EqualTo((15_100.0, 15_200.0)));
    }

    [Test]
    public async Task A_stream_that_begins_again_goes_on_with_the_same_tracks()
    {
        await using var rig = new TsRig();
        Write(rig, new TsStream().Tables());
        var first = new TsStream();
        Write(rig, first.Tables(), first.Video(0, TsStream.KeyUnit));
        rig.Writer.Restart();
        var second = new TsStream(MpegTsStreamType.H265);
        Write(rig, second.Tables(), second.Video(
            9_000_000_000 / 2, $"00000001{Vectors.Vps720}00000001{Vectors.Sps720}00000001{Vectors.Pps720}000000012601AABB"));
        var seen = await rig.SeeAsync(2);
        Assert.That(seen.Select(p => (p.Track, p.Codec.Name)), Is.EqualTo(new[] { ("video", "H264"), ("video", "H265") }));
        Assert.That(rig.Feed.Tracks, Has.Length.EqualTo(1));
    }

    [Test]
    public void H4_any_bytes_are_fed()
    {
        var hub = new StreamHub(timeProvider: new FakeTimeProvider());
        var h264 = new TsStream();
        var h265 = new TsStream(MpegTsStreamType.H265, MpegTsStreamType.Pcmu);
        byte[][] seeds =
        [
            [.. h264.Tables(), .. h264.Video(0, TsStream.KeyUnit), .. h264.Audio(0, 300), .. h264.Audio(9000, 300)],
            [.. h265.Tables(), .. h265.Video(0,
                $"00000001{Vectors.Vps720}00000001{Vectors.Sps720}00000001{Vectors.Pps720}000000012601AABB"), .. h265.Audio(0, 100)],
            [],
        ];
        Fuzz.Run<FormatException>(seeds, (data, random) =>
        {
            var feed = hub.Publish("fuzz");
            var writer = new MpegTsFeedWriter(feed, maxUnitBytes: 4096);
            for (var rest = data.AsSpan(); !rest.IsEmpty;)
            {
                var piece = random.Next(1, rest.Length + 1);
                writer.Write(rest[..piece]);
                rest = rest[piece..];
            }

            feed.Close(CloseReason.Requested);
        });
    }

    private static void Write(TsRig rig, params byte[][] pieces)
    {
        foreach (var piece in pieces)
            Assert.That(rig.Writer.Write(piece));
    }
}
