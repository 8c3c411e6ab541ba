using System.Net;
using MediaGraph.Events;
using MediaGraph.Media;
using MediaGraph.Rtsp.Server;
using MediaGraph.Rtsp.Tests.Rtp;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

/// <summary>
/// A hub and a server on fake time, without sockets unless it is started with them. Disposing it asserts that everything returned to
/// its baseline: no connection, no buffer, no packet, no timer, no fault of the server's own.
/// </summary>
internal sealed class ServerBench : IAsyncDisposable
{
    public static readonly IPEndPoint Address = new(IPAddress.Parse("192.0.2.1"), 5000);
    public static readonly IPEndPoint OtherAddress = new(IPAddress.Parse("192.0.2.2"), 5000);

    private readonly List<ServerClient> _clients = [];
    private readonly EventSubscription _events;

    public ServerBench(RtspServerOptions? options = null, StreamHubOptions? hubOptions = null, bool isRealTime = false)
    {
        TimeProvider? time = isRealTime ? null : Time;
        hubOptions ??= new StreamHubOptions();
        if (hubOptions.AuthorizationFailures == new AuthorizationFailureOptions())
        {
            // On fake time nobody waits for an answer; how long refusals take has tests of its own.
            hubOptions = hubOptions with { AuthorizationFailures = new() { MinDelay = default, MaxDelay = default, MaxPerMinute = int.MaxValue } };
        }

        Hub = new StreamHub(hubOptions, Log, time);
        _events = Hub.Events.Subscribe(100_000);
        var anyPort = new IPEndPoint(IPAddress.Loopback, 0);
        Server = new RtspServer(Hub, (options ?? new RtspServerOptions()) with { EndPoint = anyPort, TlsEndPoint = anyPort }, Log, time);
    }

    public FakeTimeProvider Time { get; } = new();

    public TestLog Log { get; } = new();

    public StreamHub Hub { get; }

    public RtspServer Server { get; }

    /// <summary>Publishes a video that needs nothing else, and its first picture.</summary>
    public Feed Publish(string name = "live/cam", params Track[] tracks)
    {
        var feed = Hub.Publish(name, tracks.Length == 0 ? [Track.Of(Vectors.H264)] : tracks);
        WriteKeyframe(feed);
        return feed;
    }

    /// <summary>A keyframe of a feed's video, of some 20 bytes unless told otherwise.</summary>
    public static void WriteKeyframe(Feed feed, int at = 0, int length = 20) => Write(feed, 0x65, at, length);

    /// <summary>Another frame.</summary>
    public static void WriteFrame(Feed feed, int at, int length = 20) => Write(feed, 0x41, at, length);

    /// <summary>Events since the last call.</summary>
    public IReadOnlyList<MediaEvent> TakeEvents()
    {
        var events = new List<MediaEvent>();
        while (_events.Reader.TryRead(out var one))
            events.Add(one);
        return events;
    }

    /// <summary>A client in memory.</summary>
    public ServerClient Open(IPEndPoint? address = null, bool canTrySend = true, string protocol = "rtsp")
    {
        var (server, client) = MemoryTransport.CreatePair(address ?? Address, canTrySend);
        Server.Accept(server, protocol);
        return Add(new ServerClient(client, server));
    }

    /// <summary>A client that plays the only track of a stream, interleaved.</summary>
    public async Task<ServerClient> PlayAsync(string name = "live/cam")
    {
        var client = Open();
        await client.SetUpAsync(name);
        await client.ExpectAsync(200, "PLAY", client.Url(name));
        return client;
    }

    /// <summary>Lets the given time go by.</summary>
    public void Advance(double seconds) => Time.Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>The same in steps of a second, each of which the server's timer sees.</summary>
    public void AdvanceBySteps(int seconds)
    {
        for (var i = 0; i < seconds; i++)
            Advance(1);
    }

    /// <summary>Advances time by small steps until the server has let go of its connections.</summary>
    public async Task AdvanceToConnectionsAsync(int count)
    {
        var step = TimeSpan.FromMilliseconds(50); // the goodbye's own limits run on this time too
        await Time.AdvanceUntilAsync(() => Server.Connections <= count, step, $"{count} connections");
        await Eventually.EqualAsync(() => Server.Connections, count, "connections");
    }

    public ServerClient Add(ServerClient client)
    {
        _clients.Add(client);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            await client.DisposeAsync();
        await AdvanceToConnectionsAsync(0);
        await Server.DisposeAsync();
        await Hub.DisposeAsync();
        _events.Dispose();
        Log.Dispose();
        var pool = Hub.Pool.GetStatistics();
        Assert.Multiple(() =>
        {
            Assert.That(Log.Of(3006), Is.Empty, "faults of the server");
            Assert.That(Hub.GetSnapshot().Streams, Is.Empty, "streams");
            Assert.That((pool.OutstandingBuffers, pool.OutstandingPackets), Is.EqualTo((0L, 0L)), () => Hub.Pool.DescribeOutstanding());
        });
        await Eventually.EqualAsync(() => Time.ActiveTimers, 0, "timers"); // who waited puts its own away a moment later
    }

    private static void Write(Feed feed, byte head, int at, int length)
    {
        var unit = new byte[4 + length];
        unit.AsSpan(4).Fill(0x11);
        (unit[2], unit[3], unit[4]) = ((byte)(length >> 8), (byte)length, head);
        feed.Tracks.First(track => track.Track.Kind == MediaKind.Video).Write(unit, TimeSpan.FromMilliseconds(at));
    }
}
