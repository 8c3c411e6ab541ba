using System.Net;
using MediaGraph.RtspRelay;
using NUnit.Framework;
using Tamper = System.Func<MediaGraph.LoadTest.Tests.RtpUnit, System.Collections.Generic.IEnumerable<MediaGraph.LoadTest.Tests.RtpUnit>?>;

namespace MediaGraph.LoadTest.Tests;

/// <summary>Whole runs over RTSP, against servers that behave and servers that do not.</summary>
[TestFixture("tcp")]
[TestFixture("udp")]
[Category("Socket")]
[Parallelizable(ParallelScope.All)]
public sealed class RtspRunTests(string transport)
{
    private const int Viewers = 3;
    private const int Gop = 10;

    private static FrameFaults None => default;

    private bool IsUdp => transport == "udp";

    [Test]
    public async Task A_server_that_behaves_is_right()
    {
        var report = await RunAsync(() => RtspTamperingServer.PassOn, "--audio");
        Assert.That(report.Steady.Faults, Is.EqualTo(None));
        Assert.That(report.Steady.Packets, Is.EqualTo(default(PacketFaults)));
        Assert.That(report.IsRight, Is.True, string.Join('\n', report.Failures));
        Assert.That(report.Bytes, Is.Positive);
        Assert.That(report.FirstPictureMs!.P50, Is.GreaterThan(report.ConnectMs!.P50));
    }

