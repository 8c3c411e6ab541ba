using MediaGraph.Events;
using MediaGraph.Media;
using MediaGraph.Relays;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Sources;
using NUnit.Framework;

namespace MediaGraph.Tests.Relays;

/// <summary>
/// A hub on time that stands still, with destinations and sources that tests lead by hand. Disposing it asserts that everything returned
/// to its baseline.
/// </summary>
internal sealed class RelayFixture : IAsyncDisposable
{
    private readonly List<WireConsumer> _consumers = [];

    public RelayFixture(StreamHubOptions? options = null)
    {
        Hub = new StreamHub(options, Log, Time) { NextRandom = () => 0.5 };
        Hub.AddSourceProtocol(Sources);
        Hub.AddRelayProtocol(Targets);
        Events = Hub.Events.Subscribe();
    }

    public FakeTimeProvider Time { get; } = new();

    public TestLog Log { get; } = new();

    public StreamHub Hub { get; }

    public EventSubscription Events { get; }

    public TestProtocol Sources { get; } = new();

    public TestRelayProtocol Targets { get; } = new();

    public TestTarget One => Targets["one"];

    public Feed PublishVideo(string stream = "a") => Hub.Publish(stream, Track.Of(TestMedia.Video));

    public WireConsumer NewConsumer()
    {
        var consumer = new WireConsumer(Hub.Pool);
        _consumers.Add(consumer);
        return consumer;
    }

    /// <summary>The destination's next session, which has agreed.</summary>
    public async Task<(TestPush Push, WireConsumer Consumer)> AgreeAsync(TestTarget target)
    {
        var push = await target.NextAsync();
        var consumer = NewConsumer();
        push.Agree(consumer);
        return (push, consumer);
    }

    public static void Write(Feed feed, int number, bool isKeyframe = true) => feed.Tracks[0].Write(
        TestMedia.Payload(number), TimeSpan.FromMilliseconds(number), isKeyframe: isKeyframe);

    public static async Task<string> TextAsync(WireConsumer consumer)
    {
        await consumer.SettledAsync();
        return consumer.Text();
    }

    public static Task BecomesAsync(Relay relay, RelayState state) =>
        Eventually.EqualAsync(() => relay.State, state, $"the state of {relay.Name}");

    /// <summary>Moves time on until something holds: what runs beside the test may set its timers late.</summary>
    public Task AdvanceUntilAsync(Func<bool> condition, string what, double step = 0.1) =>
        Time.AdvanceUntilAsync(condition, TimeSpan.FromSeconds(step), what);

    public Task AdvanceUntilAsync(Relay relay, RelayState state) =>
        AdvanceUntilAsync(() => relay.State == state, $"the state {state} of {relay.Name}");

    public async ValueTask DisposeAsync()
    {
        var disposing = Hub.DisposeAsync().AsTask();
        await AdvanceUntilAsync(() => disposing.IsCompleted, "the hub's end");
        await disposing;
        foreach (var consumer in _consumers)
            await consumer.DisposeAsync();
        Events.Dispose();
        Log.Dispose();
        var snapshot = Hub.GetSnapshot();
        await Eventually.EqualAsync(() => Time.ActiveTimers, 0, "timers that are left");
        Assert.Multiple(() =>
        {
            Assert.That(snapshot.Streams, Is.Empty, "streams that are left");
            Assert.That(snapshot.Relays, Is.Empty, "relays that are left");
            Assert.That(Hub.Fetched, Is.Empty, "fetched streams that are left");
            Assert.That(snapshot.Pool.OutstandingBytes, Is.Zero, "packet memory that is left");
        });
    }
}
