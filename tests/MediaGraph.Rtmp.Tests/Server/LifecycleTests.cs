using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: I5, I8, I12, I13, J2, J5.

/// <summary>How sessions end, what publishers take over, and what is left: nothing.</summary>
public sealed class LifecycleTests
{
    private static readonly RtmpServerOptions DisconnectSlow = new()
    {
        Queue = new Delivery.PacketQueueOptions { OnOverflow = Delivery.OverflowPolicy.Disconnect, MaxBytes = 1000 },
    };

    [TestCase("end of input", CloseCode.PeerClosed)]
    [TestCase("reset", CloseCode.ConnectionLost)]
    [TestCase("close command", CloseCode.PeerClosed)]
    [TestCase("protocol error", CloseCode.ProtocolError)]
    [TestCase("limit", CloseCode.LimitExceeded)]
    [TestCase("read deadline", CloseCode.Deadline)]
    [TestCase("write deadline", CloseCode.Deadline)]
    [TestCase("replaced", CloseCode.Replaced)]
    [TestCase("too slow", CloseCode.TooSlow)]
    [TestCase("server stop", CloseCode.Stopping)]
    [TestCase("hub stop", CloseCode.Stopping)]
    public async Task I5_The_end_is_handled_exactly_once_whatever_it_was_and_frees_everything(string end, CloseCode code)
    {
        await using var bench = new Bench(
            end == "too slow" ? DisconnectSlow : null,
            new StreamHubOptions { OnPublisherConflict = end == "replaced" ? PublisherConflict.Replace : PublisherConflict.Refuse })
        { WaitsForQueues = false };
        using var feed = new Feeder(bench, "live/other"); // what it plays besides
        var (client, transport) = bench.Open();
        await client.ConnectAsync();
        await client.PublishAsync("cam");
        await client.PlayAsync("other");
        bench.TakeEvents();
        switch (end)
        {
            case "end of input":
                client.HalfClose();
                break;
            case "reset":
                client.Transport.Abort(CloseReason.Requested);
                break;
            case "close command":
                await client.CommandAsync(0, "close");
                break;
            case "protocol error":
                await client.SendAsync(new byte[] { 0xFF, 0xFF });
                break;
            case "limit":
                for (var i = 0; i < 120; i++)
                    await client.CommandAsync(0, "_checkbw");
                break;
            case "read deadline":
                bench.Advance(92);
                break;
            case "write deadline":
                transport.LimitSends(0);
                feed.Write();
                for (var i = 0; i < 4; i++)
                {
                    await client.MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(0));
                    bench.Advance(9);
                }

                break;
            case "replaced":
                await client.CommandAsync(0, "deleteStream", AmfValue.Null, 2d); // who plays on would stay
                await client.SyncAsync();
                await bench.PublishAsync("cam", Bench.OtherAddress);
                break;
            case "too slow":
                transport.LimitSends(0);
                for (var i = 0; i < 10; i++)
                    feed.Write();
                break;
            case "server stop":
                var stop = bench.Server.StopAsync();
                await bench.AdvanceToConnectionsAsync(0);
                await stop;
                break;
            case "hub stop":
                await bench.Hub.DisposeAsync();
                break;
        }

