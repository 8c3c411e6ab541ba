using MediaGraph.Delivery;
using MediaGraph.Events;
using MediaGraph.Rtmp.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

// Rows: I2, I3, J3, M3.

/// <summary>ffmpeg publishes and ffmpeg plays.</summary>
[Category("Socket")]
public sealed class FfmpegTests
{
    private const string Stream = "live/cam";

    // Whoever publishes by code keeps the name until ffmpeg takes it over: so a viewer can be there before the first packet.
    private static readonly StreamHubOptions Replacing = new()
    {
        OnPublisherConflict = PublisherConflict.Replace,
        WaitForPublisher = TimeSpan.FromSeconds(1),
    };

    private static IEnumerable<TestCaseData> AllClips()
    {
        yield return Case("H264 with B-frames and AAC", Clips.ShortAsync);
        yield return Case("H264 and MP3", Clips.Mp3Async);
        yield return Case("H264 alone", Clips.SilentAsync);
        yield return Case("AAC alone", Clips.SoundOnlyAsync);

        static TestCaseData Case(string name, Func<Task<string>> clip) => new TestCaseData(clip).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(AllClips))]
    public async Task What_ffmpeg_publishes_another_ffmpeg_gets_frame_by_frame(Func<Task<string>> clip)
    {
        var source = await clip();
        await using var server = await LiveServer.StartAsync(Replacing);
        await using var place = server.Hub.Publish(Stream);
        var recording = server.NewFile("flv");
        var player = server.Record(Stream, recording);
        await server.WaitForConsumersAsync(Stream, 1);

        var published = await server.Publish(Stream, source).WaitAsync();
        var played = await player.WaitAsync();

        Assert.That(published.ExitCode, Is.Zero, published.Error);
        Assert.That(played.ExitCode, Is.Zero, played.Error);
        var (sent, got) = (await MediaFile.ReadAsync(source), await MediaFile.ReadAsync(recording));
        var video = ProbedPackets.AssertSame(got.Video, sent.Video, "video");
        var audio = ProbedPackets.AssertSame(got.Audio, sent.Audio, "audio");
        if (sent.Video.Count > 0 && sent.Audio.Count > 0)
            Assert.That(audio, Is.EqualTo(video), "sound and picture stay together");
        var stopped = server.Events.OfType<PublishStopped>().Last();
        Assert.That((stopped.VideoPackets, stopped.AudioPackets), Is.EqualTo((sent.Video.Count, sent.Audio.Count)));
    }

    [Test]
    public async Task A_late_joiner_gets_the_rest_from_a_keyframe_on_without_gap_or_duplicate()
    {
        await using var server = await LiveServer.StartAsync(Replacing);
        await using var place = server.Hub.Publish(Stream);
        var (firstFile, lateFile) = (server.NewFile("flv"), server.NewFile("flv"));
        var first = server.Record(Stream, firstFile);
        await server.WaitForConsumersAsync(Stream, 1);

        var publisher = server.Publish(Stream, await Clips.ShortAsync(), "-re");
        await server.WaitForMediaAsync(Stream, TimeSpan.FromSeconds(1.5));
        var late = server.Record(Stream, lateFile);
        await Task.WhenAll(publisher.WaitAsync(), first.WaitAsync(), late.WaitAsync());

        var (all, rest) = (await MediaFile.ReadAsync(firstFile), await MediaFile.ReadAsync(lateFile));
        ProbedPackets.AssertSuffix(rest.Video, all.Video, "video");
        ProbedPackets.AssertSuffix(rest.Audio, all.Audio, "audio");
        Assert.That(rest.Video[0].IsKeyframe);
        Assert.That(rest.Video, Has.Count.LessThan(all.Video.Count).And.Count.GreaterThan(1));
        Assert.That(rest.Audio[0].DecodeTime, Is.EqualTo(rest.Video[0].DecodeTime).Within(100), "sound from the same moment on");
    }

    [Test]
    public async Task J3_ffmpeg_plays_20_MB_and_is_not_cut()
    {
        // The publisher is faster than any real one; the viewer's bounds are not what is tested.
        var queue = new PacketQueueOptions { MaxBytes = 64 << 20, MaxAge = TimeSpan.FromMinutes(1) };
        await using var server = await LiveServer.StartAsync(rtmp: new RtmpServerOptions { Queue = queue });
        server.Publish(Stream, await Clips.HeavyAsync(), "-readrate", "4", "-stream_loop", "-1");
        await server.WaitForMediaAsync(Stream, TimeSpan.Zero);
        var player = server.Start("ffmpeg", "-nostdin", "-loglevel", "warning", "-i", server.Url(Stream), "-c", "copy", "-f", "null", "-");
        await server.WaitForConsumersAsync(Stream, 1);

        await Eventually.Async(
            () => server.Snapshot(Stream)!.Consumers is [{ Packets.DeliveredBytes: >= 20_000_000 }], "20 MB for the player");

        Assert.That(player.HasExited, Is.False, player.Error);
        var packets = server.Snapshot(Stream)!.Consumers[0].Packets;
        Assert.That((packets.DroppedByOverflow, packets.DroppedAwaitingKeyframe, packets.DroppedByClose), Is.EqualTo((0, 0, 0)));
    }

    [Test]
    public async Task A_player_that_stops_reading_harms_nobody_and_resumes_at_a_keyframe()
    {
        var queue = new PacketQueueOptions { MaxBytes = 2 << 20, MaxAge = TimeSpan.FromSeconds(2) };
        await using var server = await LiveServer.StartAsync(Replacing, new RtmpServerOptions { Queue = queue });
        var publisher = server.Publish(Stream, await Clips.HeavyAsync(), "-readrate", "3", "-stream_loop", "-1");
        await server.WaitForMediaAsync(Stream, TimeSpan.Zero);
        var (healthyFile, stalledFile) = (server.NewFile("flv"), server.NewFile("flv"));
        var healthy = server.Record(Stream, healthyFile);
        await server.WaitForConsumersAsync(Stream, 1);
        var healthyId = server.Snapshot(Stream)!.Consumers[0].Id;
        var stalled = server.Record(Stream, stalledFile);
        await server.WaitForConsumersAsync(Stream, 2);
        await server.WaitForDeliveryAsync(Stream, 50);

        stalled.Signal(19); // SIGSTOP
        await Eventually.Async(() => Of(c => c.Id != healthyId).Packets.DroppedByOverflow > 100, "the stalled player loses packets");
        stalled.Signal(18); // SIGCONT
        var had = Of(c => c.Id != healthyId).Packets.DeliveredBytes;
        await Eventually.Async(() => Of(c => c.Id != healthyId).Packets.DeliveredBytes > had + (10 << 20), "it gets pictures again");
        Assert.That(Of(c => c.Id == healthyId).Packets.DroppedByOverflow, Is.Zero, "the other one lost nothing");
        publisher.Interrupt();
        await Task.WhenAll(healthy.WaitAsync(), stalled.WaitAsync());

        var (all, some) = (await MediaFile.ReadAsync(healthyFile), await MediaFile.ReadAsync(stalledFile));
        var index = all.Video.Select((p, i) => (p.DecodeTime, i)).ToDictionary(p => p.DecodeTime, p => p.i);
        var gaps = 0;
        foreach (var (before, after) in some.Video.Zip(some.Video.Skip(1)).Where(p => index.ContainsKey(p.First.DecodeTime)))
        {
            if (index[after.DecodeTime] == index[before.DecodeTime] + 1)
                continue;
            gaps++;
            Assert.That(index[after.DecodeTime], Is.GreaterThan(index[before.DecodeTime]));
            Assert.That(after.IsKeyframe, "what follows a gap is a keyframe");
        }

        Assert.That(gaps, Is.Positive, $"{some.Video.Count} of {all.Video.Count} packets");

        SubscriptionSnapshot Of(Func<SubscriptionSnapshot, bool> which) => server.Snapshot(Stream)!.Consumers.Single(which);
    }

    [Test]
    public async Task I2_the_name_of_a_killed_publisher_is_free()
    {
        await using var server = await LiveServer.StartAsync();
        var clip = await Clips.ShortAsync();
        var first = server.Publish(Stream, clip, "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(200));

        await first.KillAsync();
        await Eventually.Async(() => server.Hub.Find(Stream)?.IsPublished != true, "the name is free");
        server.Publish(Stream, clip, "-re", "-stream_loop", "-1");

        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(200));
        Assert.That(server.Events.OfType<PublishStarted>().Count(), Is.EqualTo(2));
    }

    [Test]
    public async Task I3_a_killed_player_is_no_consumer_any_more()
    {
        await using var server = await LiveServer.StartAsync();
        server.Publish(Stream, await Clips.ShortAsync(), "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync(Stream, TimeSpan.Zero);
        var player = server.Record(Stream, server.NewFile("flv"));
        await server.WaitForConsumersAsync(Stream, 1);
        await server.WaitForDeliveryAsync(Stream, 10);

        await player.KillAsync();

        await server.WaitForConsumersAsync(Stream, 0);
        await Eventually.EqualAsync(() => server.Connections, 1, "connections: the publisher's");
    }

    [TestCase("ffmpeg")]
    [TestCase("rtmpdump")]
    public async Task M3_who_plays_what_nobody_publishes_ends_with_an_error(string program)
    {
        await using var server = await LiveServer.StartAsync();
        var player = program == "ffmpeg"
            ? server.Record("live/nothing", server.NewFile("flv"))
            : server.Start("rtmpdump", "-r", server.Url("live/nothing"), "--live", "-o", server.NewFile("flv"));

        var result = await player.WaitAsync();

        Assert.That(result.ExitCode, Is.Not.Zero, result.Error);
        await Eventually.EqualAsync(() => server.Connections, 0, "connections");
    }

    [Test]
    public async Task A_second_publisher_is_refused_and_the_first_goes_on()
    {
        await using var server = await LiveServer.StartAsync();
        var clip = await Clips.ShortAsync();
        var first = server.Publish(Stream, clip, "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(200));

        var second = await server.Publish(Stream, clip, "-re").WaitAsync();

        Assert.That(second.ExitCode, Is.Not.Zero);
        Assert.That(first.HasExited, Is.False, first.Error);
        var time = server.Snapshot(Stream)!.Tracks.Max(t => t.LastTime);
        await server.WaitForMediaAsync(Stream, time + TimeSpan.FromMilliseconds(200));
    }
}
