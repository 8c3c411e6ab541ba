using System.Collections.Concurrent;
using MediaGraph.Graph;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Testing.Tapo;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Client;

/// <summary>A hub whose stream <c>cam</c> is taken from an emulated camera, in memory and on time that stands still.</summary>
internal sealed class Bench : IAsyncDisposable
{
    public const string Stream = "cam";

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _viewers = [];
    private readonly TapoSourceProtocol _protocol;

    public Bench(TapoEmulatorOptions? camera = null, TapoOptions? options = null, TimeSpan? silenceLimit = null)
    {
        Camera = TapoEmulator.InMemory((camera ?? new TapoEmulatorOptions()) with { TimeProvider = Time });
        Hub = new StreamHub(
            new StreamHubOptions
            {
                // Longer than the protocol's own limits, which are what is tested.
                Sources = new SourceOptions
                {
                    ConnectLimit = TimeSpan.FromMinutes(5),
                    SilenceLimit = silenceLimit ?? TimeSpan.FromMinutes(5),
                    Linger = TimeSpan.Zero,
                },
                WaitForPublisher = TimeSpan.FromDays(1),
            },
            Log, Time);
        _protocol = new TapoSourceProtocol(options, Log, Time, null, (_, cancellationToken) => DialAsync(cancellationToken));
        Hub.AddSourceProtocol(_protocol);
    }

    public FakeTimeProvider Time { get; } = new();

    public TestLog Log { get; } = new();

    public TapoEmulator Camera { get; }

    public StreamHub Hub { get; }

    public TapoSourceProtocol Protocol => _protocol;

    /// <summary>The client's ends of all connections so far.</summary>
    public ConcurrentQueue<MemoryTransport> Transports { get; } = new();

    /// <summary>What is done in place of connecting.</summary>
    public Func<CancellationToken, Task<ITransport>>? Dialing { get; set; }

    public SourceSnapshot Source => Hub.Find(Stream)!.GetSnapshot().Sources[0];

    public string? Failure => Source.LastFailure?.Text;

    public Task SetAsync(string? url = null) => Hub.SetStreamAsync(new StreamDefinition(Stream) { Sources = [url ?? Camera.Url] });

    /// <summary>Somebody watches from now on.</summary>
    public Viewer View()
    {
        var viewer = new Viewer();
        _viewers.Add(viewer.RunAsync(Hub, _stop.Token));
        return viewer;
    }

    /// <summary>Somebody wants to talk.</summary>
    public async Task<TalkSession> TalkAsync(Action<TalkState, CloseReason?>? onStateChanged = null, string stream = Stream)
    {
        var opening = Hub.TalkAsync(new TalkRequest(stream) { OnStateChanged = onStateChanged }, CancellationToken.None).AsTask();
        await AdvanceUntilAsync(() => opening.IsCompleted, "a place to talk");
        return await opening;
    }

    public Task AdvanceUntilAsync(Func<bool> condition, string what, int step = 20) =>
        Time.AdvanceUntilAsync(condition, TimeSpan.FromMilliseconds(step), what);

    // Shorter than a frame of the camera's twice, and far shorter than any limit that is not to pass meanwhile.
    public Task FailsAsync() => AdvanceUntilAsync(() => Failure is not null && Source.Failures > 0, "the session's failure", step: 50);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_viewers);
        var disposing = Hub.DisposeAsync().AsTask();
        await AdvanceUntilAsync(() => disposing.IsCompleted, "the hub's end");
        await disposing;
        await Eventually.EqualAsync(() => Camera.Connections, 0, "connections that are left");
        Assert.That(_protocol.Connections, Is.Zero);
        await Camera.DisposeAsync();
        await Eventually.EqualAsync(() => Time.ActiveTimers, 0, "timers that are left");
        Assert.That(Hub.Pool.GetStatistics().OutstandingBytes, Is.Zero, Hub.Pool.DescribeOutstanding());
        foreach (var entry in Log.Entries)
            AssertNoSecret(entry.ToString());
        _protocol.Dispose();
        _stop.Dispose();
        Log.Dispose();
    }

    /// <summary>Passwords, and what is made of them, are nowhere.</summary>
    public static void AssertNoSecret(string text)
    {
        foreach (var secret in new[] { "Cam-Pass-2024!", "Cam-Pass-2024%21", "48E19C483B43BD37", "7E1285150C0B7818", "QHQVqKrvJAx0VZK" })
            Assert.That(text, Does.Not.Contain(secret).IgnoreCase);
    }

    private async ValueTask<ITransport> DialAsync(CancellationToken cancellationToken)
    {
        if (Dialing is { } dialing)
            return await dialing(cancellationToken);
        var transport = Camera.Dial();
        Transports.Enqueue(transport);
        return transport;
    }
}
