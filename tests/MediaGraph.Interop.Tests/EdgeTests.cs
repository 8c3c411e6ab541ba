using System.Net;
using System.Net.Sockets;
using MediaGraph.Media;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtsp.Client;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>
/// A server, the edge, takes a stream from another, the origin, while somebody watches: by one protocol from the origin, by the other from
/// the edge. Rows: S4, S5, S6, S14, S18, S20.
/// </summary>
[Category("Socket")]
public sealed class EdgeTests
{
    private const string Stream = "live/cam";

    private static readonly byte[] Sps = Convert.FromBase64String("Z2QAKKzZQHgCJ+XARAAAAwAEAAADAMg8YMZY");
    private static readonly byte[] Pps = Convert.FromBase64String("aOvjyyLA");

    private static readonly StreamHubOptions Short = new()
    {
        Sources = new SourceOptions { Linger = TimeSpan.FromSeconds(1), MinBackoff = TimeSpan.FromMilliseconds(100) },
    };

    [Test]
    public async Task S6_The_first_viewer_starts_the_source_and_the_last_one_ends_it([Values("rtsp", "rtmp")] string protocol)
    {
        await using var origin = await LiveServer.StartAsync(Short);
        await using var edge = await Edge.StartAsync(origin, protocol);
        await using var camera = Camera.Start(origin.Hub);
        Assert.That(origin.Connections, Is.Zero);

        await using var far = new StreamHub();
        await using var rtmp = new RtmpClient(far);
        await using var rtsp = new RtspClient(far);
        if (protocol == "rtsp")
            await rtmp.PullAsync(Rtmp.RtmpUrl.Parse(edge.Server.Url(Stream)), "seen");
        else
            await rtsp.PullAsync(Rtsp.RtspUrl.Parse(edge.Server.RtspUrl(Stream)), "seen");
        await Eventually.Async(() => far.Find("seen")?.GetSnapshot().Feed?.VideoPackets > 5, "pictures at the far end");
        Assert.That((origin.Connections, edge.Server.Connections), Is.EqualTo((1, 1)));

        await rtmp.DisposeAsync();
        await rtsp.DisposeAsync();
        await edge.IdleAsync(origin);
        Assert.That(edge.Server.Snapshot(Stream) is { Leases: 0, Consumers: [] });
    }

    [Test]
    public async Task S6_Fifty_viewers_leave_at_the_same_instant_and_others_come([Values("rtsp", "rtmp")] string protocol)
    {
        await using var origin = await LiveServer.StartAsync(Short);
        // The other may come late on a busy machine.
        var linger = Short with { Sources = Short.Sources with { Linger = TimeSpan.FromSeconds(10) } };
        await using var edge = await Edge.StartAsync(origin, protocol, linger);
        await using var camera = Camera.Start(origin.Hub);
        using var leave = new CancellationTokenSource();
        var viewers = new Viewers(edge.Server.Hub, 50, leave.Token);
        await viewers.AllSeeAsync();
        using var last = new CancellationTokenSource();
        var leaving = leave.CancelAsync();
        var others = new Viewers(edge.Server.Hub, 1, last.Token); // while the others leave
        await leaving;
        await viewers.Ended;
        await others.AllSeeAsync();
        Assert.That(edge.Source.Runs, Is.EqualTo(1), "who comes at once finds it running");
        await last.CancelAsync();
        await others.Ended;
        await edge.IdleAsync(origin);
    }

    [Test]
    public async Task S14_A_publisher_restarts_again_and_again_with_twenty_viewers([Values("rtsp", "rtmp")] string protocol)
    {
        await using var origin = await LiveServer.StartAsync(Short with { WaitForPublisher = TimeSpan.Zero });
        await using var edge = await Edge.StartAsync(origin, protocol);
        using var leave = new CancellationTokenSource();
        Viewers? viewers = null;
        for (var round = 0; round < 4; round++)
        {
            await using var camera = Camera.Start(origin.Hub);
            viewers ??= new Viewers(edge.Server.Hub, 20, leave.Token);
            await viewers.AllSeeAsync();
        }

        Assert.That(edge.Server.Snapshot(Stream)!.Consumers, Has.Length.EqualTo(20));
        await leave.CancelAsync();
        await viewers!.Ended;
    }

