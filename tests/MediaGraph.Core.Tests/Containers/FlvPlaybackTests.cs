using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class FlvPlaybackTests
{
    private const string AudioParameters = "AF001190"; // AAC, 48 kHz, stereo

    private static readonly byte[] Demo = File.ReadAllBytes(RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv"));

    [Test]
    public async Task The_demo_loops_every_8000_ms_exactly()
    {
        var frames = FlvBytes.Tags(Demo).Where(t => t.Type == FlvTagType.Script || t.Body[1] == 1).ToList();
        var seen = await PlayAsync(Demo, 3 * frames.Count);
        foreach (var kind in new[] { MediaKind.Video, MediaKind.Audio })
        {
            var type = kind == MediaKind.Video ? FlvTagType.Video : FlvTagType.Audio;
            var round = frames.Where(t => t.Type == type).Select(t => (long)t.Time).ToList();
            var expected = Enumerable.Range(0, 3).SelectMany(i => round.Select(t => t + (i * 8000)));
            var times = seen.Where(p => p.Codec.Kind == kind).Select(p => MediaTime.Rescale(p.DecodeTime, p.Codec.ClockRate, 1000));
            Assert.That(times, Is.EqualTo(expected), $"{kind}");
        }
    }

    [Test]
    public async Task The_demo_comes_out_byte_for_byte()
    {
        var frames = FlvBytes.Tags(Demo).Where(t => t.Type == FlvTagType.Script || t.Body[1] == 1).ToList();
        var seen = await PlayAsync(Demo, frames.Count);
        foreach (var (type, kind, head) in new[] { (FlvTagType.Video, MediaKind.Video, 5), (FlvTagType.Audio, MediaKind.Audio, 2) })
        {
            var expected = frames.Where(t => t.Type == type).ToList();
            var packets = seen.Where(p => p.Codec.Kind == kind).ToList();
            Assert.That(packets.Select(p => p.Payload), Is.EqualTo(expected.Select(t => Convert.ToHexString(t.Body[head..]))));
            Assert.That(packets.Select(p => p.IsKeyframe), Is.EqualTo(expected.Select(t => type == FlvTagType.Audio || t.Body[0] >> 4 == 1)));
            if (kind == MediaKind.Video)
            {
                Assert.That(
                    packets.Select(p => (p.PresentationTime - p.DecodeTime) / 90),
                    Is.EqualTo(expected.Select(t => (long)((t.Body[2] << 16) | (t.Body[3] << 8) | t.Body[4]))));
            }
        }
    }

    [Test]
    public async Task A_round_lasts_its_frames_average_longer_than_to_the_last_one()
    {
        // Four frames of 1024 samples at 48 kHz last 85.3 ms.
        var file = FlvBytes.File((8, 0, AudioParameters), (8, 0, "AF0100"), (8, 21, "AF0101"), (8, 43, "AF0102"), (8, 64, "AF0103"));
        var seen = await PlayAsync(file, 12);
        Assert.That(
            seen.Select(p => Math.Round(p.Milliseconds)), Is.EqualTo(new[] { 0.0, 21, 43, 64, 85, 106, 128, 149, 170, 191, 213, 234 }));
    }

    [Test]
    public async Task A_file_that_starts_late_starts_at_once_and_loops_without_a_jump()
    {
        const uint Hour = 3_600_000;
        var file = FlvBytes.File(
            (18, 0, "02000A6F6E4D65746144617461" + "05"), (8, Hour, AudioParameters), (8, Hour, "AF0100"), (8, Hour + 20, "AF0101"));
        await using var rig = new FlvRig();
        using var stop = new CancellationTokenSource();
        var started = rig.Time.GetUtcNow();
        var playing = new FlvPlayback(() => new MemoryStream(file), rig.Time).PlayAsync(rig.Feed, loop: true, stop.Token);
        var seen = await rig.SeeAsync(9, () => rig.Pass(5));
        Assert.That(rig.Time.GetUtcNow() - started, Is.LessThan(TimeSpan.FromMinutes(10)));
        await stop.CancelAsync();
        Assert.That(async () => await playing, Throws.InstanceOf<OperationCanceledException>());
        var times = seen.Where(p => p.Codec.Kind == MediaKind.Audio).Select(p => Math.Round(p.Milliseconds)).ToList();
        Assert.That(times.Zip(times.Skip(1), (a, b) => b - a), Is.All.EqualTo(20));
    }

    [Test]
    public async Task A_file_is_played_once_without_a_loop()
    {
        await using var rig = new FlvRig();
        var file = FlvBytes.File((8, 0, AudioParameters), (8, 0, "AF0100"), (8, 20, "AF0101"));
        var playing = new FlvPlayback(() => new MemoryStream(file), rig.Time).PlayAsync(rig.Feed, loop: false, CancellationToken.None);
        Assert.That(await rig.SeeAsync(2, () => rig.Pass(5)), Has.Count.EqualTo(2));
        await playing;
    }

    [Test]
    public async Task Frames_come_at_the_speed_at_which_they_were_recorded()
    {
        await using var rig = new FlvRig();
        var file = FlvBytes.File((8, 0, AudioParameters), (8, 0, "AF0100"), (8, 1000, "AF0101"));
        var playing = new FlvPlayback(() => new MemoryStream(file), rig.Time).PlayAsync(rig.Feed, loop: false, CancellationToken.None);
        await rig.SeeAsync(1);
        await Eventually.EqualAsync(() => rig.Time.ActiveTimers, 2, "timers: the playback's, and that of a stream that is not settled");
        rig.Time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.That(playing.IsCompleted, Is.False);
        Assert.That(rig.Seen, Has.Count.EqualTo(1));
        rig.Time.Advance(TimeSpan.FromMilliseconds(1));
        await rig.SeeAsync(2);
        await playing;
    }

    [TestCase("", TestName = "A_file_without_tags_is_refused_and_not_looped_for_ever")]
    [TestCase("AF001190", TestName = "A_file_with_parameters_only_is_refused_and_not_looped_for_ever")]
    public async Task Files_with_nothing_to_play(string body)
    {
        await using var rig = new FlvRig();
        var file = body.Length == 0 ? FlvBytes.File() : FlvBytes.File((8, 0, body));
        Assert.That(
            async () => await new FlvPlayback(() => new MemoryStream(file), rig.Time).PlayAsync(rig.Feed, loop: true, CancellationToken.None),
            Throws.TypeOf<FlvFormatException>());
    }

    [Test]
    public async Task A_feed_that_ended_ends_the_playback()
    {
        await using var rig = new FlvRig();
        await rig.Feed.DisposeAsync();
        await new FlvPlayback(() => new MemoryStream(Demo), rig.Time).PlayAsync(rig.Feed, loop: true, CancellationToken.None);
    }

    private static async Task<List<Seen>> PlayAsync(byte[] file, int count)
    {
        await using var rig = new FlvRig();
        using var stop = new CancellationTokenSource();
        var playing = new FlvPlayback(() => new MemoryStream(file), rig.Time).PlayAsync(rig.Feed, loop: true, stop.Token);
        var seen = await rig.SeeAsync(count, () => rig.Pass(20));
        await stop.CancelAsync();
        Assert.That(async () => await playing, Throws.InstanceOf<OperationCanceledException>());
        return seen[..count];
    }
}
