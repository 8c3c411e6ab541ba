using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>
/// The programs that the RTSP tests drive understand each other, and what they hand on can be compared: where these pass and others fail,
/// the fault is ours.
/// </summary>
[Category("Socket")]
public sealed class RtspPeersTests
{
    private const int Seconds = 3;

    private static IEnumerable<MediaFormat> Formats { get; } =
        [MediaFormat.H264Aac44, MediaFormat.H265Aac48, MediaFormat.H264Opus, MediaFormat.H264Pcma, MediaFormat.H264Pcmu];

    [TestCaseSource(nameof(Formats))]
    public async Task What_GStreamers_server_serves_every_viewer_gets(MediaFormat format)
    {
        var clip = await Clips.InAsync(format, Seconds);
        var source = await FrameHashes.ReadAsync(clip, format);
        await using var server = await LiveServer.StartAsync();
        var url = await server.StartGstServerAsync(clip, format);

        var viewers = RtspPeers.Viewers.Select(kind => server.Watch(kind, url, format)).ToList();

        foreach (var viewer in viewers)
            (await viewer.EndAsync()).AssertPartOf(source, viewer.Name);
    }

    [TestCase("digest")]
    [TestCase("basic")]
    public async Task GStreamers_server_asks_for_a_password(string authentication)
    {
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format, Seconds);
        await using var server = await LiveServer.StartAsync();
        var url = await server.StartGstServerAsync(clip, format, user: "me:secret", authentication: authentication);

        var stranger = server.Watch("ffmpeg tcp", url, format);
        var friend = server.Watch("ffmpeg tcp", url.Replace("://", "://me:secret@", StringComparison.Ordinal), format);

        Assert.That((await stranger.Tool.WaitAsync()).Error, Does.Contain("401"));
        (await friend.EndAsync()).AssertPartOf(await FrameHashes.ReadAsync(clip, format), "ffmpeg");
    }

    [Test]
    public async Task What_is_published_to_GStreamers_server_arrives()
    {
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format, Seconds);
        var source = await FrameHashes.ReadAsync(clip, format);
        await using var server = await LiveServer.StartAsync();
        foreach (var kind in RtspPeers.Publishers.Where(p => p.Contains("rtsp", StringComparison.Ordinal)))
        {
            var (url, recorder) = await server.StartGstRecorderAsync(format, soundFirst: kind.StartsWith('G'));
            var publisher = server.Publish(kind, clip, format, url);
            await Eventually.Async(() => publisher.HasExited || new FileInfo(recorder.File) is { Exists: true, Length: > 50_000 }, $"{kind} is recorded");
            publisher.Signal(9);
            await recorder.Tool.WaitForTextAsync("ended");
            (await recorder.ReadAsync()).AssertPartOf(source, kind, apart: null);
        }
    }

    [TestCase("ffmpeg rtsp tcp")]
    [TestCase("ffmpeg rtsp udp")]
    public async Task What_is_published_to_ffmpegs_listener_arrives(string kind)
    {
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format, Seconds);
        await using var server = await LiveServer.StartAsync();
        var (url, recorder) = await server.StartFfmpegListenerAsync(format);

        await server.Publish(kind, clip, format, url).WaitAsync();

        (await recorder.EndAsync()).AssertPartOf(await FrameHashes.ReadAsync(clip, format), kind);
    }

    [Test]
    public async Task What_VLC_serves_every_UDP_viewer_gets()
    {
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format, seconds: 6);
        await using var server = await LiveServer.StartAsync();
        var url = await server.StartVlcServerAsync(clip);

        var viewers = RtspPeers.Viewers.Where(kind => kind.EndsWith("udp", StringComparison.Ordinal)).Select(kind => server.Watch(kind, url, format)).ToList();

        var source = await FrameHashes.ReadAsync(clip, format);
        foreach (var viewer in viewers) // VLC's first RTCP reports come late: only then GStreamer brings sound and picture together
            (await viewer.EndAsync()).AssertPartOf(source, viewer.Name, apart: viewer.Name == "ffmpeg udp" ? 20 : null);
    }
}