        await client.EndAsync();
        await Eventually.Async(
            () =>
            {
                bench.Time.Advance(TimeSpan.FromMilliseconds(50));
                return bench.Server.Connections == (end == "replaced" ? 1 : 0);
            },
            "the end of the connection");
        var events = bench.TakeEvents();
        var closed = events.OfType<ConnectionClosed>().Single(e => e.ConnectionId == 1);
        Assert.That(closed.Reason.Code, Is.EqualTo(code), closed.Reason.Text);
        Assert.That(closed.Role, Is.EqualTo("player+publisher"));
        Assert.That(closed.Streams, Is.EqualTo(["live/cam", "live/other"]));
        Assert.That(events.OfType<PublishStopped>().Count(e => e.Stream == "live/cam"), Is.EqualTo(1));
        Assert.That(events.OfType<PlayStopped>().Count(), Is.EqualTo(1));
        await Eventually.Async(() => bench.Time.ActiveTimers <= 1, "I4: only the server's own timer is left");
        Assert.That(bench.Hub.Find("live/other")?.GetSnapshot().Consumers ?? [], Is.Empty);
    }

    [Test]
    public async Task I4_Stop_may_follow_stop_and_dispose_and_nothing_is_accepted_afterwards()
    {
        await using var bench = new Bench();
        await bench.Server.StopAsync();
        await bench.Server.StopAsync();
        await bench.Server.DisposeAsync();
        var (client, transport) = bench.Open();
        Assert.That(transport.AbortReason, Is.Not.Null);
        client.StartReading();
        await client.EndAsync();
        Assert.That(() => bench.Server.StartAsync(), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public async Task I12_I13_Counts_are_exact_and_consumer_counts_come_in_order()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        var viewers = new List<TestClient>();
        for (var i = 0; i < 5; i++)
            viewers.Add(await bench.PlayAsync("cam"));
        await publisher.GroupAsync(1, 0, frames: 30);
        bench.Advance(20);
        await publisher.AudioAsync(1, 1300, Samples.Audio(size: 100));
        await publisher.PingAsync();
        foreach (var viewer in viewers)
        {
            var connections = bench.Server.Connections;
            await viewer.DisposeAsync();
            await bench.AdvanceToConnectionsAsync(connections - 1);
        }

        await publisher.DisposeAsync();
        await bench.AdvanceToConnectionsAsync(0);
        var events = bench.TakeEvents();
        var stopped = events.OfType<PublishStopped>().Single();
        Assert.That((stopped.VideoPackets, stopped.AudioPackets), Is.EqualTo((30L, 31L)));
        var bytes = (Samples.Keyframe().Length - 5) + (29 * (Samples.InterFrame().Length - 5)) + (30 * (Samples.Audio().Length - 2)) + 100;
        Assert.That(stopped.Bytes, Is.EqualTo(bytes));
        Assert.That(stopped.Duration, Is.InRange(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(40)));
        Assert.That(events.OfType<ConsumerCountChanged>().Select(e => e.Count), Is.EqualTo(new[] { 1, 2, 3, 4, 5, 4, 3, 2, 1, 0 }));
        Assert.That(events.OfType<PlayStopped>().Select(e => e.Duration), Is.All.GreaterThanOrEqualTo(TimeSpan.FromSeconds(20)));
        Assert.That(
            events.OfType<ConnectionClosed>().Select(e => e.Role),
            Is.EqualTo(new[] { "player", "player", "player", "player", "player", "publisher" }));
    }

    [TestCase("publish", "NetStream.Publish.Unauthorized")]
    [TestCase("play", "NetStream.Play.Unauthorized")]
    public async Task J2_A_refused_client_gets_its_status_then_the_end_and_a_thousand_of_them_leave_nothing(string command, string code)
    {
        await using var bench = new Bench(hubOptions: new StreamHubOptions { Authorizer = new Denier() });
        for (var i = 0; i < 1000; i++)
        {
            var (client, _) = bench.Open();
            await client.ConnectAsync();
            await client.CreateStreamAsync();
            await client.CommandAsync(1, command, AmfValue.Null, "cam?token=wrong");
            await client.ExpectStatusAsync(code, 1);
            await client.EndAsync();
            Assert.That(client.Failure, Is.Null, "FIN, not a reset");
            await client.DisposeAsync();
        }

        await bench.AdvanceToConnectionsAsync(0);
        Assert.That(bench.TakeEvents().OfType<AuthorizationFailed>().Count(), Is.EqualTo(1000));
        Assert.That(bench.Log.Entries.Select(e => e.Message), Has.None.Contains("wrong"));
    }

    [Test]
    public async Task I8_A_thousand_failed_and_aborted_handshakes_and_connects_leave_no_connection()
    {
        byte[] session =
        [
            .. Chunks.C0C1(), .. new byte[1536],
            .. Chunks.Message(0, 3, 0, RtmpMessageType.CommandAmf0, 0, Chunks.Command("connect", 1, TestClient.ConnectProperties("live"))),
            .. Chunks.Message(0, 3, 0, RtmpMessageType.CommandAmf0, 0, Chunks.Command("createStream", 2, AmfValue.Null)),
            .. Chunks.Message(0, 3, 0, RtmpMessageType.CommandAmf0, 1, Chunks.Command("play", 0, AmfValue.Null, "nothing")),
        ];
        await using var bench = new Bench(new RtmpServerOptions
        {
            Connections = new ConnectionLimits { MaxHalfOpenPerAddress = 128 },
        });
        for (var i = 0; i < 1000; i++)
        {
            var (client, _) = bench.Open();
            await client.SendAsync(session.AsMemory(0, session.Length * i / 1000));
            if (i % 2 == 0)
                client.HalfClose();
            else
                client.Transport.Abort(CloseReason.Requested);
            await client.DisposeAsync();
            if (i % 50 == 49)
                await bench.AdvanceToConnectionsAsync(0);
        }

        Assert.That(bench.TakeEvents().OfType<ConnectionClosed>().Count(), Is.EqualTo(1000));
    }

    [Test]
    public async Task A3_A_stale_publisher_is_replaced_from_its_own_address_only_and_viewers_go_on()
    {
        await using var bench = new Bench();
        var halfOpen = await bench.PublishAsync("cam");
        await halfOpen.HeadersAsync(1);
        await halfOpen.GroupAsync(1, 0);
        await halfOpen.PingAsync();
        var viewer = await bench.PlayAsync("cam");
        bench.Advance(4.5);
        await RefusedAsync(Bench.Address, "not stale yet");
        bench.Advance(1);
        await RefusedAsync(Bench.OtherAddress, "another address");
        var second = await bench.PublishAsync("cam");
        await halfOpen.EndAsync();
        await second.HeadersAsync(1);
        await second.GroupAsync(1, 0);
        await second.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media.Count(m => m.Type == RtmpMessageType.Video && !m.IsSequenceHeader), Is.EqualTo(6));
        Assert.That(viewer.Media.Select(m => m.Timestamp), Is.Ordered);
        Assert.That(viewer.Media[^1].Timestamp, Is.GreaterThan(5000), "the gap is on the timeline");
        await bench.AdvanceToConnectionsAsync(2);
        Assert.That(bench.TakeEvents().OfType<ConnectionClosed>().Last().Reason.Code, Is.EqualTo(CloseCode.Replaced));

        async Task RefusedAsync(System.Net.EndPoint address, string what)
        {
            var client = await bench.ConnectAsync(address: address);
            await client.CreateStreamAsync();
            await client.CommandAsync(1, "publish", AmfValue.Null, "cam");
            await client.ExpectStatusAsync("NetStream.Publish.BadName");
            await client.EndAsync();
            Assert.That(bench.Snapshot("live/cam").Feed!.Number, Is.EqualTo(1), what);
        }
    }

    [Test]
    public async Task A_publisher_that_reconnects_again_and_again_loses_no_viewer_and_time_never_goes_back()
    {
        const int Rounds = 15;
        await using var bench = new Bench();
        var viewers = new List<TestClient>();
        for (var round = 0; round < Rounds; round++)
        {
            var publisher = await bench.PublishAsync("cam");
            await publisher.HeadersAsync(1, 1000);
            while (viewers.Count < 20)
                viewers.Add(await bench.PlayAsync("cam"));
            for (uint i = 0; i < 10; i++)
            {
                var mark = (byte)round;
                await publisher.VideoAsync(1, 1000 + (i * 40), i == 0 ? Samples.Keyframe(mark: mark) : Samples.InterFrame(mark: mark));
                await publisher.AudioAsync(1, 1000 + (i * 40), Samples.Audio(mark: mark));
            }

            await publisher.SyncAsync();
            if (round % 3 == 0)
                await publisher.CommandAsync(0, "deleteStream", AmfValue.Null, 1d);
            await publisher.DisposeAsync();
            await bench.AdvanceToConnectionsAsync(20);
            bench.Advance(round % 2 == 0 ? 0.6 : 1);
        }

        foreach (var viewer in viewers)
        {
            await viewer.PingAsync();
            var frames = viewer.Media.Where(m => !m.IsSequenceHeader).ToArray();
            Assert.That(frames, Has.Length.EqualTo(Rounds * 20), "nothing is lost");
            Assert.That(frames.Select(m => m.Timestamp), Is.Ordered);
            Assert.That(viewer.Media.Count(m => m.IsSequenceHeader && m.Type == RtmpMessageType.Video), Is.InRange(1, Rounds));
        }

        Assert.That(bench.Server.Connections, Is.EqualTo(20));
        bench.Advance(11);
        foreach (var viewer in viewers)
            await viewer.ExpectStatusAsync("NetStream.Play.UnpublishNotify");
    }

    [Test]
    public async Task J5_A_player_that_takes_nothing_delays_no_other_player()
    {
        await using var bench = new Bench { WaitsForQueues = false };
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.PingAsync();
        var stalled = bench.Open();
        await stalled.Client.ConnectAsync();
        await stalled.Client.PlayAsync("cam");
        stalled.Server.LimitSends(10);
        var viewers = new List<TestClient>();
        for (var i = 0; i < 20; i++)
            viewers.Add(await bench.PlayAsync("cam"));
        for (uint i = 0; i < 200; i++)
        {
            await publisher.VideoAsync(1, i * 40, i % 50 == 0 ? Samples.Keyframe(size: 2000) : Samples.InterFrame(size: 2000));
            await publisher.PingAsync(); // time stands still: whoever waited for the stalled player would wait for ever
        }

        foreach (var viewer in viewers)
        {
            await viewer.PingAsync();
            Assert.That(viewer.Media.Count(m => !m.IsSequenceHeader), Is.EqualTo(200));
        }
    }

    [Test]
    public async Task A_server_stop_tells_viewers_and_ends_whoever_does_not_listen()
    {
        await using var bench = new Bench { WaitsForQueues = false };
        var publisher = await bench.PublishAsync("cam");
        var viewer = await bench.PlayAsync("cam");
        var deaf = bench.Open();
        await deaf.Client.ConnectAsync();
        await deaf.Client.PlayAsync("cam");
        deaf.Server.LimitSends(0);
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0);
        await publisher.PingAsync();
        var stop = bench.Server.StopAsync();
        await viewer.ExpectAsync(m => m.ToString() == "0 StreamEof 1", "the end"); // before time goes by, of which a goodbye has little
        await bench.AdvanceToConnectionsAsync(0);
        await stop;
        Assert.That(viewer.Golden.TakeLast(2), Is.EqualTo(["1 status NetStream.Play.UnpublishNotify", "0 StreamEof 1"]));
        await Task.WhenAll(publisher.EndAsync(), viewer.EndAsync(), deaf.Client.EndAsync());
    }

    private sealed class Denier : IStreamAuthorizer
    {
        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
            new(AuthorizationResult.Deny());
    }

    /// <summary>A stream that is published by code.</summary>
    private sealed class Feeder : IDisposable
    {
        private readonly Feed _feed;
        private int _time;

        public Feeder(Bench bench, string stream)
        {
            _feed = bench.Hub.Publish(stream, Media.Track.Of(Media.Codec.FromAvcConfiguration(Samples.VideoHeader.AsSpan(5))));
            Write();
        }

        public void Write() => _feed.Write(Samples.Keyframe(size: 300).AsSpan(5), TimeSpan.FromMilliseconds(_time += 40));

        public void Dispose() => _feed.Close(CloseReason.Requested);
    }
}