    [Test]
    public async Task S4_S5_S18_Who_leaves_and_what_is_removed_while_the_server_says_nothing_leaves_no_connection(
        [Values("rtsp", "rtmp")] string protocol)
    {
        using var silent = new Socket(SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen();
        await using var edge = await Edge.StartAsync($"{protocol}://127.0.0.1:{((IPEndPoint)silent.LocalEndPoint!).Port}/{Stream}");
        for (var i = 0; i < 5; i++)
        {
            using (edge.Server.Hub.Lease(Stream))
                await Eventually.EqualAsync(() => edge.Connections, 1, "connections");
            await Eventually.EqualAsync(() => edge.Connections, 0, "connections that were left");
        }

        using var lease = edge.Server.Hub.Lease(Stream);
        await Eventually.EqualAsync(() => edge.Connections, 1, "connections");
        await edge.Server.Hub.RemoveStreamAsync(Stream);
        Assert.That(edge.Connections, Is.Zero);
    }

    [Test]
    public async Task S20_A_hub_with_a_hundred_live_viewers_stops_in_bounded_time([Values("rtsp", "rtmp")] string protocol)
    {
        await using var origin = await LiveServer.StartAsync(Short);
        await using var edge = await Edge.StartAsync(origin, protocol);
        await using var camera = Camera.Start(origin.Hub);
        var viewers = new Viewers(edge.Server.Hub, 100, CancellationToken.None);
        await viewers.AllSeeAsync();
        await edge.Server.Hub.DisposeAsync().AsTask().WaitAsync(Eventually.DefaultLimit);
        await viewers.Ended;
        await Eventually.EqualAsync(() => origin.Connections, 0, "connections to the origin");
    }

    [Test]
    public async Task Ffmpeg_publishes_to_the_origin_and_plays_from_the_edge()
    {
        var format = MediaFormat.H264Aac44;
        await using var origin = await LiveServer.StartAsync(Short);
        await using var edge = await Edge.StartAsync(origin, "rtsp");
        origin.Publish("ffmpeg rtmp", await Clips.InAsync(format), format, origin.Url(Stream));
        await origin.WaitForMediaAsync(Stream, TimeSpan.FromMilliseconds(200));
        Viewer[] viewers =
        [
            edge.Server.Watch("ffmpeg tcp", edge.Server.RtspUrl(Stream), format), edge.Server.Watch("ffmpeg rtmp", edge.Server.Url(Stream), format),
        ];
        await edge.Server.WaitForViewersAsync(Stream, viewers, TimeSpan.FromSeconds(2.5));
        await edge.Server.Hub.RemoveStreamAsync(Stream); // what is taken from sources has no other end
        var source = await FrameHashes.ReadAsync(await Clips.InAsync(format), format);
        foreach (var viewer in viewers)
            (await viewer.EndAsync()).AssertPartOf(source, viewer.Name);
    }

    /// <summary>The edge's server, and the clients that it pulls with.</summary>
    private sealed class Edge(LiveServer server) : IAsyncDisposable
    {
        private readonly RtmpClient _rtmp = new(server.Hub, null, server.Log);
        private readonly RtspClient _rtsp = new(server.Hub, null, server.Log);

        public LiveServer Server => server;

        public int Connections => _rtmp.Connections + _rtsp.Connections;

        public SourceSnapshot Source => server.Snapshot(Stream)!.Sources[0];

        public static Task<Edge> StartAsync(LiveServer origin, string protocol, StreamHubOptions? options = null) =>
            StartAsync(protocol == "rtsp" ? origin.RtspUrl(Stream) : origin.Url(Stream), options);

        public static async Task<Edge> StartAsync(string url, StreamHubOptions? options = null)
        {
            var edge = new Edge(await LiveServer.StartAsync(options ?? Short));
            edge.Server.Hub.AddSourceProtocol(new RtmpSourceProtocol(edge._rtmp));
            edge.Server.Hub.AddSourceProtocol(new RtspSourceProtocol(edge._rtsp));
            await edge.Server.Hub.SetStreamAsync(new StreamDefinition(Stream) { Sources = [url] });
            return edge;
        }

        public async Task IdleAsync(LiveServer origin)
        {
            await Eventually.EqualAsync(() => Source.State, SourceState.Idle, "the source's state");
            await Eventually.EqualAsync(() => origin.Connections, 0, "connections to the origin");
        }

        public async ValueTask DisposeAsync()
        {
            await _rtmp.DisposeAsync();
            await _rtsp.DisposeAsync();
            await server.DisposeAsync();
        }
    }

    /// <summary>What publishes small pictures until it is disposed of.</summary>
    private sealed class Camera(Feed feed) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private Task _writing = Task.CompletedTask;

        public static Camera Start(StreamHub hub)
        {
            var camera = new Camera(hub.Publish(Stream, Track.H264(Sps, Pps)));
            camera._writing = Task.Run(camera.WriteAsync);
            return camera;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _writing;
            await feed.DisposeAsync();
            _stop.Dispose();
        }

        private async Task WriteAsync()
        {
            using var clock = new PeriodicTimer(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            var unit = new byte[24];
            unit.AsSpan(4).Fill(0x11);
            unit[3] = 20;
            for (var i = 0; !_stop.IsCancellationRequested; i++)
            {
                unit[4] = i % 10 == 0 ? (byte)0x65 : (byte)0x41;
                feed.Write(unit, TimeSpan.FromMilliseconds(20 * i));
                await clock.WaitForNextTickAsync();
            }
        }
    }

    /// <summary>Viewers by code.</summary>
    private sealed class Viewers
    {
        private readonly long[] _seen;

        public Viewers(StreamHub hub, int count, CancellationToken leave)
        {
            _seen = new long[count];
            Ended = Task.WhenAll(Enumerable.Range(0, count).Select(number => Task.Run(() => WatchAsync(hub, number, leave))));
        }

        public Task Ended { get; }

        /// <summary>Waits until each has seen some more than it has now.</summary>
        public async Task AllSeeAsync()
        {
            var before = _seen.Select((_, i) => Interlocked.Read(ref _seen[i])).ToArray();
            await Eventually.Async(
                () => before.Select((had, i) => Interlocked.Read(ref _seen[i]) >= had + 5).All(isMore => isMore), "pictures for all viewers");
        }

        private async Task WatchAsync(StreamHub hub, int number, CancellationToken leave)
        {
            try
            {
                await foreach (var batch in hub.Subscribe(Stream, leave))
                {
                    using (batch)
                        Interlocked.Add(ref _seen[number], batch.Count);
                }
            }
            catch (OperationCanceledException)
            {
                // It left.
            }
        }
    }
}
