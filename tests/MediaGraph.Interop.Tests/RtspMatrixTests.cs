using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>All kinds of publishers, each with all kinds of viewers at once: these get its frames, with the source's times.</summary>
public sealed class RtspMatrixTests
{
    private const string Stream = "live/cam";

    private static readonly StreamHubOptions ShortWait = new() { WaitForPublisher = TimeSpan.FromSeconds(1) };

    private static IEnumerable<TestCaseData> Cells()
    {
        foreach (var publisher in RtspPeers.Publishers)
            yield return Cell(publisher, MediaFormat.H264Aac44);
        yield return Cell("ffmpeg rtsp udp", MediaFormat.H265Aac48); // RTMP of these tools has neither H265 nor Opus
        yield return Cell("GStreamer rtsp tcp", MediaFormat.H265Aac48);
        yield return Cell("ffmpeg rtsp tcp", MediaFormat.H264Opus);
        yield return Cell("GStreamer rtsp udp", MediaFormat.H264Opus);
        yield return Cell("ffmpeg rtmp", MediaFormat.H264Pcma);
        yield return Cell("GStreamer rtsp tcp", MediaFormat.H264Pcma);
        yield return Cell("ffmpeg rtsp tcp", MediaFormat.H264Pcmu);

        // Each cell runs once; one of them, with all viewers, also where sockets are awaited otherwise.
        static TestCaseData Cell(string publisher, MediaFormat format)
        {
            var cell = new TestCaseData(publisher, format).SetArgDisplayNames(publisher, format.Name);
            return publisher == "ffmpeg rtsp udp" && format == MediaFormat.H264Aac44 ? cell.SetCategory("Socket") : cell;
        }
    }

    [TestCaseSource(nameof(Cells)), RetryForGStreamer]
    public async Task What_is_published_every_viewer_gets(string publisher, MediaFormat format)
    {
        var clip = await Clips.InAsync(format);
        var source = await FrameHashes.ReadAsync(clip, format);
        await using var server = await LiveServer.StartAsync(ShortWait);
        var overRtmp = publisher.EndsWith("rtmp", StringComparison.Ordinal);
        var tool = server.Publish(publisher, clip, format, overRtmp ? server.Url(Stream) : server.RtspUrl(Stream));
        await Eventually.Async(() => tool.HasExited || server.Snapshot(Stream)?.Feed is not null, "the publisher publishes");
        Assert.That(tool.HasExited, Is.False, tool.Output + tool.Error);
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(500));

        List<Viewer> viewers = [.. RtspPeers.Viewers.Select(kind => server.Watch(kind, server.RtspUrl(Stream), format))];
        if (format != MediaFormat.H265Aac48 && format != MediaFormat.H264Opus)
            viewers.Add(server.Watch("ffmpeg rtmp", server.Url(Stream), format));
        await server.WaitForViewersAsync(Stream, viewers, TimeSpan.FromSeconds(3));
        // ffmpeg says goodbye, GStreamer is killed: the viewers' end is the same.
        if (publisher.StartsWith('f'))
            tool.Interrupt();
        else
            await tool.KillAsync();

