using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtsp.Client;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

// Rows: S16, S17, S18, M7, M8.

/// <summary>A hub pushes to our own servers, and to ffmpeg's, by RTMP and by RTSP over real sockets.</summary>
[Category("Socket")]
[NonParallelizable] // the sockets of the whole process are counted
public sealed class HubRelayTests
{
    private const string Stream = "live/cam";

    [TestCase("rtmp")]
    [TestCase("rtsp")]
    public async Task S16_A_destination_that_restarts_is_fed_again_and_nothing_is_left_at_the_end(string scheme)
    {
        var sockets = OpenSockets.Count();
        await using (var f = new Fixture())
        {
            var there = await Destination.StartAsync(scheme);
            await f.AddStreamAsync(await Clips.ShortAsync());
            var relay = f.Hub.AddRelay(Stream, there.Url("in/there"));
            await there.WaitForMediaAsync("in/there");
            Assert.That((relay.State, there.Hub.Find("in/there")!.Receivers.Length > 1), Is.EqualTo((RelayState.Live, true)));
            var port = there.Port;
            await there.DisposeAsync();
            await Eventually.EqualAsync(() => relay.State, RelayState.BackingOff, "the state");

            await using var again = await Destination.StartAsync(scheme, port);
            await again.WaitForMediaAsync("in/there");
            Assert.That(relay.GetSnapshot().Failures, Is.GreaterThan(0));
            await relay.DisposeAsync();
            await Eventually.Async(() => again.Hub.Find("in/there")?.IsPublished != true, "the stream's end there");
        }

        await Eventually.Async(() => OpenSockets.Count() <= sockets, "sockets");
    }

    [TestCase("rtmp")]
    [TestCase("rtsp")]
    public async Task M8_A_destination_that_refuses_hurts_no_other_and_is_fed_when_it_agrees(string scheme)
    {
        await using var f = new Fixture();
        await using var there = await Destination.StartAsync(scheme);
        var other = there.Hub.Publish("in/taken");
        await f.Hub.SetStreamAsync(new StreamDefinition(Stream)
        {
            Sources = [$"file:{await Clips.ShortAsync()}"],
            PushTo = [there.Url("in/taken"), there.Url("in/free")],
        });
        await there.WaitForMediaAsync("in/free");
        await Eventually.Async(() => Taken().Failures >= 2, "two refusals");
        var snapshot = Taken();
        Assert.That(snapshot.State, Is.AnyOf(RelayState.BackingOff, RelayState.Connecting));
        Assert.That(snapshot.Reason!.Code, Is.EqualTo(CloseCode.Refused));
        Assert.That(f.Hub.GetSnapshot().Relays.Count(relay => relay is { State: RelayState.Live, Failures: 0 }), Is.EqualTo(1));
        await other.DisposeAsync();
        await there.WaitForMediaAsync("in/taken");

        Assert.That(await f.Hub.RemoveStreamAsync(Stream), Is.True);
        Assert.That((f.Hub.GetSnapshot().Relays.Length, f.Connections), Is.EqualTo((0, 0)));

        RelaySnapshot Taken() => f.Hub.GetSnapshot().Relays.Single(relay => relay.Failures > 0 || relay.State != RelayState.Live);
    }

    [TestCase("rtmp")]
    [TestCase("rtsp")]
    public async Task M8_A_destination_that_accepts_and_says_nothing_is_given_up_and_its_connection_closed(string scheme)
    {
        await using var f = new Fixture(new RelayOptions { ConnectLimit = TimeSpan.FromSeconds(1) });
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await f.AddStreamAsync(await Clips.ShortAsync());
        var relay = f.Hub.AddRelay(Stream, Url(scheme, ((IPEndPoint)listener.LocalEndpoint).Port, "in/there"));
        for (var i = 0; i < 2; i++)
        {
            using var accepted = await listener.AcceptTcpClientAsync().WaitAsync(Eventually.DefaultLimit);
            await DrainAsync(accepted);
        }

        await Eventually.Async(() => relay.GetSnapshot().Failures >= 2, "the failures");
        Assert.That(relay.GetSnapshot().Packets.Offered, Is.Zero, "nothing was queued for it");
        await relay.DisposeAsync();
        Assert.That(f.Connections, Is.Zero);
    }

    [TestCase("rtmp")]
    [TestCase("rtsp")]
    public async Task A_destination_that_stalls_is_cut_and_tried_again_and_viewers_lose_nothing(string scheme)
    {
        await using var f = new Fixture();
        await using var there = await Destination.StartAsync(scheme);
        await using var way = new StallingWay(there.Port);
        await f.AddStreamAsync(await Clips.HeavyAsync());
        using var stop = new CancellationTokenSource();
        var viewer = ViewAsync(f.Hub, stop.Token);
        var relay = f.Hub.AddRelay(Stream, Url(scheme, way.Port, "in/there"));
        await there.WaitForMediaAsync("in/there");
        way.Stall();
        await Eventually.Async(() => relay.GetSnapshot().Failures > 0, "the end of patience");
        Assert.That(relay.GetSnapshot().Packets.DroppedByOverflow + relay.GetSnapshot().Packets.DroppedByClose, Is.GreaterThan(0));
        await Eventually.Async(() => relay.GetSnapshot() is { Sessions: > 1, State: RelayState.Live }, "the next session");
        var watched = f.Hub.Find(Stream)!.GetSnapshot().Consumers.Single(consumer => consumer.RemoteEndPoint is null).Packets;
        Assert.That((watched.DroppedByOverflow, watched.Delivered > 100), Is.EqualTo((0L, true)), "what the viewer lost");
        await stop.CancelAsync();
        await viewer;
    }

