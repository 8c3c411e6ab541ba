using System.Net;
using MediaGraph.Rtmp.Server;
using MediaGraph.Streams;
using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

/// <summary>Whole runs over sockets, against servers that behave and servers that do not.</summary>
[TestFixture]
[Category("Socket")]
[Parallelizable(ParallelScope.All)]
public sealed class RunTests
{
    private const int Viewers = 3;
    private const int Gop = 10;

    private static FrameFaults None => default;

    [Test]
    public async Task A_server_that_behaves_is_right()
    {
        var report = await RunAsync(() => TamperingServer.PassOn, "--audio");
        Assert.That(report.Steady.Faults, Is.EqualTo(None));
        Assert.That(report.IsRight, Is.True, string.Join('\n', report.Failures));
        Assert.That(report.Bytes, Is.Positive);
        Assert.That(report.LatencyMs!.Max, Is.GreaterThanOrEqualTo(report.LatencyMs.P50));
        Assert.That(report.FirstPictureMs!.P50, Is.GreaterThan(report.ConnectMs!.P50));
    }

    [Test]
    public async Task Frames_that_are_dropped_up_to_a_keyframe_are_gaps()
    {
        var report = await RunAsync(() => AtFrames((number, message) => number is >= 5 and < Gop ? [] : [message]));
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Gaps = Viewers, Lost = Viewers * 5 }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task Frames_that_are_dropped_within_a_group_are_a_resume_in_mid_group_too()
    {
        var report = await RunAsync(() => AtFrames((number, message) => number == 5 ? [] : [message]));
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Gaps = Viewers, Lost = Viewers, MidGroupResumes = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task Frames_that_change_places_are_reordered_and_nothing_else()
    {
        var report = await RunAsync(() =>
        {
            MediaMessage? held = null;
            return AtFrames((number, message) =>
            {
                if (number == 5)
                {
                    held = message;
                    return [];
                }

                return number == 6 ? [message, held!] : [message];
            });
        });
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Reordered = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task Frames_that_come_twice_are_duplicates()
    {
        var report = await RunAsync(() => AtFrames((number, message) => number == 5 ? [message, message] : [message]));
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Duplicates = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_changed_byte_is_corruption_for_viewers_whose_content_is_compared()
    {
        var report = await RunAsync(() => AtFrames((number, message) => [number == 5 ? Flip(message, ^1) : message]), "--verify", "2");
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Corrupt = 2 }), "viewers 0 and 2");
        Assert.That(report.IsRight, Is.False);
    }

