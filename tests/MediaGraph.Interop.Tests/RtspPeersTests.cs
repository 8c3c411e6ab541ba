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

    [Test, RetryForGStreamer]
    public async Task What_GStreamers_server_serves_every_kind_of_viewer_gets()
    {
        var format = MediaFormat.H265Aac48;
        var clip = await Clips.InAsync(format, Seconds);
        var source = await FrameHashes.ReadAsync(clip, format);
        await using var server = await LiveServer.StartAsync();
        var url = await server.StartGstServerAsync(clip, format);

        var viewers = RtspPeers.Viewers.Select(kind => server.Watch(kind, url, format)).ToList();

        foreach (var viewer in viewers)
            (await viewer.EndAsync()).AssertPartOf(source, $"GStreamer's server, {viewer.Name}");
    }

    [Test, RetryForGStreamer]
    public async Task GStreamers_server_asks_for_a_password()
    {
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format, Seconds);
        await using var server = await LiveServer.StartAsync();
        var url = await server.StartGstServerAsync(clip, format, user: "me:secret");

        var stranger = server.Watch("ffmpeg tcp", url, format);
        var friend = server.Watch("ffmpeg tcp", url.Replace("://", "://me:secret@", StringComparison.Ordinal), format);

        Assert.That((await stranger.Tool.WaitAsync()).Error, Does.Contain("401"));
        (await friend.EndAsync()).AssertPartOf(await FrameHashes.ReadAsync(clip, format), "GStreamer's server, ffmpeg");
    }

    [Test]
    public async Task What_is_published_to_GStreamers_server_arrives()
    {
        var format = MediaFormat.H264Opus; // ffmpeg's RTP packets with several units of AAC have no times for GStreamer at first
        var clip = await Clips.InAsync(format, Seconds);
        var source = await FrameHashes.ReadAsync(clip, format);
        await using var server = await LiveServer.StartAsync();
        foreach (var kind in (string[])["ffmpeg rtsp udp", "GStreamer rtsp tcp"])
        {
            var (url, recorder) = await server.StartGstRecorderAsync(format, soundFirst: kind.StartsWith('G'));
            var publisher = server.Publish(kind, clip, format, url);
            await Eventually.Async(
                () => publisher.HasExited || new FileInfo(recorder.File) is { Exists: true, Length: > 50_000 }, $"{kind} is recorded");
            publisher.Signal(9);
            await recorder.Tool.WaitForTextAsync("ended");
            (await recorder.ReadAsync()).AssertPartOf(source, kind, apart: null);
        }
    }

    [Test]
    public async Task What_is_published_to_ffmpegs_listener_arrives()
    {
        const string kind = "ffmpeg rtsp udp";
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format, Seconds);
        await using var server = await LiveServer.StartAsync();
        var (url, recorder) = await server.StartFfmpegListenerAsync(format);

        await server.Publish(kind, clip, format, url).WaitAsync();

        (await recorder.EndAsync()).AssertPartOf(await FrameHashes.ReadAsync(clip, format), kind);
    }

    [Test]
    public async Task What_VLC_serves_viewers_get_over_UDP()
    {
        var format = MediaFormat.H264Aac44;
        var clip = await Clips.InAsync(format, seconds: 6);
        await using var server = await LiveServer.StartAsync();
        var url = await server.StartVlcServerAsync(clip);

        var (ffmpeg, gstreamer) = (server.Watch("ffmpeg udp", url, format), server.Watch("GStreamer udp", url, format));

        var source = await FrameHashes.ReadAsync(clip, format);
        // VLC's first RTCP reports come late: only then players bring sound and picture together, and times jump.
        (await ffmpeg.EndAsync()).AssertPartOf(source, ffmpeg.Name, apart: null);
        await gstreamer.Tool.WaitAsync(); // VLC hangs up without a word, which is an error to it
        (await gstreamer.ReadAsync()).AssertPartOf(source, gstreamer.Name, apart: null);
    }
}
