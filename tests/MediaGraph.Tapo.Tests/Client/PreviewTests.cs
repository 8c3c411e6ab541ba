using MediaGraph.Sources;
using MediaGraph.Testing;
using MediaGraph.Testing.Tapo;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Client;

// Rows: T4.

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class PreviewTests
{
    [Test]
    public async Task The_first_keyframe_is_seen_although_it_comes_before_the_answer()
    {
        await using var bench = new Bench(new TapoEmulatorOptions { SendsMediaFirst = true });
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video >= 3, "pictures");
        var first = viewer.Packets.First(packet => packet.Track == "video");
        Assert.That((first.IsKeyframe, first.Last), Is.EqualTo((true, (byte)0x81)), "the camera's first frame");
    }

    [Test]
    public async Task Viewers_share_one_session_that_ends_with_the_last_of_them_and_begins_anew()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        for (var i = 1; i <= 3; i++)
        {
            using (bench.Hub.Lease(Bench.Stream))
            using (bench.Hub.Lease(Bench.Stream, SourceMedia.Video))
                await bench.AdvanceUntilAsync(() => bench.Source.State == SourceState.Live, "the preview");
            await bench.AdvanceUntilAsync(() => bench.Camera.Connections == 0 && bench.Source.State == SourceState.Idle, "the end");
            Assert.That((bench.Camera.PreviewsMade, bench.Camera.Stops), Is.EqualTo((i, i)));
        }
    }

    [Test]
    public async Task The_microphone_is_left_to_others_until_somebody_wants_to_hear()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        using var pictures = bench.Hub.Lease(Bench.Stream, SourceMedia.Video);
        await bench.AdvanceUntilAsync(() => bench.Camera.Previews == 1, "the preview");
        using (bench.Hub.Lease(Bench.Stream, SourceMedia.Audio))
            await bench.AdvanceUntilAsync(() => bench.Camera.PreviewsMade == 2 && bench.Camera.Previews == 1, "the preview with sound");
        var previews = bench.Camera.Requests.Where(request => request.Contains("preview", StringComparison.Ordinal));
        Assert.That(previews.Select(request => request.Contains("disable", StringComparison.Ordinal)), Is.EqualTo(new[] { true, false }));
        Assert.That(bench.Source.Failures, Is.Zero);
    }

    [Test]
    public async Task What_nobody_wants_any_more_is_not_missed()
    {
        await using var bench = new Bench(silenceLimit: TimeSpan.FromSeconds(12));
        await bench.SetAsync();
        using var pictures = bench.Hub.Lease(Bench.Stream, SourceMedia.Video);
        using (bench.Hub.Lease(Bench.Stream, SourceMedia.Audio))
            await bench.AdvanceUntilAsync(() => bench.Source.Media.HasFlag(SourceMedia.Audio), "sound");
        var start = bench.Time.GetUtcNow();
        await bench.AdvanceUntilAsync(() => bench.Time.GetUtcNow() - start > TimeSpan.FromSeconds(40), "some time", step: 200);
        using (bench.Hub.Lease(Bench.Stream, SourceMedia.Audio))
            await bench.AdvanceUntilAsync(() => bench.Time.GetUtcNow() - start > TimeSpan.FromSeconds(60), "some time with sound",
                step: 200);
        Assert.That((bench.Source.Failures, bench.Camera.Previews), Is.EqualTo((0L, 1)));
    }

    [Test]
    public async Task T4_viewers_come_and_go_while_tracks_appear_and_media_flow()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        using var first = bench.Hub.Lease(Bench.Stream);
        var viewers = new List<Viewer>();
        for (var i = 0; i < 50; i++)
        {
            viewers.Add(bench.View());
            var seen = i == 0 ? null : viewers[i - 1];
            await bench.AdvanceUntilAsync(() => seen is null or { Video: > 0, Audio: > 0 }, "what the one before sees");
        }

        var end = viewers.Max(viewer => viewer.Video) + 50;
        await bench.AdvanceUntilAsync(() => viewers[0].Video >= end, "pictures for all");
        foreach (var viewer in viewers)
        {
            var frames = viewer.Packets.Where(packet => packet.Track == "video").ToArray();
            Assert.That(frames[0].IsKeyframe);
            var steps = frames.Zip(frames.Skip(1), (one, next) => (next.Time - one.Time).TotalMilliseconds);
            Assert.That(steps, Is.All.EqualTo(40).Within(1), "no frame is missing or there twice");
        }

        Assert.That((bench.Camera.PreviewsMade, bench.Source.Failures), Is.EqualTo((1, 0L)));
    }

    [Test]
    public async Task T2_a_camera_that_falls_silent_is_connected_to_anew()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video > 0, "pictures");
        bench.Camera.Behaviour = TapoBehaviour.SendsNoMedia;
        var start = bench.Time.GetUtcNow();
        await bench.FailsAsync();
        Assert.That(bench.Time.GetUtcNow() - start, Is.GreaterThan(TimeSpan.FromSeconds(9.9)));
        Assert.That(bench.Failure, Is.EqualTo("the camera sends no media: it may be in privacy mode"));
        bench.Camera.Behaviour = TapoBehaviour.Normal;
        var before = viewer.Video;
        await bench.AdvanceUntilAsync(() => viewer.Video > before, "pictures again");
        Assert.That(bench.Camera.Sessions, Is.EqualTo(1));
    }

    [Test]
    public async Task A_stream_that_is_removed_leaves_the_camera_alone()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        bench.View();
        await bench.AdvanceUntilAsync(() => bench.Camera.Previews == 1, "the preview");
        var removing = bench.Hub.RemoveStreamAsync(Bench.Stream);
        await bench.AdvanceUntilAsync(() => removing.IsCompleted, "the end");
        await Eventually.EqualAsync(() => bench.Camera.Connections, 0, "connections");
    }
}
