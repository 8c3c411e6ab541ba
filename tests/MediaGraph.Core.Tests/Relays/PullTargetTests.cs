using System.Threading.Channels;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Relays;

/// <summary>Targets that take packets, not bytes.</summary>
[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PullTargetTests
{
    private readonly Channel<int> _taken = Channel.CreateUnbounded<int>();
    private readonly TaskCompletionSource<Exception?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _mayGoOn = Task.CompletedTask;

    [Test]
    public async Task A_target_is_given_the_current_group_and_what_comes_live()
    {
        await using var f = New();
        await using var feed = f.PublishVideo();
        RelayFixture.Write(feed, 0);
        RelayFixture.Write(feed, 1, isKeyframe: false);
        var relay = f.Hub.AddRelay("a", "push:one");
        Assert.That((await TakeAsync(), await TakeAsync()), Is.EqualTo((0, 1)));
        await RelayFixture.BecomesAsync(relay, RelayState.Live);
        RelayFixture.Write(feed, 2, isKeyframe: false);
        Assert.That(await TakeAsync(), Is.EqualTo(2));
        await Eventually.EqualAsync(() => relay.GetSnapshot().Packets.Delivered, 3, "what was sent");
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Consumers, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task The_streams_end_ends_the_enumeration_and_is_no_failure()
    {
        await using var f = New();
        var feed = f.PublishVideo();
        RelayFixture.Write(feed, 0);
        var relay = f.Hub.AddRelay("a", "push:one");
        Assert.That(await TakeAsync(), Is.Zero);
        await feed.DisposeAsync();
        await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
        Assert.That(f.One.Open, Is.EqualTo(1), "kept while the publisher may come back");
        await f.AdvanceUntilAsync(() => f.One.Open == 0, "the session's end");
        Assert.That(await EndAsync(), Is.Null);
        await RelayFixture.BecomesAsync(relay, RelayState.Waiting);

        await using var next = f.PublishVideo();
        RelayFixture.Write(next, 1);
        Assert.That(await TakeAsync(), Is.EqualTo(1), "the next session");
        Assert.That((relay.GetSnapshot().Failures, f.Log.Of(1402)), Is.EqualTo((0L, Array.Empty<LogEntry>())));
    }

    [Test]
    public async Task A_stream_that_cannot_be_had_any_more_ends_the_enumeration_with_the_reason()
    {
        await using var f = New();
        var definition = new StreamDefinition("a") { Sources = ["test:one"] };
        await f.Hub.SetStreamAsync(definition);
        var relay = f.Hub.AddRelay("a", "push:one");
        (await f.Sources["one"].NextAsync()).PublishVideo().Write();
        await f.AdvanceUntilAsync(() => f.One.Sessions == 1, "the session");
        await TakeAsync();
        await f.Hub.SetStreamAsync(definition with { IsEnabled = false });
        Assert.That(await EndAsync(), Is.InstanceOf<StreamException>().With.Message.Contain("disabled"));
        await Eventually.EqualAsync(() => f.Log.Of(1401).Count, 1, "the session's end, which is no failure");
        await RelayFixture.BecomesAsync(relay, RelayState.Waiting);
    }

    [Test]
    public async Task A_relay_that_is_stopped_ends_the_enumeration()
    {
        await using var f = New();
        await using var feed = f.PublishVideo();
        RelayFixture.Write(feed, 0);
        var relay = f.Hub.AddRelay("a", "push:one");
        Assert.That(await TakeAsync(), Is.Zero);
        await relay.DisposeAsync(); // time stands still: it is no limit that ends it
        Assert.That(await EndAsync(), Is.InstanceOf<OperationCanceledException>());
        Assert.That((relay.State, relay.GetSnapshot().Failures, f.One.Open), Is.EqualTo((RelayState.Stopped, 0L, 0)));
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Consumers, Is.Empty);
    }

    [Test]
    public async Task A_slow_target_goes_on_at_a_keyframe()
    {
        await using var f = New(new StreamHubOptions { Queue = new PacketQueueOptions { MaxPackets = 4 } });
        var mayGoOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _mayGoOn = mayGoOn.Task;
        await using var feed = f.PublishVideo();
        RelayFixture.Write(feed, 0);
        var relay = f.Hub.AddRelay("a", "push:one");
        Assert.That(await TakeAsync(), Is.Zero);
        for (var i = 1; i <= 10; i++)
            RelayFixture.Write(feed, i, isKeyframe: i == 8); // 1 to 4 fit
        mayGoOn.SetResult();
        Assert.That((await TakeAsync(), await TakeAsync(), await TakeAsync()), Is.EqualTo((8, 9, 10)));
        var sent = relay.GetSnapshot().Packets;
        Assert.That((sent.Delivered, sent.DroppedByOverflow, sent.DroppedAwaitingKeyframe), Is.EqualTo((4L, 5L, 2L)));
        Assert.That(relay.State, Is.EqualTo(RelayState.Live));
    }

    [Test]
    public async Task A_relay_pushes_its_own_stream_alone()
    {
        await using var f = new RelayFixture();
        var asked = new TaskCompletionSource<RelaySession>(TaskCreationOptions.RunContinuationsAsynchronously);
        f.Targets["one"] = new TestTarget("one")
        {
            Run = (session, cancellationToken) =>
            {
                asked.TrySetResult(session);
                return Task.FromResult(CloseReason.Requested);
            },
        };
        await using var feed = f.PublishVideo();
        await using var relay = f.Hub.AddRelay("a", "push:one");
        var session = await asked.Task.WaitAsync(Eventually.DefaultLimit);
        Assert.That(() => session.Subscribe(new SubscribeRequest("b"), CancellationToken.None), Throws.ArgumentException);
        await RelayFixture.BecomesAsync(relay, RelayState.BackingOff);
        await using var packets = session.Subscribe(new SubscribeRequest("a"), CancellationToken.None).GetAsyncEnumerator();
        Assert.That(
            async () => await packets.MoveNextAsync(),
            Throws.InstanceOf<StreamException>().With.Property(nameof(StreamException.Error)).EqualTo(StreamError.Ended));
        Assert.That(f.Hub.Find("a")!.GetSnapshot().Consumers, Is.Empty);
    }

    private RelayFixture New(StreamHubOptions? options = null)
    {
        var f = new RelayFixture(options);
        f.Targets["one"] = new TestTarget("one") { Run = TakeAllAsync };
        return f;
    }

    private Task<int> TakeAsync() => _taken.Reader.ReadAsync().AsTask().WaitAsync(Eventually.DefaultLimit);

    // How the first session's enumeration ended.
    private Task<Exception?> EndAsync() => _ended.Task.WaitAsync(Eventually.DefaultLimit);

    private async Task<CloseReason> TakeAllAsync(RelaySession session, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var batch in session.Subscribe(new SubscribeRequest(session.StreamName), cancellationToken))
            {
                using (batch)
                {
                    foreach (var packet in batch)
                        _taken.Writer.TryWrite(TestMedia.NumberOf(packet));
                    await _mayGoOn;
                }
            }
        }
        catch (Exception e)
        {
            _ended.TrySetResult(e);
            throw;
        }

        _ended.TrySetResult(null);
        return CloseReason.Requested;
    }
}
