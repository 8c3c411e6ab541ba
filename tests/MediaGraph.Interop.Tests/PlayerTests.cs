using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>ffprobe, rtmpdump, mpv and VLC on a live stream that ffmpeg publishes.</summary>
[Category("Socket")]
public sealed class PlayerTests
{
    private const string Stream = "live/cam";

    [Test]
    public async Task Ffprobe_finds_codecs_size_and_sample_rate()
    {
        await using var server = await PublishAsync(Stream);

        using var found = await MediaFile.ProbeAsync(server.Url(Stream), "-show_streams");

        var streams = found.RootElement.GetProperty("streams").EnumerateArray()
            .ToDictionary(s => s.GetProperty("codec_type").GetString()!, s => s);
        Assert.That(streams["video"].GetProperty("codec_name").GetString(), Is.EqualTo("h264"));
        Assert.That(streams["video"].GetProperty("width").GetInt32(), Is.EqualTo(320));
        Assert.That(streams["video"].GetProperty("height").GetInt32(), Is.EqualTo(180));
        Assert.That(streams["video"].GetProperty("avg_frame_rate").GetString(), Is.EqualTo("25/1"));
        Assert.That(streams["audio"].GetProperty("codec_name").GetString(), Is.EqualTo("aac"));
        Assert.That(streams["audio"].GetProperty("sample_rate").GetString(), Is.EqualTo("44100"));
    }

    // The publisher is halted, so the picture can only come from what the server kept.
    [Test]
    public async Task A_joiner_in_the_middle_of_a_group_of_10_s_has_a_picture_at_once()
    {
        await using var server = await LiveServer.StartAsync();
        var publisher = server.Publish(Stream, await Clips.LongGroupAsync(), "-re");
        await server.WaitForMediaAsync(Stream, TimeSpan.FromSeconds(3));
        publisher.Signal(19); // SIGSTOP

        using var found = await MediaFile.ProbeAsync(
            server.Url(Stream), "-analyzeduration", "1000000", "-select_streams", "v", "-read_intervals", "%+#10", "-show_frames");

        var frame = found.RootElement.GetProperty("frames")[0];
        Assert.That(frame.GetProperty("pict_type").GetString(), Is.EqualTo("I"));
        Assert.That(frame.GetProperty("key_frame").GetInt32(), Is.EqualTo(1));
        Assert.That(frame.GetProperty("width").GetInt32(), Is.EqualTo(320));
    }

    // rtmpdump refuses a URL with one part unless a playpath comes with it; slashes at the ends of a key do not count.
    [TestCase("live/cam")]
    [TestCase("demo", "--playpath", "/")]
    public async Task Rtmpdump_writes_a_file_that_ffprobe_reads(string name, params string[] options)
    {
        await using var server = await PublishAsync(name);
        var file = server.NewFile("flv");

        var player = server.Start("rtmpdump", ["-r", server.Url(name), "--live", "-o", file, .. options]);
        await server.WaitForConsumersAsync(name, 1);
        await server.WaitForDeliveryAsync(name, 150);
        player.Interrupt();
        await player.WaitAsync();

        var got = await MediaFile.ReadAsync(file);
        Assert.That((got.Video.Count, got.Audio.Count), Is.GreaterThan((25, 25)));
        Assert.That(got.Video[0].IsKeyframe);
    }

    [TestCase("live/cam")]
    [TestCase("demo")]
    public async Task Mpv_plays(string name)
    {
        await using var server = await PublishAsync(name);

        var player = server.Start(
            "mpv", "--no-config", "--vo=null", "--ao=null", "--frames=40", "--term-status-msg=at ${estimated-frame-number}",
            server.Url(name));
        var result = await player.WaitAsync();

        Assert.That(result.ExitCode, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Contain("Video").And.Contain("h264").And.Contain("aac"));
        await server.WaitForConsumersAsync(name, 0);
    }