    [Test]
    public async Task A_frame_that_is_lost_is_a_gap_and_wrong_over_tcp_only()
    {
        var report = await RunAsync(() => AtFrames((number, unit) => number == 5 ? [] : [unit]));
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Gaps = Viewers, Lost = Viewers, MidGroupResumes = Viewers }));
        Assert.That(report.Steady.Packets!.Value.Lost, Is.GreaterThanOrEqualTo(3 * Viewers));
        Assert.That(report.IsRight, Is.EqualTo(IsUdp));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(-1)]
    public async Task A_packet_that_is_lost_tears_its_frame_over_tcp_and_loses_it_over_udp(int index)
    {
        var report = await RunAsync(() => AtFrames(
            (number, unit) => [number == 5 ? unit.Lose(index < 0 ? unit.Packets.Length - 1 : index) : unit]));
        Assert.That(
            report.Steady.Faults,
            Is.EqualTo(IsUdp ? None with { Gaps = Viewers, Lost = Viewers, MidGroupResumes = Viewers } : None with { Corrupt = Viewers }));
        Assert.That(report.Steady.Packets, Is.EqualTo(new PacketFaults { Lost = Viewers }));
        Assert.That(report.IsRight, Is.EqualTo(IsUdp));
    }

    [TestCase(0)]
    [TestCase(1)]
    public async Task A_torn_frame_whose_packets_look_whole_is_corruption(int index)
    {
        var report = await RunAsync(() =>
        {
            var hidden = 0;
            return AtFrames((number, unit) =>
            {
                if (number == 5)
                    (unit, hidden) = (unit.Hide(index), 1);
                else
                    unit = unit with { Packets = [.. unit.Packets.Select(packet => RtpUnit.Renumber(packet, -hidden))] };
                return [unit];
            });
        });
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Corrupt = Viewers }));
        Assert.That(report.Steady.Packets, Is.EqualTo(default(PacketFaults)));
        Assert.That(report.IsRight, Is.False);
    }

    [TestCase(1)]
    [TestCase(2, Description = "the last one")]
    public async Task Packets_that_change_places_tear_their_frame_over_tcp_and_lose_it_over_udp(int index)
    {
        var report = await RunAsync(() => AtFrames((number, unit) =>
        {
            byte[][] packets = [.. unit.Packets];
            if (number == 5)
                (packets[index], packets[index + 1]) = (packets[index + 1], packets[index]);
            return [unit with { Packets = packets }];
        }));
        Assert.That(
            report.Steady.Faults,
            Is.EqualTo(IsUdp ? None with { Gaps = Viewers, Lost = Viewers, MidGroupResumes = Viewers } : None with { Corrupt = Viewers }));
        Assert.That(report.Steady.Packets!.Value.Late, Is.EqualTo(Viewers));
        Assert.That(report.IsRight, Is.EqualTo(IsUdp));
    }

    [Test]
    public async Task Frames_that_change_places_are_reordered_over_tcp_and_late_over_udp()
    {
        var report = await RunAsync(() =>
        {
            RtpUnit? held = null;
            return AtFrames((number, unit) =>
            {
                if (number == 5)
                {
                    held = unit;
                    return [];
                }

                return number == 6 ? [unit, held!] : [unit];
            });
        });
        Assert.That(
            report.Steady.Faults,
            Is.EqualTo(IsUdp ? None with { Gaps = Viewers, Lost = Viewers, MidGroupResumes = Viewers } : None with { Reordered = Viewers }));
        Assert.That(report.Steady.Packets!.Value.Late, Is.GreaterThanOrEqualTo(Viewers));
        Assert.That(report.IsRight, Is.EqualTo(IsUdp));
    }

    [Test]
    public async Task A_packet_that_comes_again_is_late_and_wrong_over_tcp_only()
    {
        var report = await RunAsync(() => AtFrames(
            (number, unit) => [number == 5 ? unit with { Packets = [.. unit.Packets, unit.Packets[^1]] } : unit]));
        Assert.That(report.Steady.Faults, Is.EqualTo(None));
        Assert.That(report.Steady.Packets, Is.EqualTo(new PacketFaults { Late = Viewers }));
        Assert.That(report.IsRight, Is.EqualTo(IsUdp));
    }

    [Test]
    public async Task Frames_that_come_again_under_new_numbers_are_duplicates()
    {
        var report = await RunAsync(() =>
        {
            var step = 0;
            return AtFrames((number, unit) =>
            {
                var moved = unit with { Packets = [.. unit.Packets.Select(packet => RtpUnit.Renumber(packet, step))] };
                if (number != 5)
                    return [moved];
                step = unit.Packets.Length;
                return [moved, unit with { Packets = [.. unit.Packets.Select(packet => RtpUnit.Renumber(packet, step))] }];
            });
        });
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Duplicates = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_changed_byte_is_corruption_for_viewers_whose_content_is_compared()
    {
        var report = await RunAsync(
            () => AtFrames((number, unit) =>
            {
                if (number != 5)
                    return [unit];
                byte[][] packets = [.. unit.Packets];
                packets[1] = [.. packets[1][..^1], (byte)(packets[1][^1] ^ 0x20)];
                return [unit with { Packets = packets }];
            }),
            "--verify", "2");
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Corrupt = 2 }), "viewers 0 and 2");
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_start_in_mid_group_is_a_bad_start()
    {
        var report = await RunAsync(() => RtspTamperingServer.PassOn, startsAnywhere: true);
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { BadStarts = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_start_without_parameters_is_a_bad_start()
    {
        var report = await RunAsync(() => RtspTamperingServer.PassOn, describe: text =>
            text.Replace("sprop-", "x-", StringComparison.Ordinal));
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { BadStarts = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task Changed_parameters_are_corruption()
    {
        // Another picture parameter set: its base64 begins with aOvj.
        var report = await RunAsync(() => RtspTamperingServer.PassOn, describe: text =>
            text.Replace(",aOvj", ",aOvk", StringComparison.Ordinal));
        Assert.That(report.Steady.Faults, Is.EqualTo(None with { Corrupt = Viewers }));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_track_that_is_not_described_is_a_failure()
    {
        var report = await RunAsync(() => RtspTamperingServer.PassOn, describe: text =>
            text[..text.IndexOf("m=video", StringComparison.Ordinal)]);
        Assert.That(report.Steady.Failed, Is.EqualTo(Viewers));
        Assert.That(report.Failures, Has.Some.Contains("does not describe"));
    }

    [Test]
    public async Task A_frame_ends_where_the_time_changes_too()
    {
        var report = await RunAsync(() => AtFrames((number, unit) =>
        {
            byte[][] packets = [.. unit.Packets];
            if (number == 5)
                packets[^1] = [packets[^1][0], (byte)(packets[^1][1] & 0x7F), .. packets[^1][2..]];
            return [unit with { Packets = packets }];
        }));
        Assert.That(report.Steady.Faults, Is.EqualTo(None));
        Assert.That(report.IsRight, Is.True);
    }

    [Test]
    public async Task A_server_that_goes_silent_leaves_its_viewers_behind()
    {
        var report = await RunAsync(() => AtFrames((number, unit) => number < 5 ? [unit] : []), [], catchUpSeconds: 3);
        Assert.That(report.Steady.Behind, Is.EqualTo(Viewers));
        Assert.That(report.IsRight, Is.False);
    }

    [Test]
    public async Task A_server_that_ends_a_connection_has_failed_its_viewer()
    {
        var report = await RunAsync(() => AtFrames((number, unit) => number == 5 ? null : [unit]));
        Assert.That(report.Steady.Failed, Is.EqualTo(Viewers));
        Assert.That(report.Failures, Has.Length.EqualTo(1).And.One.Contains("closed the connection"));
        Assert.That(report.IsRight, Is.False);
    }

    [TestCase("--audio")]
    [TestCase("--streams", "3", "--viewers", "2", "--audio")]
    [TestCase("--churn", "30")]
    [TestCase("--idle", "20")]
    public async Task The_bare_relay_behaves(params string[] arguments)
    {
        using var relay = new Relay(new IPEndPoint(IPAddress.Loopback, 0));
        relay.Start();
        var report = await new LoadRun(Options(relay.EndPoint.Port, arguments)).RunAsync(CancellationToken.None);
        Assert.That(report.IsRight, Is.True, ReportFile.Write(report));
        Assert.That(report.Steady.Packets, Is.EqualTo(default(PacketFaults)));
        Assert.That(report.Bytes, Is.Positive);
    }

    private async Task<LoadReport> RunAsync(
        Func<Tamper> tampering, string[] arguments, bool startsAnywhere = false, Func<string, string>? describe = null,
        int catchUpSeconds = 30)
    {
        await using var server = new RtspTamperingServer(tampering, startsAnywhere, describe);
        server.Start();
        var run = new LoadRun(Options(server.Port, arguments)) { CatchUpLimit = TimeSpan.FromSeconds(catchUpSeconds) };
        return await run.RunAsync(CancellationToken.None);
    }

    private Task<LoadReport> RunAsync(Func<Tamper> tampering, params string[] arguments) =>
        RunAsync(tampering, arguments, false);

    private Task<LoadReport> RunAsync(
        Func<Tamper> tampering, bool startsAnywhere = false, Func<string, string>? describe = null) =>
        RunAsync(tampering, [], startsAnywhere, describe);

    // A frame is four packets.
    private LoadOptions Options(int port, string[] arguments) => LoadOptions.Parse([
        $"rtsp://127.0.0.1:{port}/live", "--transport", transport, "--viewers", $"{Viewers}", "--bitrate", "2.5", "--fps", "60",
        "--gop", $"{Gop}", "--warmup", "0", "--seconds", "1", .. arguments,
    ])!;

    // The video's frames are counted from the first that this viewer gets; the rest is passed on.
    private static Tamper AtFrames(Func<int, RtpUnit, IEnumerable<RtpUnit>?> tamper)
    {
        var number = -1;
        return unit => unit.IsVideo ? tamper(++number, unit) : [unit];
    }
}
