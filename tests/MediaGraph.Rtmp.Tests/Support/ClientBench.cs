using System.Net;
using System.Threading.Channels;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Support;

/// <summary>
/// A hub and a client on fake time, whose connections lead to servers that the test plays itself, or to a real one in memory.
/// Disposing it asserts that everything returned to its baseline.
/// </summary>
internal sealed class ClientBench : IAsyncDisposable
{
    public static readonly IPEndPoint ServerAddress = new(IPAddress.Parse("192.0.2.80"), 1935);

    private readonly Channel<(RtmpUrl Url, MemoryTransport Transport)> _dialed = Channel.CreateUnbounded<(RtmpUrl, MemoryTransport)>();
    private readonly List<TestClient> _servers = [];
    private readonly List<MemoryTransport> _clientEnds = [];

    public ClientBench(RtmpClientOptions? options = null, StreamHubOptions? hubOptions = null)
    {
        Hub = new StreamHub(hubOptions, Log, Time);
        Client = new RtmpClient(Hub, options, Log, Time, null, DialAsync);
        Hub.AddSourceProtocol(new RtmpSourceProtocol(Client));
    }

    public FakeTimeProvider Time { get; } = new();

    public TestLog Log { get; } = new();

    public StreamHub Hub { get; }

    public RtmpClient Client { get; }

    /// <summary>Where connections lead; null for the test itself.</summary>
    public RtmpServer? Server { get; set; }

    /// <summary>What dialling does instead of connecting.</summary>
    public Func<CancellationToken, ValueTask<ITransport>>? DialInstead { get; set; }

    /// <summary>The clients' ends of all connections so far.</summary>
    public IReadOnlyList<MemoryTransport> ClientEnds
    {
        get
        {
            lock (_clientEnds)
                return [.. _clientEnds];
        }
    }

    public StreamSnapshot Snapshot(string stream) => Hub.Find(stream)!.GetSnapshot();

    public static RtmpUrl Url(string text = "rtmp://server.example/live/cam") => RtmpUrl.Parse(text);

    /// <summary>The next connection that the client makes, before its handshake.</summary>
    public async Task<TestClient> AcceptAsync(string? expectedUrl = null)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        var (url, transport) = await _dialed.Reader.ReadAsync(limit.Token);
        if (expectedUrl is not null)
            Assert.That(url.ToString(), Is.EqualTo(expectedUrl));
        var server = new TestClient(transport);
        _servers.Add(server);
        return server;
    }

    /// <summary>Connections that nobody accepted, because their client has gone meanwhile, are not accepted any more.</summary>
    public void ForgetDialed()
    {
        while (_dialed.Reader.TryRead(out var forgotten))
            forgotten.Transport.Abort(CloseReason.Requested);
    }

    /// <summary>The next connection, which has asked to be connected.</summary>
    public async Task<(TestClient Server, ReceivedMessage Connect)> AcceptConnectAsync(string? expectedUrl = null)
    {
        var server = await AcceptAsync(expectedUrl);
        await server.AnswerHandshakeAsync();
        return (server, await server.ExpectAsync(m => m.Name == "connect", "connect"));
    }

    /// <summary>The next connection, which is connected and has made message stream 1.</summary>
    public async Task<TestClient> AcceptStreamAsync(string? expectedUrl = null)
    {
        var (server, connect) = await AcceptConnectAsync(expectedUrl);
        await AgreeToStreamAsync(server, connect);
        return server;
    }

    /// <summary>Accepts the connection and makes message stream 1.</summary>
    public static async Task AgreeToStreamAsync(TestClient server, ReceivedMessage connect)
    {
        await server.AnswerAsync(connect, AmfValue.Null, Success);
        await server.AnswerAsync(await server.ExpectAsync(m => m.Name == "createStream", "createStream"), AmfValue.Null, 1d);
    }

    /// <summary>Plays the server of a pull until it has agreed.</summary>
    public async Task<TestClient> AcceptPlayAsync(string? expectedUrl = null)
    {
        var server = await AcceptStreamAsync(expectedUrl);
        await server.ExpectAsync(m => m.Name == "play", "play");
        await server.StatusAsync(1, "NetStream.Play.Start");
        return server;
    }

    /// <summary>Plays the server of a push until it has agreed.</summary>
    public async Task<TestClient> AcceptPublishAsync(string? expectedUrl = null)
    {
        var server = await AcceptStreamAsync(expectedUrl);
        await server.ExpectAsync(m => m.Name == "publish", "publish");
        await server.StatusAsync(1, "NetStream.Publish.Start");
        return server;
    }

    public static AmfValue Success => new AmfObject(
        new AmfProperty("level", "status"), new AmfProperty("code", "NetConnection.Connect.Success"));

    /// <summary>Waits for a task while time goes by, for what ends by a deadline or says goodbye.</summary>
    public async Task<T> AdvanceUntilAsync<T>(Task<T> task, double step = 0.05)
    {
        await Time.AdvanceUntilAsync(() => task.IsCompleted, TimeSpan.FromSeconds(step), "the task's end");
        return await task;
    }

    public async ValueTask DisposeAsync()
    {
        var disposing = Client.DisposeAsync().AsTask();
        foreach (var server in _servers)
            await server.DisposeAsync();
        await AdvanceUntilAsync(disposing.ContinueWith(t => t.Status, TaskScheduler.Default));
        await disposing;
        await AdvanceUntilAsync(Hub.DisposeAsync().AsTask().ContinueWith(t => t.Status, TaskScheduler.Default));
        Log.Dispose();
        var pool = Hub.Pool.GetStatistics();
        Assert.Multiple(() =>
        {
            Assert.That(Client.Connections, Is.Zero, "connections");
            Assert.That(ClientEnds.Select(end => end.AbortReason), Has.None.Null, "connections that were left open");
            Assert.That(Log.Of(2006), Is.Empty, "faults of the client");
            Assert.That(Hub.GetSnapshot().Streams, Is.Empty, "streams");
            Assert.That((pool.OutstandingBuffers, pool.OutstandingPackets), Is.EqualTo((0L, 0L)), () => Hub.Pool.DescribeOutstanding());
        });
        await Eventually.EqualAsync(() => Time.ActiveTimers, 0, "timers"); // who waited puts its own away a moment later
    }

    private ValueTask<ITransport> DialAsync(RtmpUrl url, CancellationToken cancellationToken)
    {
        if (DialInstead is { } instead)
            return instead(cancellationToken);
        var (server, client) = MemoryTransport.CreatePair(ServerAddress);
        lock (_clientEnds)
            _clientEnds.Add(client);
        if (Server is not null)
            Server.Accept(server);
        else
            _dialed.Writer.TryWrite((url, server));
        return new ValueTask<ITransport>(client);
    }
}