    [Test]
    public async Task S16_A_thousand_failing_connects_leave_no_socket()
    {
        var sockets = OpenSockets.Count();
        var pause = TimeSpan.FromMilliseconds(100);
        await using (var f = new Fixture(new RelayOptions { MinBackoff = pause, MaxBackoff = pause, MaxSessionsPerMinute = 6000 }))
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            using var stop = new CancellationTokenSource();
            var hangingUp = HangUpAsync(listener, stop.Token);
            using var closed = new ClosedPort();
            int[] ports = [closed.Port, ((IPEndPoint)listener.LocalEndpoint).Port];
            await f.AddStreamAsync(await Clips.ShortAsync());
            for (var i = 0; i < 40; i++)
                f.Hub.AddRelay(Stream, Url(i % 2 == 0 ? "rtmp" : "rtsp", ports[i / 2 % 2], $"in/{i}"));
            await Eventually.Async(
                () => f.Hub.GetSnapshot().Relays.Sum(relay => relay.Failures) >= 1000, "a thousand failures", TimeSpan.FromMinutes(2));
            Assert.That(f.Hub.GetSnapshot().Relays.Min(relay => relay.Failures), Is.GreaterThan(5));
            await f.Hub.RemoveStreamAsync(Stream);
            Assert.That(f.Connections, Is.Zero);
            await stop.CancelAsync();
            await hangingUp;
        }

        await Eventually.Async(() => OpenSockets.Count() <= sockets, "sockets");
    }

    [Test]
    public async Task A_relay_to_ffmpegs_listener_arrives_frame_by_frame_from_a_keyframe_on()
    {
        await using var f = new Fixture();
        await using var server = await LiveServer.StartAsync();
        var (port, file) = (FreePort.Find(), server.NewFile("flv"));
        var relay = f.Hub.AddRelay(Stream, Url("rtmp", port, "live/in"));
        var listener = server.Start("ffmpeg", [
            "-nostdin", "-hide_banner", "-loglevel", "warning", "-copyts", "-listen", "1", "-i", Url("rtmp", port, "live/in"), "-c", "copy",
            "-copytb", "1", "-y", file]);
        await LiveServer.WaitForListenerAsync(port);
        await f.AddStreamAsync(await Clips.ShortAsync(), loop: false);
        await Eventually.Async(() => relay.GetSnapshot().Packets.Delivered > 0, "media");
        await listener.WaitAsync();
        var (sent, got) = (await MediaFile.ReadAsync(await Clips.ShortAsync()), await MediaFile.ReadAsync(file));
        Assert.That((got.Video.Count > 40, got.Video[0].IsKeyframe), Is.EqualTo((true, true)), "from a keyframe on");
        var video = ProbedPackets.AssertSame(got.Video, [.. sent.Video.TakeLast(got.Video.Count)], "video");
        var audio = ProbedPackets.AssertSame(got.Audio, [.. sent.Audio.TakeLast(got.Audio.Count)], "audio");
        Assert.That(audio, Is.EqualTo(video), "sound and picture stay together");
        await relay.DisposeAsync();
    }

    private static string Url(string scheme, int port, string stream) =>
        string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}/{stream}");

    private static async Task HangUpAsync(TcpListener listener, CancellationToken stop)
    {
        try
        {
            while (true)
                (await listener.AcceptSocketAsync(stop)).Dispose();
        }
        catch (OperationCanceledException)
        {
            // enough
        }
    }

    private static async Task DrainAsync(TcpClient accepted)
    {
        var buffer = new byte[4096];
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        try
        {
            while (await accepted.GetStream().ReadAsync(buffer, limit.Token) > 0)
            {
                // until the other end closes
            }
        }
        catch (IOException)
        {
            // it was reset
        }
    }

    private static async Task ViewAsync(StreamHub hub, CancellationToken stop)
    {
        try
        {
            await foreach (var batch in hub.Subscribe(Stream, stop))
                batch.Dispose();
        }
        catch (OperationCanceledException)
        {
            // enough
        }
    }

    /// <summary>The hub that pushes.</summary>
    private sealed class Fixture : IAsyncDisposable
    {
        private readonly TestLog _log = new();
        private readonly RtmpClient _rtmp;
        private readonly RtspClient _rtsp;

        public Fixture(RelayOptions? options = null)
        {
            Hub = new StreamHub(new StreamHubOptions { Relays = options ?? new RelayOptions() }, _log);
            _rtmp = new RtmpClient(Hub, new RtmpClientOptions { WriteTimeout = TimeSpan.FromSeconds(2) }, _log);
            _rtsp = new RtspClient(Hub, new RtspClientOptions { WriteTimeout = TimeSpan.FromSeconds(2) }, _log);
            Hub.AddRelayProtocol(new RtmpRelayProtocol(_rtmp));
            Hub.AddRelayProtocol(new RtspRelayProtocol(_rtsp));
        }

        public StreamHub Hub { get; }

        public int Connections => _rtmp.Connections + _rtsp.Connections;

        public Task AddStreamAsync(string file, bool loop = true) => Hub.SetStreamAsync(
            new StreamDefinition(Stream) { Sources = [loop ? $"file:{file}" : $"file:{file}#loop=false"] });

        public async ValueTask DisposeAsync()
        {
            await Hub.DisposeAsync();
            Assert.That((Connections, Hub.GetSnapshot().Relays.Length), Is.EqualTo((0, 0)), "what is left of relays");
            await _rtmp.DisposeAsync();
            await _rtsp.DisposeAsync();
            _log.Dispose();
            Assert.That(Hub.Pool.GetStatistics().OutstandingBytes, Is.Zero, "packet memory that is left");
        }
    }
}
