using System.Net;
using System.Threading.Channels;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

/// <summary>
/// A hub and a client on fake time, whose connections lead to servers that the test plays itself. Disposing it asserts that everything
/// returned to its baseline.
/// </summary>
internal sealed class ClientBench : IAsyncDisposable
{
    public static readonly IPEndPoint ServerAddress = new(IPAddress.Loopback, 554);

    private readonly Channel<(RtspUrl Url, MemoryTransport Transport)> _dialed = Channel.CreateUnbounded<(RtspUrl, MemoryTransport)>();
    private readonly List<TestServer> _servers = [];
    private readonly List<MemoryTransport> _clientEnds = [];

    public ClientBench(RtspClientOptions? options = null, StreamHubOptions? hubOptions = null)
    {
        Hub = new StreamHub(hubOptions, Log, Time);
        Client = new RtspClient(Hub, options, Log, Time, null, DialAsync);
        Hub.AddSourceProtocol(new RtspSourceProtocol(Client));
    }

    public FakeTimeProvider Time { get; } = new();

    public TestLog Log { get; } = new();

    public StreamHub Hub { get; }

    public RtspClient Client { get; }

    /// <summary>What dialling does instead of connecting.</summary>
    public Func<CancellationToken, ValueTask<ITransport>>? DialInstead { get; set; }

    public IReadOnlyList<MemoryTransport> ClientEnds
    {
        get
        {
            lock (_clientEnds)
                return [.. _clientEnds];
        }
    }

    public static RtspUrl Url(string text = "rtsp://server.example/cam") => RtspUrl.Parse(text);

    /// <summary>The next connection that the client makes, bare.</summary>
    public async Task<(RtspUrl Url, MemoryTransport Transport)> AcceptBareAsync()
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        return await _dialed.Reader.ReadAsync(limit.Token);
    }

    /// <summary>The next connection that the client makes.</summary>
    public async Task<TestServer> AcceptAsync(
        Func<RtspRequest, string?>? answer = null, string? description = null, string? expectedUrl = null)
    {
        var (url, transport) = await AcceptBareAsync();
        if (expectedUrl is not null)
            Assert.That(url.ToString(), Is.EqualTo(expectedUrl));
        var server = new TestServer(transport, answer, description);
        _servers.Add(server);
        return server;
    }

    /// <summary>Connections that nobody accepted, because their client has gone meanwhile, are not accepted any more.</summary>
    public void ForgetDialed()
    {
        while (_dialed.Reader.TryRead(out var forgotten))
            forgotten.Transport.Abort(CloseReason.Requested);
    }

    /// <summary>A pull of <c>in/cam</c> that plays.</summary>
    public async Task<(TestServer Server, RtspTransfer Transfer)> PullAsync(
        Func<RtspRequest, string?>? answer = null, string? description = null, string url = "rtsp://server.example/cam")
    {
        var pulling = Client.PullAsync(Url(url), "in/cam");
        var server = await AcceptAsync(answer, description);
        return (server, await pulling.WaitAsync(Eventually.DefaultLimit, TimeProvider.System));
    }

    /// <summary>A pull that comes to nothing.</summary>
    public async Task<RtspClientException> FailAsync(Task<RtspTransfer> opening)
    {
        var ended = await AdvanceUntilAsync(opening.ContinueWith(t => t, TaskScheduler.Default));
        Assert.That(ended.Exception?.InnerException, Is.InstanceOf<RtspClientException>());
        return (RtspClientException)ended.Exception!.InnerException!;
    }

    public async Task<RtspClientException> FailAsync(
        Func<RtspRequest, string?>? answer, string? description = null, string url = "rtsp://server.example/cam")
    {
        var pulling = Client.PullAsync(Url(url), "in/cam");
        await AcceptAsync(answer, description);
        return await FailAsync(pulling);
    }

    /// <summary>Time goes by in steps of a second, each of which begins when the client has read what it was sent before.</summary>
    public async Task PassAsync(int seconds, Func<Task>? eachSecond = null)
    {
        for (var i = 0; i < seconds; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            if (eachSecond is not null)
                await eachSecond();
            foreach (var server in _servers)
                await server.IsReadAsync();
        }
    }

    /// <summary>
    /// Time goes by until the client tears the session down, in steps each of which begins when it has read all that was sent before: none
    /// between its goodbye and the server's hearing of it, for which it waits only a moment.
    /// </summary>
    public async Task PassUntilTeardownAsync(TestServer server, Func<Task>? eachStep = null)
    {
        for (var i = 0; i < 200 && !server.Methods.Contains(RtspMethods.Teardown); i++)
        {
            if (eachStep is not null)
                await eachStep();
            await server.IsReadAsync();
            Time.Advance(TimeSpan.FromSeconds(0.5));
        }
    }

    /// <summary>Waits for a task while time goes by, for what ends by a deadline or says goodbye.</summary>
    public async Task<T> AdvanceUntilAsync<T>(Task<T> task, double step = 0.05)
    {
        await Time.AdvanceUntilAsync(() => task.IsCompleted, TimeSpan.FromSeconds(step), "the task's end");
        return await task;
    }

    public Task<CloseReason> EndOfAsync(RtspTransfer transfer) => AdvanceUntilAsync(transfer.Completion);

    public long PacketsOf(string stream)
    {
        var feed = Hub.Find(stream)?.GetSnapshot().Feed;
        return (feed?.VideoPackets ?? 0) + (feed?.AudioPackets ?? 0);
    }

    public async ValueTask DisposeAsync()
    {
        var disposing = Client.DisposeAsync().AsTask();
        await AdvanceUntilAsync(disposing.ContinueWith(t => t.Status, TaskScheduler.Default));
        await disposing;
        foreach (var server in _servers)
            await server.DisposeAsync();
        await AdvanceUntilAsync(Hub.DisposeAsync().AsTask().ContinueWith(t => t.Status, TaskScheduler.Default));
        Log.Dispose();
        var pool = Hub.Pool.GetStatistics();
        Assert.Multiple(() =>
        {
            Assert.That(Client.Connections, Is.Zero, "connections");
            Assert.That(ClientEnds.Select(end => end.AbortReason), Has.None.Null, "connections that were left open");
            Assert.That(Log.Of(3502), Is.Empty, "faults of the client");
            Assert.That(Hub.GetSnapshot().Streams, Is.Empty, "streams");
            Assert.That((pool.OutstandingBuffers, pool.OutstandingPackets), Is.EqualTo((0L, 0L)), () => Hub.Pool.DescribeOutstanding());
        });
        await Eventually.EqualAsync(() => Time.ActiveTimers, 0, "timers"); // who waited puts its own away a moment later
    }

    private ValueTask<ITransport> DialAsync(RtspUrl url, CancellationToken cancellationToken)
    {
        if (DialInstead is { } instead)
            return instead(cancellationToken);
        var (server, client) = MemoryTransport.CreatePair(ServerAddress);
        lock (_clientEnds)
            _clientEnds.Add(client);
        _dialed.Writer.TryWrite((url, server));
        return new ValueTask<ITransport>(client);
    }
}
