using System.Net;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp.Server;
using MediaGraph.Streams;
using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

/// <summary>Whole runs against this library's RTSP server, and across protocols.</summary>
[Category("Socket")]
[Parallelizable(ParallelScope.All)]
public sealed class RtspServerRunTests
{
    [TestCase("--audio")]
    [TestCase("--transport", "udp", "--audio")]
    [TestCase("--slow", "2", "--slow-rate", "0.2")]
    [TestCase("--stalled", "2")]
    [TestCase("--flood", "--viewers", "2")]
    [TestCase("--churn", "30")]
    [TestCase("--churn", "30", "--transport", "udp")]
    [TestCase("--idle", "20")]
    [TestCase("--streams", "3", "--viewers", "2", "--audio")]
    public Task This_library_s_server_behaves(params string[] arguments) => RunAsync(publishing: null, "rtsp", arguments);

    [TestCase("rtmp", "rtsp")]
    [TestCase("rtmp", "rtsp", "--transport", "udp")]
    [TestCase("rtmp", "rtsp", "--audio")]
    [TestCase("rtsp", "rtmp")]
    [TestCase("rtsp", "rtmp", "--audio")]
    public Task It_behaves_when_published_by_another_protocol(string publishing, string protocol, params string[] arguments) =>
        RunAsync(publishing, protocol, arguments);

    [TestCase("--stalled", "2")]
    [TestCase("--slow", "2", "--slow-rate", "1")]
    [NonParallelizable] // beside others nobody keeps up
    public async Task Who_does_not_keep_up_misses_frames_and_goes_on_at_a_keyframe(params string[] arguments)
    {
        // Several times what buffers hold.
        var report = await RunAsync(publishing: null, "rtsp", [.. arguments, "--viewers", "2", "--bitrate", "100", "--seconds", "3"]);
        var viewers = (report.Slow ?? report.Stalled)!;
        Assert.That(viewers.Faults, Is.EqualTo(new FrameFaults { Gaps = viewers.Faults.Gaps, Lost = viewers.Faults.Lost }));
        Assert.That(viewers.Faults.Gaps, Is.GreaterThanOrEqualTo(viewers.Viewers));
    }

    private static async Task<LoadReport> RunAsync(string? publishing, string protocol, string[] arguments)
    {
        await using var hub = new StreamHub();
        await using var rtmp = new RtmpServer(hub, new RtmpServerOptions { EndPoint = new(IPAddress.Loopback, 0) });
        await using var rtsp = new RtspServer(hub, new RtspServerOptions { EndPoint = new(IPAddress.Loopback, 0) });
        await rtmp.StartAsync();
        await rtsp.StartAsync();
        string[] elsewhere = publishing is null ? [] : ["--publish", Url(publishing)];
        var report = await new LoadRun(LoadOptions.Parse([
            Url(protocol), "--viewers", "3", "--bitrate", "1", "--fps", "60", "--gop", "10", "--warmup", "0", "--seconds", "1",
            .. elsewhere, .. arguments,
        ])!).RunAsync(CancellationToken.None);
        Assert.That(report.IsRight, Is.True, ReportFile.Write(report));
        return report;

        string Url(string scheme) => $"{scheme}://127.0.0.1:{(scheme == "rtsp" ? rtsp.LocalEndPoint : rtmp.LocalEndPoint)!.Port}/live";
    }
}
