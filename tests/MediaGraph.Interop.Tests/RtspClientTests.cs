using MediaGraph.Rtsp;
using MediaGraph.Rtsp.Client;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>Our client pulls from GStreamer's and VLC's servers, and pushes to GStreamer's server and ffmpeg's listener.</summary>
public sealed class RtspClientTests
{
    private const string Stream = "live/cam";

    private static readonly TimeSpan Seen = TimeSpan.FromSeconds(2.5);
    private static readonly StreamHubOptions ShortWait = new() { WaitForPublisher = TimeSpan.FromSeconds(1) };

    private static IEnumerable<TestCaseData> Pulls()
    {
        yield return Pull("tcp", MediaFormat.H264Aac44);
        yield return Pull("udp", MediaFormat.H264Aac44);
        yield return Pull("http", MediaFormat.H264Aac44);
        yield return Pull("tcp", MediaFormat.H265Aac48);
        yield return Pull("udp", MediaFormat.H264Opus);
        yield return Pull("tcp", MediaFormat.H264Pcma);

        static TestCaseData Pull(string transport, MediaFormat format) =>
            new TestCaseData(transport, format).SetArgDisplayNames(transport, format.Name);
    }

    [TestCaseSource(nameof(Pulls)), RetryForGStreamer]
    public async Task A_pull_from_GStreamers_server_brings_every_frame(string transport, MediaFormat format)
    {
        await using var server = await LiveServer.StartAsync(ShortWait);
        var url = await server.StartGstServerAsync(await Clips.InAsync(format), format);
        await AssertPullAsync(server, $"{url}#transport={transport}", format);
    }

    [TestCase("digest")]
    [TestCase("basic")]
    [RetryForGStreamer]
    public async Task A_pull_shows_its_password(string authentication)
    {
        var format = MediaFormat.H264Aac44;
        await using var server = await LiveServer.StartAsync(ShortWait);
        var url = await server.StartGstServerAsync(
            await Clips.InAsync(format), format, user: "me:secret", authentication: authentication);
        await AssertPullAsync(server, url.Replace("://", "://me:secret@", StringComparison.Ordinal), format);
    }

    [Test, RetryForGStreamer]
    public async Task A_pull_over_UDP_from_a_server_that_has_only_TCP_falls_back()
    {
        var format = MediaFormat.H264Aac44;
        await using var server = await LiveServer.StartAsync(ShortWait);
        var url = await server.StartGstServerAsync(await Clips.InAsync(format), format, transports: "tcp");
        await AssertPullAsync(server, $"{url}#transport=udp", format);
    }

    [Test]
    public async Task A_pull_from_VLCs_server_brings_every_frame()
    {
        var format = MediaFormat.H264Aac44;
        await using var server = await LiveServer.StartAsync(ShortWait);
        var url = await server.StartVlcServerAsync(await Clips.InAsync(format));
        // VLC's first sender reports come after seconds: until then nobody knows how sound and picture belong together.
        await AssertPullAsync(server, $"{url}#transport=udp", format, of: "VLC's server", compareTimes: false);
    }

    [TestCase("tcp")]
    [TestCase("udp", Category = "Socket")]
    public async Task A_push_to_ffmpegs_listener_arrives(string transport)
    {
        var format = MediaFormat.H264Aac44;
        await using var server = await LiveServer.StartAsync(ShortWait);
        var (url, recorder) = await server.StartFfmpegListenerAsync(format);

        await PushAsync(server, $"{url}#transport={transport}", format);

        (await recorder.EndAsync()).AssertPartOf(await FrameHashes.ReadAsync(await Clips.InAsync(format), format), transport);
    }

    [Test]
    public async Task A_push_to_GStreamers_server_arrives()
    {
        var format = MediaFormat.H264Aac44;
        await using var server = await LiveServer.StartAsync(ShortWait);
        var (url, recorder) = await server.StartGstRecorderAsync(format, soundFirst: false);

        await PushAsync(server, url, format);

        await recorder.Tool.WaitForTextAsync("ended");
        var source = await FrameHashes.ReadAsync(await Clips.InAsync(format), format);
        (await recorder.ReadAsync()).AssertPartOf(source, "GStreamer's server", apart: null);
    }

    private static async Task AssertPullAsync(
        LiveServer server, string url, MediaFormat format, string of = "GStreamer's server", bool compareTimes = true)
    {
        await using var client = new RtspClient(server.Hub, new RtspClientOptions { AllowBasicWithoutTls = true }, server.Log);
        await using var pulling = await client.PullAsync(RtspUrl.Parse(url), Stream);
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(200));
        var viewer = server.Watch("ffmpeg tcp", server.RtspUrl(Stream), format);
        await server.WaitForViewersAsync(Stream, [viewer], Seen);
        await EndAsync(pulling);

        var source = await FrameHashes.ReadAsync(await Clips.InAsync(format), format);
        (await viewer.EndAsync()).AssertPartOf(source, $"{of}, {url}", apart: compareTimes ? 20 : null);
    }

    // ffmpeg publishes over RTMP, the client hands it on until the publisher is gone.
    private static async Task PushAsync(LiveServer server, string url, MediaFormat format)
    {
        var publisher = server.Publish("ffmpeg rtmp", await Clips.InAsync(format), format, server.Url(Stream));
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(200));
        await using var client = new RtspClient(server.Hub, new RtspClientOptions(), server.Log);
        await using var pushing = await client.PushAsync(Stream, RtspUrl.Parse(url));
        await Eventually.Async(
            () => pushing.Completion.IsCompleted || server.Snapshot(Stream)?.Consumers is [{ Packets.Delivered: > 0 }], "something is pushed");
        await server.WaitForMediaAsync(Stream, server.Snapshot(Stream)!.Tracks.Max(t => t.LastTime) + Seen);
        await EndAsync(pushing);
        await publisher.KillAsync();
    }

    private static async Task EndAsync(RtspTransfer transfer)
    {
        Assert.That(transfer.Completion.IsCompleted, Is.False, "the transfer goes on until it is told to end");
        await transfer.DisposeAsync();
    }
}
