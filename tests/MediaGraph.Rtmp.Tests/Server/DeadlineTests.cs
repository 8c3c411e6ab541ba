using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: I7, J6, M1.

/// <summary>Every network phase has a deadline; all on fake time.</summary>
public sealed class DeadlineTests
{
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1537)]
    [TestCase(1537 + 1535)]
    public async Task A1_The_whole_handshake_has_5_seconds_and_trickled_bytes_do_not_extend_them(int sentAtOnce)
    {
        await using var bench = new Bench();
        var (client, _) = bench.Open();
        byte[] bytes = [.. Chunks.C0C1(), .. new byte[1536]];
        await client.SendAsync(bytes.AsMemory(0, sentAtOnce));
        for (var second = 0; second < 4; second++)
        {
            bench.Advance(1);
            if (sentAtOnce < 1537)
                await client.SendAsync(bytes.AsMemory(sentAtOnce + second, 1));
        }

        bench.Advance(0.9);
        Assert.That(bench.Server.Connections, Is.EqualTo(1));
        bench.Advance(0.1);
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        AssertDeadline(bench, "the handshake took too long");
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public async Task Connect_to_publish_or_play_has_10_seconds_whatever_else_is_sent(int phase)
    {
        await using var bench = new Bench();
        var (client, _) = bench.Open();
        await client.HandshakeAsync();
        if (phase > 0)
            await client.CallAsync("connect", TestClient.ConnectProperties("live"));
        if (phase > 1)
            await client.CreateStreamAsync();
        for (var second = 0; second < 9; second++)
        {
            bench.Advance(1);
            await client.SyncAsync();
        }

        Assert.That(client.HasEnded, Is.False);
        bench.Advance(2); // the deadline counts from the end of the handshake, and is looked at once a second
        await client.EndAsync();
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        AssertDeadline(bench, "neither published nor played");
    }

    [Test]
    public async Task The_deadline_counts_anew_when_a_stream_has_ended()
    {
        await using var bench = new Bench();
        var client = await bench.PublishAsync("cam");
        bench.Advance(60);
        await client.SyncAsync();
        await client.CommandAsync(0, "deleteStream", AmfValue.Null, 1d);
        await client.SyncAsync();
        bench.Advance(8);
        await client.SyncAsync();
        Assert.That(client.HasEnded, Is.False);
        bench.Advance(3);
        await client.EndAsync();
    }

    [TestCase("publish")]
    [TestCase("play")]
    public async Task A_slow_authorizer_has_the_session_s_10_seconds_and_is_cancelled(string command)
    {
        var authorizer = new SlowAuthorizer();
        await using var bench = new Bench(hubOptions: new StreamHubOptions { Authorizer = authorizer });
        var client = await bench.ConnectAsync();
        await client.CreateStreamAsync();
        await client.CommandAsync(1, command, AmfValue.Null, "cam");
        await authorizer.Asked.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        bench.Advance(8);
        Assert.That(client.HasEnded, Is.False);
        bench.Advance(3);
        await client.EndAsync();
        await authorizer.Cancelled.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        AssertDeadline(bench, "neither published nor played");
        Assert.That(bench.Hub.GetSnapshot().Streams, Is.Empty);
    }

    [Test]
    public async Task I7_A_silent_publisher_ends_at_90_seconds()
    {
        await using var bench = new Bench();
        var client = await bench.PublishAsync("cam");
        bench.Advance(60);
        await client.VideoAsync(1, 0, Samples.VideoHeader);
        await client.SyncAsync();
        bench.Advance(89);
        Assert.That(client.HasEnded, Is.False);
        bench.Advance(2);
        await client.EndAsync();
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        AssertDeadline(bench, "the publisher sent nothing");
        Assert.That(client.Messages, Has.None.Matches<ReceivedMessage>(m => m!.ToString().Contains("Ping", StringComparison.Ordinal)));
        await bench.PublishAsync("cam");
    }

    [Test]
    public async Task J6_I7_A_player_that_only_receives_lives_as_long_as_it_answers_pings_and_ends_at_90_seconds_otherwise()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var viewer = await bench.PlayAsync("cam");
        for (var i = 0; i < 12; i++)
        {
            var pings = Pings(viewer);
            bench.Advance(30);
            await publisher.SyncAsync();
            await Eventually.Async(() => Pings(viewer) > pings, "a ping");
            await viewer.PingAsync(); // so that the answer has been heard
        }

        Assert.That(viewer.HasEnded, Is.False, "after 6 minutes");
        viewer.AnswersPings = false;
        bench.Advance(89);
        await publisher.SyncAsync();
        Assert.That(viewer.HasEnded, Is.False);
        bench.Advance(2);
        await viewer.EndAsync();
        await Eventually.EqualAsync(() => bench.Server.Connections, 1, "connections");
        AssertDeadline(bench, "the player answered nothing");

        static int Pings(TestClient client) =>
            client.Messages.Count(m => m.ToString().Contains(nameof(UserControlEvent.PingRequest), StringComparison.Ordinal));
    }

    [Test]
    public async Task J6_An_acknowledgement_is_an_answer_too()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var viewer = await bench.PlayAsync("cam");
        viewer.AnswersPings = false;
        for (var i = 0; i < 4; i++)
        {
            bench.Advance(80);
            await publisher.SyncAsync();
            await viewer.MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(1));
            await viewer.PingAsync();
        }

        Assert.That(viewer.HasEnded, Is.False);
    }

    [Test]
    public async Task I7_A_player_that_takes_nothing_ends_at_30_seconds_and_one_that_takes_a_little_does_not()
    {
        await using var bench = new Bench { WaitsForQueues = false };
        var publisher = await bench.PublishAsync("cam");
        await publisher.SetChunkSizeAsync(1 << 20);
        await publisher.HeadersAsync(1);
        await publisher.SyncAsync();
        var (viewer, transport) = bench.Open();
        await viewer.ConnectAsync();
        await viewer.PlayAsync("cam");
        await viewer.PingAsync(); // answered once the subscription has started
        transport.LimitSends(100);
        await publisher.VideoAsync(1, 0, Samples.Keyframe(size: 1 << 20));
        await publisher.PingAsync();
        for (var i = 0; i < 3; i++)
        {
            bench.Advance(28);
            await publisher.PingAsync();
            var stalled = bench.Snapshot("live/cam").Consumers[0].Queue.StalledFor;
            Assert.That(stalled, Is.GreaterThan(TimeSpan.FromSeconds(20)));
            transport.AllowSends(64 << 10);
            await Eventually.Async(
                () => bench.Hub.Find("live/cam")!.GetSnapshot().Consumers[0].Queue.StalledFor < TimeSpan.FromSeconds(1), "progress");
            await viewer.MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(0)); // heard of, but no progress
        }

        Assert.That(viewer.HasEnded, Is.False);
        bench.Advance(28);
        await publisher.PingAsync();
        Assert.That(viewer.HasEnded, Is.False);
        bench.Advance(3);
        await viewer.EndAsync();
        await Eventually.EqualAsync(() => bench.Server.Connections, 1, "connections");
        AssertDeadline(bench, "the peer took nothing");
    }

    [Test]
    public async Task I7_A_player_that_acknowledges_more_and_more_is_slow_and_not_stalled()
    {
        await using var bench = new Bench { WaitsForQueues = false };
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.SyncAsync();
        var (viewer, transport) = bench.Open();
        await viewer.ConnectAsync();
        await viewer.PlayAsync("cam");
        await viewer.PingAsync(); // answered once the subscription has started
        transport.LimitSends(100);
        await publisher.VideoAsync(1, 0, Samples.Keyframe(size: 100_000));
        await publisher.PingAsync();
        for (var i = 1u; i <= 5; i++)
        {
            bench.Advance(25);
            await publisher.PingAsync();
            await viewer.MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(i * 10_000));
            await Eventually.Async(
                () => bench.Hub.Find("live/cam")!.GetSnapshot().Consumers[0].Queue.StalledFor < TimeSpan.FromSeconds(1), "progress");
        }

        Assert.That(viewer.HasEnded, Is.False, "after 125 s of one frame");
    }

    private static void AssertDeadline(Bench bench, string text)
    {
        var closed = bench.TakeEvents().OfType<ConnectionClosed>().Last();
        Assert.That(closed.Reason, Is.EqualTo(new CloseReason(CloseCode.Deadline, text)));
    }

    private sealed class SlowAuthorizer : IStreamAuthorizer
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => _asked.Task;

        public Task Cancelled => _cancelled.Task;

        public async ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
        {
            _asked.SetResult();
            await using var registration = cancellationToken.Register(_cancelled.SetResult);
            await _cancelled.Task;
            return AuthorizationResult.Allow();
        }
    }
}