    [TestCase("live/cam")]
    [TestCase("demo")]
    public async Task Vlc_plays(string name)
    {
        await using var server = await PublishAsync(name);
        var file = server.NewFile("ts");

        var player = server.StartWithoutRoot(
            "cvlc", "--ignore-config", "--run-time=4", "--sout", $"#std{{access=file,mux=ts,dst={file}}}", server.Url(name), "vlc://quit");
        await server.WaitForConsumersAsync(name, 1);
        await server.WaitForDeliveryAsync(name, 50);
        await player.WaitAsync();

        Assert.That(await MediaFile.CountAsync(file, "v"), Is.GreaterThan(25));
        Assert.That(await MediaFile.CountAsync(file, "a"), Is.GreaterThan(25));
    }

    [Test]
    public async Task Players_of_four_kinds_stay_while_a_killed_publisher_comes_back_and_end_when_it_does_not()
    {
        await using var server = await LiveServer.StartAsync(new StreamHubOptions { WaitForPublisher = TimeSpan.FromSeconds(10) });
        var clip = await Clips.HeavyAsync(); // its pictures are larger than the server's chunks of 65,536 bytes
        var publisher = server.Publish(Stream, clip, "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(200));
        var recording = server.NewFile("flv");
        var dump = server.NewFile("flv");
        ExternalTool[] players = [
            server.Record(Stream, recording),
            server.Start("mpv", "--no-config", "--vo=null", "--ao=null", server.Url(Stream)),
            server.Start("rtmpdump", "-r", server.Url(Stream), "--live", "-o", dump),
        ];
        await server.WaitForConsumersAsync(Stream, players.Length);
        await server.WaitForDeliveryAsync(Stream, 50);
        players = [.. players, server.Start(
            "gst-launch-1.0", "rtmp2src", $"location={server.Url(Stream)}", "!", "flvdemux", "name=d", "d.video", "!", "fakesink")];
        await server.WaitForConsumersAsync(Stream, players.Length);
        await server.WaitForDeliveryAsync(Stream, 20);
        var consumers = server.Snapshot(Stream)!.Consumers.Select(c => c.Id).ToList();
        var time = server.Snapshot(Stream)!.Tracks.Max(t => t.LastTime);

        await publisher.KillAsync();
        await Eventually.Async(
            () => server.Snapshot(Stream) is { Feed: null } s && s.Consumers.All(c => c.State == SubscriptionState.Waiting),
            "all players wait");
        publisher = server.Publish(Stream, clip, "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync(Stream, time + TimeSpan.FromMilliseconds(500));
        await server.WaitForDeliveryAsync(Stream, 50);
        Assert.That(server.Snapshot(Stream)!.Consumers.Select(c => c.Id), Is.EqualTo(consumers), "the same consumers");
        Assert.That(players.Select(p => p.HasExited), Has.All.False, "the same processes");

        await publisher.KillAsync();
        foreach (var player in players)
            await player.WaitAsync();
        var stopped = server.Events.OfType<PlayStopped>().ToList();
        Assert.That(stopped.Select(p => p.Reason.Code), Is.EqualTo(Enumerable.Repeat(CloseCode.PublisherLeft, players.Length)));
        var got = await MediaFile.ReadAsync(recording);
        foreach (var packets in new[] { got.Video, got.Audio })
            Assert.That(packets.Select(p => p.DecodeTime), Is.Ordered.And.Unique, "time goes on");
        var hashes = got.Video.Select(p => p.Hash).ToHashSet();
        var dumped = (await MediaFile.ReadAsync(dump)).Video;
        Assert.That(dumped, Is.Not.Empty);
        Assert.That(dumped.Count(p => hashes.Contains(p.Hash)), Is.GreaterThan(dumped.Count / 2), "large pictures are whole");
    }

    private static async Task<LiveServer> PublishAsync(string name)
    {
        var server = await LiveServer.StartAsync();
        server.Publish(name, await Clips.ShortAsync(), "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync(name, TimeSpan.FromMilliseconds(500));
        return server;
    }
}
