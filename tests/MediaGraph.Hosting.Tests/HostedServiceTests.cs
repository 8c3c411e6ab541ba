using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Media;
using MediaGraph.Rtmp.Diagnostics;
using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NUnit.Framework;

namespace MediaGraph.Hosting.Tests;

// Rows: I9.

[TestFixture]
[Category("Socket")]
[Parallelizable(ParallelScope.All)]
public sealed class HostedServiceTests
{
    [Test]
    public async Task A_host_listens_from_its_start_to_its_stop()
    {
        await using var host = new TestHost();
        await host.StartAsync();
        IPEndPoint[] endPoints = [host.Rtmp.LocalEndPoint!, host.Rtsp.LocalEndPoint!];
        foreach (var endPoint in endPoints)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(endPoint);
        }

        await host.StopAsync();
        foreach (var endPoint in endPoints)
        {
            using var late = new TcpClient();
            Assert.That(async () => await late.ConnectAsync(endPoint), Throws.InstanceOf<SocketException>());
        }

        Assert.That(() => host.Hub.Publish("live/cam"), Throws.InstanceOf<StreamException>());
        await host.StopAsync();
    }

    [Test]
    public async Task A_protocol_that_is_disabled_does_not_listen()
    {
        await using var host = new TestHost(new() { ["MediaGraph:Rtmp:Enabled"] = "false" });
        await host.StartAsync();
        Assert.That(host.Rtmp.LocalEndPoint, Is.Null);
        Assert.That(host.Rtsp.LocalEndPoint, Is.Not.Null);
        await using var other = new TestHost(new() { ["MediaGraph:Rtsp:Enabled"] = "false" });
        await other.StartAsync();
        Assert.That(other.Rtsp.LocalEndPoint, Is.Null);
        Assert.That(other.Rtmp.LocalEndPoint, Is.Not.Null);
    }

    [Test]
    public async Task Errors_of_the_configuration_fail_the_start()
    {
        await using var host = new TestHost(new() { ["MediaGraph:Demo"] = "1", ["MediaGraph:Rtmp:ChunkSize"] = "1" });
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(host.StartAsync);
        Assert.That(failure!.Failures.Count(), Is.EqualTo(2));
    }

    [Test]
    public async Task A_key_that_nothing_uses_is_a_warning()
    {
        await using var host = new TestHost(new() { ["MediaGraph:Http:Listen"] = "x" });
        await host.StartAsync();
        Assert.That(host.Log.Of(5000).Single().Message, Is.EqualTo("MediaGraph:Http is set, but nothing here uses it"));
    }

    [Test]
    public async Task A_port_in_use_fails_the_start_in_words_and_leaves_nothing_behind()
    {
        await using var first = new TestHost();
        await first.StartAsync();
        var address = first.Rtmp.LocalEndPoint!.ToString();
        await using var second = new TestHost(
            new() { ["MediaGraph:Rtmp:Listen"] = address }, media => media.AddDemo(TestHost.OpenDemo).AddRtmp());
        Assert.That(
            async () => await second.StartAsync(),
            Throws.InstanceOf<IOException>().With.Message.StartsWith($"RTMP cannot listen on {address}: "));
        Assert.That(second.Hub.GetSnapshot().Streams, Is.Empty);

        var rtspAddress = first.Rtsp.LocalEndPoint!.ToString();
        await using var third = new TestHost(new() { ["MediaGraph:Rtsp:Listen"] = rtspAddress });
        Assert.That(
            async () => await third.StartAsync(),
            Throws.InstanceOf<IOException>().With.Message.StartsWith($"RTSP cannot listen on {rtspAddress}: "));
        Assert.That(() => third.Hub.Publish("live/cam"), Throws.InstanceOf<StreamException>(), "what had started was stopped");
    }

    [Test]
    public async Task Two_hosts_in_one_process_know_nothing_of_each_other()
    {
        await using var one = new TestHost();
        await using var other = new TestHost();
        await one.StartAsync();
        await other.StartAsync();
        Assert.That(one.Rtmp.LocalEndPoint, Is.Not.EqualTo(other.Rtmp.LocalEndPoint));
        await using var feed = one.Hub.Publish("live/cam");
        await using var same = other.Hub.Publish("live/cam");
        await one.StopAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(other.Rtmp.LocalEndPoint!);
        Assert.That(other.Hub.Find("live/cam")!.IsPublished, Is.True);
    }

    [Test]
    public async Task I9_a_stop_with_an_idle_connection_is_no_overrun()
    {
        await using var host = new TestHost();
        await host.StartAsync();
        using var events = host.Hub.Events.Subscribe();
        using var client = new TcpClient();
        await client.ConnectAsync(host.Rtmp.LocalEndPoint!);
        await events.Reader.ReadAsync();
        await host.StopAsync();
        Assert.That(host.Rtmp.Connections, Is.Zero);
        Assert.That(await events.Reader.ReadAsync(), Is.InstanceOf<ConnectionClosed>());
    }

    [Test]
    public async Task I9_a_drain_that_overruns_cuts_what_is_left_and_says_so()
    {
        await using var host = new TestHost(new() { ["MediaGraph:DrainTimeout"] = "0.02" }); // a goodbye takes 0.25 s
        await host.StartAsync();
        using var events = host.Hub.Events.Subscribe();
        using var client = new TcpClient();
        await client.ConnectAsync(host.Rtmp.LocalEndPoint!);
        await events.Reader.ReadAsync();
        Assert.That(async () => await host.StopAsync(), Throws.InstanceOf<TimeoutException>().With.Message.Contains("0.02 s"));
        Assert.That(host.Log.Of(5004), Has.Count.EqualTo(1));
        await Eventually.EqualAsync(() => host.Rtmp.Connections, 0, "connections left");
    }

    [Test]
    public async Task All_meters_are_of_the_factory_among_the_services()
    {
        await using var host = new TestHost(configure: media =>
        {
            media.Services.AddMetrics();
            media.AddRtmp().AddRtsp();
        });
        await host.StartAsync();
        var factory = host.Services.GetRequiredService<IMeterFactory>();
        var ours = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Scope == factory)
                    ours.Add(instrument.Meter.Name);
            },
        };
        listener.Start();
        Assert.That(ours, Is.EquivalentTo(new[] { MetricNames.CoreMeter, RtmpMetricNames.Meter, RtspMetricNames.Meter }));
    }

    [Test]
    public async Task The_demo_plays_over_a_real_connection()
    {
        await using var host = new TestHost(configure: media => media.AddDemo(TestHost.OpenDemo).AddRtmp().AddRtsp());
        await host.StartAsync();
        foreach (var url in (string[])[$"rtmp://{host.Rtmp.LocalEndPoint}/demo", $"rtsp://{host.Rtsp.LocalEndPoint}/demo"])
        {
            var result = await ExternalTool.RunAsync(
                "ffprobe", ["-v", "error", "-read_intervals", "%+1", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0", url]);
            var streams = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.That(streams, Is.EquivalentTo(new[] { "h264,640", "aac" }), url + result.Error);
        }
    }

    [Test]
    public async Task What_RTSP_cannot_play_is_said_to_the_player_and_in_the_log()
    {
        await using var host = new TestHost();
        await host.StartAsync();
        await using var feed = host.Hub.Publish(
            "live/music", new Track(MediaKind.Audio, TrackDirection.SendOnly, [new Codec(MediaKind.Audio, CodecNames.Mp3, 44_100, 2)]),
            new Track(MediaKind.Data, TrackDirection.SendOnly, [new Codec(MediaKind.Data, CodecNames.RtmpData, 1000)]));
        (string Stream, string Answer)[] refusals =
        [
            ("live/nobody", "404 nobody publishes this stream"),
            ("live/music", "415 MP3 frames have no payload format here"),
        ];
        foreach (var (stream, answer) in refusals)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host.Rtsp.LocalEndPoint!);
            var request = $"DESCRIBE rtsp://{host.Rtsp.LocalEndPoint}/{stream} RTSP/1.0\r\nCSeq: 1\r\n\r\n";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
            using var reader = new StreamReader(client.GetStream());
            Assert.That(await reader.ReadLineAsync(), Is.EqualTo($"RTSP/1.0 {answer}"));
            await Eventually.Async(
                () => host.Log.Of(3011).Any(e => e.Message.EndsWith($"refused play: {answer[4..]}", StringComparison.Ordinal)), answer);
        }
    }

    [Test]
    public async Task The_demo_can_be_turned_off()
    {
        await using var host = new TestHost(
            new() { ["MediaGraph:Demo"] = "false" }, media => media.AddDemo(TestHost.OpenDemo).AddRtmp());
        await host.StartAsync();
        Assert.That(host.Hub.Find("demo"), Is.Null);
    }

    [Test]
    public async Task The_demo_comes_back_when_its_name_is_free_again()
    {
        var time = new FakeTimeProvider();
        await using var host = new TestHost(
            new() { ["MediaGraph:OnPublisherConflict"] = "Replace", ["MediaGraph:WaitForPublisher"] = "0" },
            media =>
            {
                media.Services.AddSingleton<TimeProvider>(time);
                media.AddDemo(TestHost.OpenDemo);
            });
        await host.StartAsync();
        await using (host.Hub.Publish("demo"))
        {
            await AdvanceUntil(() => host.Log.Of(5002).Count == 1, "the demo noticed");
        }

        await AdvanceUntil(() => host.Log.Of(5001).Count == 2, "the demo came back");
        await host.StopAsync();
        await Eventually.EqualAsync(() => time.ActiveTimers, 0, "timers");

        Task AdvanceUntil(Func<bool> condition, string what) =>
            time.AdvanceUntilAsync(condition, TimeSpan.FromMilliseconds(100), what);
    }

    [Test]
    public async Task An_authorizer_decides_who_publishes()
    {
        await using var host = new TestHost(configure: media =>
        {
            media.Services.AddSingleton<IStreamAuthorizer>(new TokenAuthorizer(new Secret("secret-4711")));
            media.AddRtmp();
        });
        await host.StartAsync();
        string[] Encoder(string query) =>
        [
            "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=5", "-t", "1", "-c:v", "libx264", "-f", "flv",
            $"rtmp://{host.Rtmp.LocalEndPoint}/live/cam{query}",
        ];
        var refused = await ExternalTool.RunAsync("ffmpeg", Encoder("?token=wrong-0815"));
        Assert.That(refused.ExitCode, Is.Not.Zero);
        using var events = host.Hub.Events.Subscribe();
        var allowed = await ExternalTool.RunAsync("ffmpeg", Encoder("?token=secret-4711"));
        Assert.That(allowed.ExitCode, Is.Zero, allowed.Error);
        Assert.That(await events.Reader.ReadAllAsync().OfType<PublishStarted>().FirstAsync(), Has.Property("Stream").EqualTo("live/cam"));
        Assert.That(host.Log.Entries.Select(entry => entry.ToString()), Has.None.Contains("4711").And.None.Contains("0815"));
    }

    [Test]
    public async Task A_player_proves_over_RTSP_that_it_knows_the_password()
    {
        await using var host = new TestHost(configure: media =>
        {
            var passwords = new Dictionary<string, Secret> { ["viewer"] = new("secret-4711") };
            media.Services.AddSingleton<IStreamAuthorizer>(new PasswordAuthorizer(passwords));
            media.AddDemo(TestHost.OpenDemo).AddRtsp();
        });
        await host.StartAsync();
        Task<ToolResult> ProbeAsync(string who) =>
            ExternalTool.RunAsync("ffprobe", ["-v", "error", "-rtsp_transport", "tcp", $"rtsp://{who}{host.Rtsp.LocalEndPoint}/demo"]);
        var refused = await ProbeAsync("viewer:wrong-0815@");
        Assert.That(refused.Error, Does.Contain("401"));
        Assert.That(host.Log.Of(3009), Is.Empty, "nobody plays");
        var allowed = await ProbeAsync("viewer:secret-4711@");
        Assert.That(allowed.ExitCode, Is.Zero, allowed.Error);
        Assert.That(host.Log.Of(3009), Has.Count.EqualTo(1));
        Assert.That(host.Log.Entries.Select(entry => entry.ToString()), Has.None.Contains("4711").And.None.Contains("0815"));
    }
}
