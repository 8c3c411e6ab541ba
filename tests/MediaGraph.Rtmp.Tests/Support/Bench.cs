using System.Net;
using MediaGraph.Events;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Server;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Support;

/// <summary>
/// A hub and a server on fake time, without sockets unless it is started with them. Disposing it asserts that everything returned to
/// its baseline: no connection, no buffer, no packet, no timer, no fault of the server's own.
/// </summary>
internal sealed class Bench : IAsyncDisposable
{
    public static readonly IPEndPoint Address = new(IPAddress.Parse("192.0.2.1"), 5000);
    public static readonly IPEndPoint OtherAddress = new(IPAddress.Parse("192.0.2.2"), 5000);

    private readonly List<TestClient> _clients = [];
    private readonly EventSubscription _events;

    public Bench(RtmpServerOptions? options = null, StreamHubOptions? hubOptions = null, bool isRealTime = false)
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
        options ??= new RtmpServerOptions();
        var anyPort = new IPEndPoint(IPAddress.Loopback, 0);
        Server = new RtmpServer(Hub, options with { EndPoint = anyPort, TlsEndPoint = anyPort }, Log, time);
    }

    public FakeTimeProvider Time { get; } = new();

    public TestLog Log { get; } = new();

    public StreamHub Hub { get; }

    public RtmpServer Server { get; }

    /// <summary>Whether a client's sync waits for all viewers' queues; not where one of them is stalled.</summary>
    public bool WaitsForQueues { get; set; } = true;

    public IPEndPoint EndPoint => Server.LocalEndPoint!;

    public IPEndPoint TlsEndPoint => Server.LocalTlsEndPoint!;

    /// <summary>A bench whose server listens on a port of the loopback address, on the system's time unless told otherwise.</summary>
    public static async Task<Bench> ListenAsync(
        RtmpServerOptions? options = null, StreamHubOptions? hubOptions = null, bool isRealTime = true)
    {
        var bench = new Bench(options, hubOptions, isRealTime);
        await bench.Server.StartAsync();
        return bench;
    }

    /// <summary>Events since the last call.</summary>
    public IReadOnlyList<MediaEvent> TakeEvents()
    {
        var events = new List<MediaEvent>();
        while (_events.Reader.TryRead(out var one))
            events.Add(one);
        return events;
    }

    /// <summary>A client before its handshake: in memory, or by TCP when the server listens.</summary>
    public async Task<TestClient> OpenAsync(EndPoint? address = null)
    {
        if (Server.LocalEndPoint is not null)
            return Add(await TestClient.OpenAsync(EndPoint));
        return Open(address).Client;
    }

    /// <summary>A client before its RTMP handshake, by TLS; the server must listen for that.</summary>
    public async Task<TestClient> OpenTlsAsync(TlsClientOptions options) =>
        Add(new TestClient(await TlsTransport.ConnectAsync("localhost", TlsEndPoint.Port, options)));

    /// <summary>A client in memory, with the server's end of its connection.</summary>
    public (TestClient Client, MemoryTransport Server) Open(EndPoint? address = null)
    {
        var (server, client) = MemoryTransport.CreatePair(address ?? Address);
        Server.Accept(server);
        return (Add(new TestClient(client)), server);
    }

    public async Task<TestClient> ConnectAsync(string app = "live", EndPoint? address = null)
    {
        var client = await OpenAsync(address);
        await client.ConnectAsync(app);
        return client;
    }

    /// <summary>A connected client that publishes <c>live/KEY</c> through message stream 1.</summary>
    public async Task<TestClient> PublishAsync(string key, EndPoint? address = null)
    {
        var client = await ConnectAsync(address: address);
        await client.PublishAsync(key);
        return client;
    }

    /// <summary>A connected client that plays <c>live/KEY</c> through message stream 1.</summary>
    public async Task<TestClient> PlayAsync(string key, EndPoint? address = null)
    {
        var client = await ConnectAsync(address: address);
        await client.PlayAsync(key);
        return client;
    }

    /// <summary>The same of a player that says what it takes.</summary>
    public async Task<TestClient> PlayAsync(string key, AmfProperty[] says)
    {
        var client = await OpenAsync();
        client.Says = says;
        await client.ConnectAsync();
        await client.PlayAsync(key);
        return client;
    }

    public StreamSnapshot Snapshot(string stream) => Hub.Find(stream)!.GetSnapshot();

    /// <summary>Lets the given time go by in steps of the server's timer.</summary>
    public void Advance(double seconds) => Time.Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>Advances time by small steps until the server has let go of its connections.</summary>
    public async Task AdvanceToConnectionsAsync(int count)
    {
        var step = TimeSpan.FromMilliseconds(50); // the goodbye's own limits run on this time too
        await Time.AdvanceUntilAsync(() => Server.Connections <= count, step, $"{count} connections");
        await Eventually.EqualAsync(() => Server.Connections, count, "connections");
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
        await Eventually.EqualAsync(() => Time.ActiveTimers, 0, "timers"); // who waited puts its own away a moment later
        Assert.Multiple(() =>
        {
            Assert.That(Log.Of(2006), Is.Empty, "faults of the server");
            Assert.That(Hub.GetSnapshot().Streams, Is.Empty, "streams");
            Assert.That((pool.OutstandingBuffers, pool.OutstandingPackets), Is.EqualTo((0L, 0L)), () => Hub.Pool.DescribeOutstanding());
        });
    }

    private TestClient Add(TestClient client)
    {
        client.QueuesAreEmpty = QueuesAreEmptyAsync;
        _clients.Add(client);
        return client;
    }

    private async Task QueuesAreEmptyAsync()
    {
        if (WaitsForQueues)
        {
            await Eventually.Async(
                () => Hub.GetSnapshot().Streams.SelectMany(s => s.Consumers).All(c => c.Packets.Queued == 0), "empty queues");
        }
    }
}
