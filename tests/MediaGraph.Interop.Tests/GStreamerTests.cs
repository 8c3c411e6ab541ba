using MediaGraph.Events;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>GStreamer's rtmp2sink and rtmp2src.</summary>
[Category("Socket")]
public sealed class GStreamerTests
{
    private const string Stream = "live/gst";

    private static readonly StreamHubOptions ShortWait = new() { WaitForPublisher = TimeSpan.FromSeconds(1) };

    [Test]
    public async Task Rtmp2sink_publishes_and_ffmpeg_and_rtmp2src_play_it()
    {
        const int Frames = 100;
        await using var server = await LiveServer.StartAsync(ShortWait with { OnPublisherConflict = PublisherConflict.Replace });
        await using var place = server.Hub.Publish(Stream);
        var recording = server.NewFile("flv");
        var recorder = server.Record(Stream, recording);
        var (video, audio) = (server.NewFile("h264"), server.NewFile("aac"));
        var player = Play(server, Stream, video, audio);
        await server.WaitForConsumersAsync(Stream, 2);

        var published = await server.Start(
            "gst-launch-1.0",
            ["-e", "flvmux", "streamable=true", "name=mux", "!", "rtmp2sink", $"location={server.Url(Stream)}",
                "videotestsrc", "is-live=true", $"num-buffers={Frames}", "!", "video/x-raw,width=320,height=180,framerate=25/1", "!",
                "x264enc", "bframes=2", "b-adapt=false", "key-int-max=25", "speed-preset=ultrafast", "!", "h264parse", "!", "queue", "!", "mux.",
                "audiotestsrc", "is-live=true", "num-buffers=172", "!", "audio/x-raw,rate=44100,channels=1", "!", "voaacenc", "!",
                "aacparse", "!", "queue", "!", "mux."]).WaitAsync();
        Assert.That(published.ExitCode, Is.Zero, published.Output + published.Error);
        await Task.WhenAll(recorder.WaitAsync(), player.WaitAsync());

        var stopped = server.Events.OfType<PublishStopped>().Last();
        Assert.That(stopped.VideoPackets, Is.EqualTo(Frames));
        Assert.That(stopped.AudioPackets, Is.GreaterThan(Frames));
        var recorded = await MediaFile.ReadAsync(recording);
        Assert.That((recorded.Video.Count, recorded.Audio.Count), Is.EqualTo(((int)stopped.VideoPackets, (int)stopped.AudioPackets)));
        Assert.That(recorded.Video.Any(p => p.PresentationTime > p.DecodeTime), "B-frames came through");
        Assert.That(await MediaFile.CountAsync(video, "v"), Is.EqualTo(Frames));
        Assert.That(await MediaFile.CountAsync(audio, "a"), Is.EqualTo(stopped.AudioPackets));
    }

    // GStreamer does not take a URL with one part ("Host is not set"): a name of one part is an application with an empty key.
    [TestCase("demo", "demo/")]
    [TestCase("live/cam", "live/cam")]
    [TestCase("live/building/cam", "live/building/cam")]
    public async Task Rtmp2src_plays_a_name_of_one_two_or_three_parts(string name, string path)
    {
        await using var server = await LiveServer.StartAsync(ShortWait);
        server.Publish(name, await Clips.ShortAsync(), "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync(name, TimeSpan.FromMilliseconds(500));

        var (video, audio) = (server.NewFile("h264"), server.NewFile("aac"));
        var player = Play(server, path, video, audio);
        await Eventually.Async(
            () => player.HasExited || server.Snapshot(name)!.Consumers is [{ Packets.Delivered: > 100 }], "packets for rtmp2src");

        Assert.That(player.HasExited, Is.False, player.Output + player.Error);
        player.Interrupt(); // with -e this ends the files
        await player.WaitAsync();
        Assert.That(await MediaFile.CountAsync(video, "v"), Is.GreaterThan(25));
        Assert.That(await MediaFile.CountAsync(audio, "a"), Is.GreaterThan(25));
    }

    [Test]
    public async Task Rtmp2src_decodes_what_ffmpeg_publishes()
    {
        await using var server = await LiveServer.StartAsync(ShortWait);
        server.Publish("demo", await Clips.ShortAsync(), "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync("demo", TimeSpan.FromMilliseconds(500));
        var pictures = server.NewFile("gray");

        var player = server.Start(
            "gst-launch-1.0", "-e", "rtmp2src", $"location={server.Url("demo/")}", "!", "flvdemux", "name=d",
            "d.video", "!", "queue", "!", "h264parse", "!", "avdec_h264", "!", "videoconvert", "!", "video/x-raw,format=GRAY8", "!",
            "filesink", "async=false", $"location={pictures}", "d.audio", "!", "queue", "!", "aacparse", "!", "avdec_aac", "!", "fakesink",
            "async=false"); // a live pipeline must not wait until every sink has something: its queues hold one second

        await Eventually.Async(
            () => player.HasExited || (File.Exists(pictures) && new FileInfo(pictures).Length >= 320L * 180 * 30), "30 pictures");
        Assert.That(player.HasExited, Is.False, player.Output + player.Error);
    }

    private static ExternalTool Play(LiveServer server, string path, string video, string audio) => server.Start(
        "gst-launch-1.0", "-e", "rtmp2src", $"location={server.Url(path)}", "!", "flvdemux", "name=d",
        "d.video", "!", "queue", "!", "h264parse", "!", "video/x-h264,stream-format=byte-stream,alignment=au", "!", "filesink",
        $"location={video}",
        "d.audio", "!", "queue", "!", "aacparse", "!", "audio/mpeg,stream-format=adts", "!", "filesink", $"location={audio}");
}
