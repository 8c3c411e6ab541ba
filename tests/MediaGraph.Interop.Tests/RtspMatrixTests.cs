using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>All kinds of publishers, each with all kinds of viewers at once: these get its frames, with the source's times.</summary>
[Category("Socket")]
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

        static TestCaseData Cell(string publisher, MediaFormat format) =>
            new TestCaseData(publisher, format).SetArgDisplayNames(publisher, format.Name);
    }

    [TestCaseSource(nameof(Cells))]
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
        using var all = Assert.EnterMultipleScope();
        foreach (var viewer in viewers)
            (await viewer.EndAsync()).AssertPartOf(source, viewer.Name, apart: apart, drift: drift);
    }
}
