using System.Collections.Immutable;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

/// <summary>A hub on time that stands still, with sources that tests lead by hand, and viewers of its stream <c>a</c>.</summary>
internal sealed class SourceFixture : IAsyncDisposable
{
    private readonly List<WireConsumer> _consumers = [];

    public SourceFixture(StreamHubOptions? options = null, DateTimeOffset? start = null)
    {
        Time = new FakeTimeProvider(start);
        Hub = new StreamHub(options, timeProvider: Time) { NextRandom = () => 0.5 };
        Hub.AddSourceProtocol(Protocol);
    }

    public FakeTimeProvider Time { get; }

    public TestProtocol Protocol { get; } = new();

    public StreamHub Hub { get; }

    public TestSource One => Protocol["one"];

    public TestSource Two => Protocol["two"];

    public MediaStream Stream => Hub.Find("a")!;

    public ImmutableArray<SourceSnapshot> Sources => Stream.GetSnapshot().Sources;

    public SourceState StateOf(int source) => Sources[source].State;

    public Task SetAsync(params string[] sources) => SetAsync(new StreamDefinition("a") { Sources = [.. sources] });

    public Task SetAsync(StreamDefinition definition) => Hub.SetStreamAsync(definition);

    public Task BecomesAsync(int source, SourceState state) =>
        Eventually.EqualAsync(() => StateOf(source), state, $"the state of source {source}");

    /// <summary>A viewer as protocols make them: it is told when the source cannot be had.</summary>
    public async Task<Viewer> ViewAsync(params Track[] wanted)
    {
        var consumer = new WireConsumer(Hub.Pool);
        _consumers.Add(consumer);
        var viewer = new Viewer(consumer);
        viewer.Subscription = await Hub.SubscribeAsync(
            new SubscribeRequest("a") { Wanted = wanted is [] ? null : wanted, OnStateChanged = viewer.Note }, consumer.Writer,
            WireConsumer.Format, CancellationToken.None);
        viewer.Subscription.Start();
        return viewer;
    }

    /// <summary>
    /// Moves time on until something holds: what runs beside the test may set its timers late, and then it takes a little longer.
    /// </summary>
    public Task AdvanceUntilAsync(Func<bool> condition, string what) =>
        Time.AdvanceUntilAsync(condition, TimeSpan.FromMilliseconds(100), what);

    public Task AdvanceUntilAsync(int source, SourceState state) =>
        AdvanceUntilAsync(() => StateOf(source) == state, $"the state {state} of source {source}");

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        foreach (var consumer in _consumers)
            await consumer.DisposeAsync();
        await Eventually.EqualAsync(() => Time.ActiveTimers, 0, "timers that are left");
        Assert.That(Hub.Pool.GetStatistics().OutstandingBytes, Is.Zero, "packet memory that is left");
    }

    internal sealed class Viewer(WireConsumer consumer)
    {
        private readonly List<(SubscriptionState State, string? Reason)> _told = [];

        public Subscription Subscription { get; set; } = null!;

        public WireConsumer Consumer => consumer;

        public (SubscriptionState State, string? Reason)? Last
        {
            get
            {
                lock (_told)
                    return _told.Count == 0 ? null : _told[^1];
            }
        }

        public void Note(SubscriptionState state, CloseReason? reason)
        {
            lock (_told)
                _told.Add((state, reason?.Text));
        }

        public async Task<string> TextAsync()
        {
            await consumer.SettledAsync();
            return consumer.Text();
        }
    }
}
