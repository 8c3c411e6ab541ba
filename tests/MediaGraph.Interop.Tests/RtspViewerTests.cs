using System.Globalization;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>What the matrix has not: ffmpeg that chooses the transport itself, and codecs that only some tools know.</summary>
public sealed class RtspViewerTests
{
    private const string Stream = "live/cam";
    private const int Frames = 40; // at least, of those that are compared

    private static readonly StreamHubOptions ShortWait = new() { WaitForPublisher = TimeSpan.FromSeconds(1) };
    private static readonly string[] Ffmpeg = ["-nostdin", "-hide_banner", "-loglevel", "warning"];

    // How long it waits for datagrams is the limit of all that it waits for.
    [TestCase(false, TestName = "ffmpeg plays over UDP unless it is told otherwise")]
    [TestCase(true, TestName = "ffmpeg plays over TCP when no datagram comes through")]
    public async Task Ffmpeg_finds_a_transport(bool isCutOff)
    {
        await using var server = await LiveServer.StartAsync();
        server.Publish(Stream, await Clips.ShortAsync(), "-re", "-stream_loop", "-1");
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(500));
        await using var way = new WayWithoutUdp(new Uri(server.RtspUrl(Stream)).Port);
        var url = isCutOff ? string.Create(CultureInfo.InvariantCulture, $"rtsp://127.0.0.1:{way.Port}/{Stream}") : server.RtspUrl(Stream);
        var file = server.NewFile("framehash");

        var viewer = server.Start("ffmpeg", [
            .. Ffmpeg, "-timeout", "5000000", "-min_port", "20000", "-max_port", "30000", "-i", url, .. MediaFormat.H264Aac44.HashOptions,
            file]);
        await Eventually.Async(() => viewer.HasExited || HasSeen(file), "it has seen the stream");
        var error = viewer.Error;
        if (!viewer.HasExited)
            viewer.Interrupt();
        await viewer.WaitAsync();

        Assert.That(File.Exists(file) && HasSeen(file), Is.True, viewer.Output + viewer.Error);
        Assert.That(error.Contains("retrying with TCP", StringComparison.Ordinal), Is.EqualTo(isCutOff), error);

        static bool HasSeen(string file) => File.Exists(file)
            && FrameHashes.Parse(File.ReadLines(file)) is { Video.Count: > Frames, Audio.Count: > Frames };
    }

    // Nobody here cuts AV1 into RTP packets or puts it together: ffmpeg does so from 7.1 on, GStreamer with plugins of its own.
    [TestCase("vp8", "rtpvp8depay")]
    [TestCase("vp9", null)]
    [TestCase("L16", null)]
    [TestCase("mp3", null)]
    [TestCase("ac3", "rtpac3depay ! ac3parse")]
    [RetryForGStreamer]
    public async Task A_codec_that_RTMP_has_not_is_published_and_watched(string codec, string? depayloader)
    {
        var clip = await Clips.OneTrackAsync(codec);
        var source = All(await HashAsync(clip));
        await using var server = await LiveServer.StartAsync(ShortWait);
        var url = server.RtspUrl(Stream);
        var sink = $"rtspclientsink name=s location={url} protocols=tcp filesrc location={clip} ! matroskademux ! ac3parse ! queue ! s.";
        var publisher = codec == "ac3" // which ffmpeg reads from RTP, and does not write
            ? server.Start("gst-launch-1.0", ["-e", .. sink.Split(' ')])
            : server.Start("ffmpeg", [
                .. Ffmpeg, "-re", "-i", clip, "-c", "copy", "-strict", "experimental", "-f", "rtsp", "-rtsp_transport", "tcp", url]);
        await Eventually.Async(() => publisher.HasExited || server.Snapshot(Stream)?.Feed is not null, "the publisher publishes");
        Assert.That(publisher.HasExited, Is.False, publisher.Output + publisher.Error);
        await server.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(500));

        var hashes = server.NewFile("framehash");
        var viewer = server.Start("ffmpeg", [.. Ffmpeg, "-rtsp_transport", "tcp", "-i", url, .. HashOptions, hashes]);
        var file = server.NewFile("mkv");
        if (depayloader is not null)
        {
            var pipeline = $"rtspsrc location={url} protocols=tcp ! {depayloader} ! matroskamux ! filesink location={file}";
            server.Start("gst-launch-1.0", ["-e", .. pipeline.Split(' ')]);
        }

        var recorder = depayloader is null ? null : server.LastStarted;
        await server.WaitForConsumersAsync(Stream, recorder is null ? 1 : 2);
        await server.WaitForDeliveryAsync(Stream, 1);
        await server.WaitForMediaAsync(Stream, server.Snapshot(Stream)!.Tracks.Max(track => track.LastTime) + TimeSpan.FromSeconds(3));
        if (codec == "ac3")
            await publisher.KillAsync();
        else
            publisher.Interrupt();

        await viewer.WaitAsync();
        AssertPart(All(FrameHashes.Parse(await File.ReadAllLinesAsync(hashes))), source, "ffmpeg");
        if (recorder is null)
            return;
        await Viewer.EndGStreamerAsync(recorder);
        AssertPart(All(await HashAsync(file)), source, "GStreamer");
    }

    // What ffmpeg takes from RTP as VP9 has no mark at its keyframes, for which it would wait.
    private static string[] HashOptions { get; } =
        ["-map", "0", "-c", "copy", "-copyinkf", "-flush_packets", "1", "-f", "framehash", "-hash", "md5", "-y"];

    private static List<string> All(FrameHashes hashes) => [.. hashes.Video.Concat(hashes.Audio).Select(frame => frame.Hash)];

    private static async Task<FrameHashes> HashAsync(string file)
    {
        var result = await ExternalTool.RunAsync("ffmpeg", [.. Ffmpeg, "-i", file, .. HashOptions, "-"]);
        return FrameHashes.Parse(result.Output.Split('\n')); // of what was cut short the end is missing
    }

    private static void AssertPart(List<string> got, List<string> source, string who)
    {
        Assert.That(got, Has.Count.GreaterThan(Frames), who);
        var start = source.IndexOf(got[1]); // a parser may make the first of half a frame
        Assert.That(start, Is.Not.Negative, $"{who}: its frames are the source's");
        var part = got[1..^1];
        Assert.That(part, Is.EqualTo(source.Skip(start).Take(part.Count)), who);
    }
}