        // GStreamer's first sender reports come after one to two seconds: until then arrival says how sound and pictures belong together,
        // and after it they are brought together slowly.
        var (apart, drift) = publisher.StartsWith("GStreamer rtsp", StringComparison.Ordinal) ? (200.0, 30.0) : (20.0, 2.5);
        foreach (var viewer in viewers)
            (await viewer.EndAsync()).AssertPartOf(source, viewer.Name, apart: apart, drift: drift);
    }

    [Test]
    public async Task RTMP_players_get_the_decode_times_that_RTSP_has_not()
    {
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format);
        await using var server = await LiveServer.StartAsync(ShortWait);
        var publisher = server.Publish("ffmpeg rtsp tcp", clip, format, server.RtspUrl(Stream));
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(500));
        var (recording, dump, mpv) = (server.NewFile("flv"), server.NewFile("flv"), server.NewFile("mkv"));
        Viewer[] viewers = [
            new("ffmpeg", server.Record(Stream, recording), recording, format),
            new("rtmpdump", server.Start("rtmpdump", "-r", server.Url(Stream), "--live", "-o", dump), dump, format),
            new("mpv", server.Start("mpv", "--no-config", "--vo=null", "--ao=null", $"--stream-record={mpv}", server.Url(Stream)), mpv, format),
        ];
        await server.WaitForViewersAsync(Stream, viewers, TimeSpan.FromSeconds(3));
        publisher.Interrupt();

        var source = await FrameHashes.ReadAsync(clip, format);
        foreach (var viewer in viewers)
        {
            await viewer.Tool.WaitAsync();
            (await viewer.ReadAsync()).AssertPartOf(source, viewer.Name);
        }

        var video = (await MediaFile.ReadAsync(recording)).Video;
        Assert.That(video.Select(p => p.DecodeTime), Is.Ordered.And.Unique);
        Assert.That(video.Select(p => p.PresentationTime - p.DecodeTime), Has.All.InRange(0, 160), "two B-frames of 40 ms");
        Assert.That(video.Any(p => p.PresentationTime - p.DecodeTime >= 80), "pictures are reordered");
    }

    [Test]
    public async Task A_killed_publisher_that_comes_back_keeps_its_viewers()
    {
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format);
        await using var server = await LiveServer.StartAsync(new StreamHubOptions { WaitForPublisher = TimeSpan.FromSeconds(20) });
        var publisher = server.Publish("ffmpeg rtsp tcp", clip, format, server.RtspUrl(Stream));
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(200));
        List<Viewer> viewers = [.. new[] { "ffmpeg tcp", "ffmpeg udp", "GStreamer tcp", "GStreamer udp" }
            .Select(kind => server.Watch(kind, server.RtspUrl(Stream), format))];
        await server.WaitForViewersAsync(Stream, viewers, TimeSpan.FromSeconds(1));
        var consumers = server.Snapshot(Stream)!.Consumers.Select(c => c.Id).ToList();
        var time = server.Snapshot(Stream)!.Tracks.Max(t => t.LastTime);

        await publisher.KillAsync();
        await Eventually.Async(() => server.Snapshot(Stream) is { Feed: null }, "the publisher is gone");
        server.Publish("ffmpeg rtsp udp", clip, format, server.RtspUrl(Stream));
        await server.WaitForMediaAsync(Stream, time + TimeSpan.FromSeconds(2));
        await server.WaitForDeliveryAsync(Stream, 50);

        Assert.That(server.Snapshot(Stream)!.Consumers.Select(c => c.Id), Is.EqualTo(consumers), "the same consumers");
        Assert.That(viewers.Select(v => v.Tool.HasExited), Has.All.False, "the same processes");
        var first = (await FrameHashes.ReadAsync(clip, format)).Video[0].Hash;
        foreach (var viewer in viewers.Take(2))
        {
            await Eventually.Async(
                () => FrameHashes.Parse(File.ReadLines(viewer.File)).Video is var got
                    && got.ToList().FindLastIndex(frame => frame.Hash == first) is > 0 and var again && got.Count > again + 10,
                $"{viewer.Name} gets what the second publishes from its first picture on");
        }
    }

    [TestCase("video=h264", "video")]
    [TestCase("audio=aac", "audio")]
    [TestCase("video=h264&audio=aac", "video audio")]
    public async Task A_query_selects_tracks(string query, string kinds)
    {
        var format = MediaFormat.H264Aac44;
        await using var server = await LiveServer.StartAsync(ShortWait);
        server.Publish("ffmpeg rtmp", await Clips.InAsync(format), format, server.Url(Stream));
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(500));

        using var found = await MediaFile.ProbeAsync(
            $"{server.RtspUrl(Stream)}?{query}", "-rtsp_transport", "tcp", "-analyzeduration", "1000000", "-show_streams");

        var streams = found.RootElement.GetProperty("streams").EnumerateArray().Select(s => s.GetProperty("codec_type").GetString());
        Assert.That(string.Join(' ', streams), Is.EqualTo(kinds));
    }
}
