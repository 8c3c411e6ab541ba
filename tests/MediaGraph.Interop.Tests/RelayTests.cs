using System.Globalization;
using MediaGraph.Graph;
using MediaGraph.Rtmp;
using MediaGraph.Rtmp.Client;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

// Rows: M7, M8.

/// <summary>Our client pushes to, and pulls from, ffmpeg's listener, nginx-rtmp and our own server.</summary>
[Category("Socket")]
public sealed class RelayTests
{
    private const string Stream = "live/cam";

    private static readonly StreamHubOptions Replacing = new()
    {
        OnPublisherConflict = PublisherConflict.Replace,
        WaitForPublisher = TimeSpan.FromSeconds(1),
    };

    [Test]
    public async Task A_push_to_ffmpegs_listener_arrives_frame_by_frame()
    {
        await using var server = await LiveServer.StartAsync(Replacing);
        await using var client = new RtmpClient(server.Hub, null, server.Log);
        await using var place = server.Hub.Publish(Stream);
        var (port, file) = (FreePort.Find(), server.NewFile("flv"));
        var listener = server.Start("ffmpeg", [
            "-nostdin", "-hide_banner", "-loglevel", "warning", "-copyts", "-listen", "1", "-i", Url(port, "live/in"), "-c", "copy",
            "-copytb", "1", "-y", file]);
        await LiveServer.WaitForListenerAsync(port);
        var relay = await client.PushAsync(Stream, RtmpUrl.Parse(Url(port, "live/in")));

        await server.Publish(Stream, await Clips.ShortAsync(), "-re").WaitAsync();
        Assert.That((await relay.Completion).Code, Is.EqualTo(CloseCode.PublisherLeft));
        await listener.WaitAsync();
        await AssertSameAsync(file, await Clips.ShortAsync());
    }

    [Test]
    public async Task A_pull_from_ffmpegs_listener_brings_frame_by_frame()
    {
        await using var server = await LiveServer.StartAsync(Replacing);
        await using var client = new RtmpClient(server.Hub, null, server.Log);
        await using var place = server.Hub.Publish(Stream);
        var file = server.NewFile("flv");
        var player = server.Record(Stream, file);
        await server.WaitForConsumersAsync(Stream, 1);
        var port = FreePort.Find();
        server.Start("ffmpeg", [
            "-nostdin", "-hide_banner", "-loglevel", "warning", "-re", "-i", await Clips.ShortAsync(), "-c", "copy", "-f", "flv",
            "-listen", "1", Url(port, "live/out")]);
        await LiveServer.WaitForListenerAsync(port);

        var relay = await client.PullAsync(RtmpUrl.Parse(Url(port, "live/out")), Stream);
        await relay.Completion;
        await player.WaitAsync();
        await AssertSameAsync(file, await Clips.ShortAsync());
    }

    [Test]
    public async Task A_stream_goes_to_nginx_and_comes_back()
    {
        await using var server = await LiveServer.StartAsync(Replacing);
        await using var client = new RtmpClient(server.Hub, null, server.Log);
        await using var place = server.Hub.Publish(Stream);
        await using var back = server.Hub.Publish("live/back");
        var port = await StartNginxAsync(server);
        var file = server.NewFile("flv");
        var player = server.Record("live/back", file);
        await server.WaitForConsumersAsync("live/back", 1);
        var push = await client.PushAsync(Stream, RtmpUrl.Parse(Url(port, "live/there")));
        var pull = await client.PullAsync(RtmpUrl.Parse(Url(port, "live/there")), "live/back");

        await server.Publish(Stream, await Clips.ShortAsync(), "-re").WaitAsync();
        Assert.That((await push.Completion).Code, Is.EqualTo(CloseCode.PublisherLeft));
        await pull.DisposeAsync();
        await player.WaitAsync();
        await AssertSameAsync(file, await Clips.ShortAsync());
    }

    [Test]
    public async Task A_refusal_of_nginx_reaches_the_caller()
    {
        await using var server = await LiveServer.StartAsync();
        await using var client = new RtmpClient(server.Hub, null, server.Log);
        var port = await StartNginxAsync(server);
        Assert.That(
            async () => await client.PullAsync(RtmpUrl.Parse(Url(port, "unknown/there")), "live/back"),
            Throws.InstanceOf<RtmpClientException>());
        Assert.That(client.Connections, Is.Zero);
    }

    [Test]
    public async Task A_chain_of_three_servers_shows_what_was_published()
    {
        await using var first = await LiveServer.StartAsync(Replacing);
        await using var middle = await LiveServer.StartAsync(Replacing);
        await using var last = await LiveServer.StartAsync(Replacing);
        await using var pusher = new RtmpClient(first.Hub, null, first.Log);
        await using var puller = new RtmpClient(last.Hub, null, last.Log);
        await using var place = first.Hub.Publish(Stream);
        await using var end = last.Hub.Publish(Stream);
        var file = last.NewFile("flv");
        var player = last.Record(Stream, file);
        await last.WaitForConsumersAsync(Stream, 1);
        var push = await pusher.PushAsync(Stream, RtmpUrl.Parse(middle.Url(Stream)));
        var pull = await puller.PullAsync(RtmpUrl.Parse(middle.Url(Stream)), Stream);

        await first.Publish(Stream, await Clips.ShortAsync(), "-re").WaitAsync();
        Assert.That((await push.Completion).Code, Is.EqualTo(CloseCode.PublisherLeft));
        Assert.That((await pull.Completion).Code, Is.EqualTo(CloseCode.PublisherLeft));
        await player.WaitAsync();
        await AssertSameAsync(file, await Clips.ShortAsync());
    }

    private static async Task AssertSameAsync(string actual, string expected)
    {
        var (sent, got) = (await MediaFile.ReadAsync(expected), await MediaFile.ReadAsync(actual));
        var video = ProbedPackets.AssertSame(got.Video, sent.Video, "video");
        Assert.That(ProbedPackets.AssertSame(got.Audio, sent.Audio, "audio"), Is.EqualTo(video), "sound and picture stay together");
    }

    private static async Task<int> StartNginxAsync(LiveServer server)
    {
        var port = FreePort.Find();
        var configuration = server.NewFile("conf");
        await File.WriteAllTextAsync(configuration, string.Create(CultureInfo.InvariantCulture, $$"""
            load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
            daemon off;
            master_process off;
            pid {{server.Folder}}/nginx.pid;
            error_log stderr warn;
            events { worker_connections 64; }
            rtmp { access_log off; server { listen 127.0.0.1:{{port}}; application live { live on; } } }
            """));
        server.Start("nginx", ["-p", server.Folder, "-e", "stderr", "-c", configuration]);
        await LiveServer.WaitForListenerAsync(port);
        return port;
    }

    private static string Url(int port, string stream) => string.Create(CultureInfo.InvariantCulture, $"rtmp://127.0.0.1:{port}/{stream}");
}