    [TestCase(0, Description = "the tag")]
    [TestCase(15, Description = "the number")]
    [TestCase(28, Description = "the length")]
    public async Task A_changed_byte_in_a_head_is_corruption_for_all(int index)
    {
        var report = await RunAsync(() => AtFrames((number, message) => [number == 5 ? Flip(message, index) : message]), "--verify", "1000");
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Corrupt = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_torn_frame_is_corruption()
    {
        var report = await RunAsync(() => AtFrames((number, message) => [number == 5 ? message with { Body = message.Body[..^10] } : message]));
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Corrupt = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_start_in_mid_group_is_a_bad_start()
    {
        var report = await RunAsync(() => TamperingServer.PassOn, startsAnywhere: true);
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { BadStarts = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_start_without_parameters_is_a_bad_start()
    {
        var report = await RunAsync(() => message => message.IsParameters ? [] : [message]);
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { BadStarts = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task Changed_parameters_are_corruption()
    {
        var report = await RunAsync(() => message => [message.IsParameters ? Flip(message, ^1) : message]);
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Corrupt = Viewers }));
    }

    [Test]
    public async Task A_server_that_ends_a_connection_has_failed_its_viewer()
    {
        var report = await RunAsync(() => AtFrames((number, message) => number == 5 ? null : [message]));
        Assert.That(report.Steady.Failed, Is.EqualTo(Viewers));
        Assert.That(report.Failures, Has.Length.EqualTo(1).And.One.Contains("closed the connection"));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_server_that_goes_silent_leaves_its_viewers_behind()
    {
        var report = await RunAsync(() => AtFrames((number, message) => number < 5 ? [message] : []), catchUpSeconds: 3);
        Assert.That(report.Steady.Faults, Is.EqualTo(None));
        Assert.That(report.Steady.Behind, Is.EqualTo(Viewers));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_server_that_sends_nothing_gives_no_picture()
    {
        var report = await RunAsync(() => _ => [], catchUpSeconds: 3);
        Assert.That(report.Steady.WithoutPicture, Is.EqualTo(Viewers));
        Assert.That(report.FirstPictureMs, Is.Null);
        Assert.That(report.LatencyMs, Is.Null);
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task Streams_that_are_mixed_up_are_corruption()
    {
        MediaMessage? foreign = null;
        var report = await RunAsync(
            () => AtFrames((number, message) =>
            {
                // The first viewer's frame, for all: it is wrong for those of the other stream.
                if (number != 1)
                    return [message];
                return [Interlocked.CompareExchange(ref foreign, message, null) ?? message];
            }),
            "--streams", "2", "--viewers", "1");
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Corrupt = 1 }));
    }

    [TestCase("--slow", "2", "--slow-rate", "0.2")]
    [TestCase("--stalled", "2")]
    [TestCase("--flood", "--viewers", "2")]
    [TestCase("--churn", "30")]
    [TestCase("--idle", "20")]
    [TestCase("--idle", "20", "--viewers", "0")]
    [TestCase("--streams", "3", "--viewers", "2", "--audio")]
    public async Task This_library_s_server_behaves(params string[] arguments)
    {
        await using var hub = new StreamHub();
        await using var server = new RtmpServer(hub, new RtmpServerOptions { EndPoint = new(IPAddress.Loopback, 0) });
        await server.StartAsync();
        var options = Options(server.LocalEndPoint!.Port, arguments);
        var report = await new LoadRun(options).RunAsync(CancellationToken.None);
        Assert.That(report.IsRight, Is.True, ReportFile.Write(report));
        Assert.That(report.Slow?.Viewers ?? 0, Is.EqualTo(options.Slow));
        Assert.That(report.Stalled?.Viewers ?? 0, Is.EqualTo(options.Stalled));
        Assert.That(report.Idle?.Viewers ?? 0, Is.EqualTo(options.Idle));
        Assert.That(report.Churn?.Connections ?? 0, Is.EqualTo(options.Churn));
        Assert.That(report.Steady.Viewers, Is.EqualTo((options.Streams * options.Viewers) - options.Slow - options.Stalled));
        Assert.That(report.Server, Is.Null);
    }

    [TestCase("--stalled", "2")]
    [TestCase("--slow", "2", "--slow-rate", "1")]
    [NonParallelizable] // beside others nobody keeps up
    public async Task Who_does_not_keep_up_misses_frames_and_goes_on_at_a_keyframe(params string[] arguments)
    {
        await using var hub = new StreamHub();
        await using var server = new RtmpServer(hub, new RtmpServerOptions { EndPoint = new(IPAddress.Loopback, 0) });
        await server.StartAsync();
        // Several times what buffers hold.
        var options = Options(server.LocalEndPoint!.Port, [.. arguments, "--viewers", "2", "--bitrate", "100", "--seconds", "3"]);
        var report = await new LoadRun(options).RunAsync(CancellationToken.None);
        var viewers = (report.Slow ?? report.Stalled)!;
        Assert.That(report.IsRight, Is.True, ReportFile.Write(report));
        Assert.That(viewers.Faults, Is.EqualTo(None with { Gaps = viewers.Faults.Gaps, Lost = viewers.Faults.Lost }));
        Assert.That(viewers.Faults.Gaps, Is.GreaterThanOrEqualTo(viewers.Viewers));
    }

    [Test]
    [NonParallelizable] // it counts the process's sockets
    public async Task A_server_s_process_is_measured_before_during_and_after()
    {
        await using var hub = new StreamHub();
        await using var server = new RtmpServer(hub, new RtmpServerOptions { EndPoint = new(IPAddress.Loopback, 0) });
        await server.StartAsync();
        string[] arguments = ["--viewers", "5", "--idle", "20", "--pid", $"{Environment.ProcessId}"];
        var report = await new LoadRun(Options(server.LocalEndPoint!.Port, arguments)).RunAsync(CancellationToken.None);
        Assert.That(report.IsRight, Is.True, ReportFile.Write(report));
        var (before, during, after) = (report.Server!.Before, report.Server.During, report.Server.After);
        Assert.That(before.Descriptors, Is.GreaterThan(before.Sockets));
        Assert.That(before.MemoryMb, Is.GreaterThan(10));
        // Both ends are this process's: two publishers, 5 viewers, 20 idle ones.
        Assert.That(during.Sockets, Is.EqualTo(before.Sockets + (2 * (2 + 5 + 20))));
        Assert.That(after.Sockets, Is.LessThanOrEqualTo(before.Sockets));
        Assert.That(report.Server.CpuSecondsPerGb, Is.Positive);
        Assert.That(report.Idle!.KibPerViewer, Is.Not.Null);
    }

    [Test]
    [NonParallelizable]
    public async Task A_server_s_process_is_measured_around_the_churn()
    {
        await using var hub = new StreamHub();
        await using var server = new RtmpServer(hub, new RtmpServerOptions { EndPoint = new(IPAddress.Loopback, 0) });
        await server.StartAsync();
        string[] arguments = ["--churn", "30", "--pid", $"{Environment.ProcessId}"];
        var report = await new LoadRun(Options(server.LocalEndPoint!.Port, arguments)).RunAsync(CancellationToken.None);
        Assert.That(report.IsRight, Is.True, ReportFile.Write(report));
        Assert.That(report.Churn!.LeftOpen, Is.Zero);
        Assert.That(report.Churn.Before!.Sockets, Is.GreaterThan(report.Server!.Before.Sockets), "with the viewers");
        Assert.That(report.Churn.After!.Sockets, Is.LessThanOrEqualTo(report.Churn.Before.Sockets));
    }

    [Test]
    public void A_process_that_is_not_there_is_said()
    {
        var run = new LoadRun(Options(1, ["--pid", $"{int.MaxValue}"]));
        Assert.That(async () => await run.RunAsync(CancellationToken.None), Throws.InstanceOf<IOException>().With.Message.Contains("--pid"));
    }

    [Test]
    public async Task A_refusal_is_said()
    {
        await using var hub = new StreamHub();
        await using var server = new RtmpServer(hub, new RtmpServerOptions { EndPoint = new(IPAddress.Loopback, 0) });
        await server.StartAsync();
        await using var taken = hub.Publish("live/load", MediaGraph.Media.Track.Aac([0x11, 0x90]));
        var run = new LoadRun(Options(server.LocalEndPoint!.Port, []));
        Assert.That(async () => await run.RunAsync(CancellationToken.None), Throws.InstanceOf<IOException>().With.Message.Contains("The server refused"));
    }

    private static async Task<LoadReport> RunAsync(
        Func<Func<MediaMessage, IEnumerable<MediaMessage>?>> tampering, string[] arguments, bool startsAnywhere = false,
        int catchUpSeconds = 30)
    {
        await using var server = new TamperingServer(tampering, startsAnywhere);
        server.Start();
        // No limit of time is waited for by a server that sends on.
        var run = new LoadRun(Options(server.Port, arguments)) { CatchUpLimit = TimeSpan.FromSeconds(catchUpSeconds) };
        return await run.RunAsync(CancellationToken.None);
    }

    private static Task<LoadReport> RunAsync(
        Func<Func<MediaMessage, IEnumerable<MediaMessage>?>> tampering, params string[] arguments) => RunAsync(tampering, arguments, false);

    private static Task<LoadReport> RunAsync(
        Func<Func<MediaMessage, IEnumerable<MediaMessage>?>> tampering, bool startsAnywhere) => RunAsync(tampering, [], startsAnywhere);

    private static Task<LoadReport> RunAsync(
        Func<Func<MediaMessage, IEnumerable<MediaMessage>?>> tampering, int catchUpSeconds) =>
        RunAsync(tampering, [], false, catchUpSeconds);

    private static LoadOptions Options(int port, string[] arguments) => LoadOptions.Parse([
        $"rtmp://127.0.0.1:{port}/live", "--viewers", $"{Viewers}", "--bitrate", "1", "--fps", "60", "--gop", $"{Gop}", "--warmup", "0", "--seconds", "1",
        .. arguments,
    ])!;

    // The video's frames are counted from the first that this viewer gets; the rest is passed on.
    private static Func<MediaMessage, IEnumerable<MediaMessage>?> AtFrames(Func<int, MediaMessage, IEnumerable<MediaMessage>?> tamper)
    {
        var number = -1;
        return message => message.IsVideo && !message.IsParameters ? tamper(++number, message) : [message];
    }

    private static MediaMessage Flip(MediaMessage message, Index index)
    {
        byte[] body = [.. message.Body];
        body[index] ^= 0x20;
        return message with { Body = body };
    }
}
