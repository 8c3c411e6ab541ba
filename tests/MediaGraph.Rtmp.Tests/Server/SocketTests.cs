using System.Net.Sockets;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: I1, I2, I3, I4, I9, I10, J1, J2, J4, J8, M2.

/// <summary>What only real sockets show: FIN, RST, half-closed peers, descriptors, many connections.</summary>
[Category("Socket")]
[NonParallelizable] // they count the process's descriptors
public sealed class SocketTests
{
    [Test]
    public async Task I1_I4_J1_A_thousand_connections_that_end_in_any_way_leave_nothing()
    {
        await using var bench = await Bench.ListenAsync();
        await CycleAsync(bench, 20); // what the runtime opens once is open now
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        var sockets = OpenSockets.Count();
        Assert.That(sockets, Is.Positive, "the listener's");
        var tasks = ThreadPool.PendingWorkItemCount;
        await CycleAsync(bench, 980);
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        await Eventually.Async(() => OpenSockets.Count() <= sockets, "descriptors at their baseline");
        await Eventually.Async(() => ThreadPool.PendingWorkItemCount <= tasks + 2, "tasks at their baseline");
        Assert.That(bench.TakeEvents().OfType<ConnectionClosed>().Count(), Is.EqualTo(1250), "I5: once each; every fourth cycle has two");

        static async Task CycleAsync(Bench bench, int count)
        {
            for (var i = 0; i < count; i++)
            {
                var client = await TestClient.OpenAsync(bench.EndPoint);
                if (i % 3 != 0)
                    await client.SendAsync(Chunks.C0C1());
                switch (i % 4)
                {
                    case 0: // FIN
                        client.HalfClose();
                        break;
                    case 1: // RST
                        client.Reset();
                        break;
                    case 2: // a peer that is half-closed sees our FIN
                        client.HalfClose();
                        await client.ReadToEndAsync();
                        break;
                    case 3: // a whole session
                        await client.DisposeAsync();
                        client = await bench.ConnectAsync();
                        await client.PublishAsync("cam" + i);
                        break;
                }

                await client.DisposeAsync();
                if (i % 100 == 99)
                    await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
            }
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task I2_A_key_is_free_again_when_its_publisher_s_socket_died(bool byReset)
    {
        await using var bench = await Bench.ListenAsync();
        for (var i = 0; i < 20; i++)
        {
            var publisher = await bench.PublishAsync("cam");
            if (byReset)
                publisher.Reset();
            else
                publisher.HalfClose();
            await Eventually.Async(() => bench.Hub.Find("live/cam") is null, "a free key");
            await publisher.DisposeAsync();
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task I3_M2_A_player_that_closes_its_socket_leaves_even_a_silent_stream(bool byReset)
    {
        await using var bench = await Bench.ListenAsync();
        await bench.PublishAsync("cam");
        var viewers = new List<TestClient>();
        for (var i = 0; i < 10; i++)
            viewers.Add(await bench.PlayAsync("cam"));
        for (var i = 9; i >= 0; i--)
        {
            if (byReset)
                viewers[i].Reset();
            else
                viewers[i].HalfClose();
            await Eventually.EqualAsync(() => bench.Snapshot("live/cam").Consumers.Length, i, "consumers");
        }

        await Eventually.EqualAsync(() => bench.Server.Connections, 1, "connections");
    }

    [Test]
    public async Task J1_A_player_that_half_closes_sees_the_end()
    {
        await using var bench = await Bench.ListenAsync();
        await bench.PublishAsync("cam");
        var viewer = await bench.PlayAsync("cam");
        viewer.HalfClose();
        await Eventually.Async(() => viewer.HasEnded, "FIN");
        Assert.That(viewer.Failure, Is.Null);
    }

    [Test]
    public async Task J2_A_refused_client_with_more_to_say_gets_its_status_and_not_a_reset()
    {
        await using var bench = await Bench.ListenAsync();
        for (var i = 0; i < 50; i++)
        {
            var client = await bench.ConnectAsync();
            await client.CreateStreamAsync();
            await client.CommandAsync(1, "play", AmfValue.Null, "nothing");
            await client.MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(1));
            await client.ExpectStatusAsync("NetStream.Play.StreamNotFound");
            client.HalfClose();
            await client.EndAsync();
            Assert.That(client.Failure, Is.Null);
        }

        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
    }

    [Test]
    public async Task J4_A_hundred_silent_sockets_hold_nobody_s_handshake_up()
    {
        await using var bench = await Bench.ListenAsync(ManyHalfOpen);
        for (var i = 0; i < 100; i++)
            await bench.OpenAsync();
        await Eventually.EqualAsync(() => bench.Server.Connections, 100, "connections");
        for (var i = 0; i < 20; i++)
        {
            // The silent ones have a minute: who were held up by only one of them would have no answer in time.
            await (await bench.ConnectAsync()).DisposeAsync();
        }

        Assert.That(bench.Server.Connections, Is.GreaterThanOrEqualTo(100));
    }

    [Test]
    public async Task I10_A_stop_with_300_live_connections_ends_them_all_and_may_be_called_from_a_handler()
    {
        await using var bench = await Bench.ListenAsync(ManyHalfOpen);
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0);
        using var events = bench.Hub.Events.Subscribe(10_000);
        var clients = new List<TestClient> { publisher };
        for (var i = 0; i < 100; i++)
            clients.Add(await bench.PlayAsync("cam"));
        for (var i = 0; i < 99; i++)
            clients.Add(await bench.ConnectAsync());
        for (var i = 0; i < 100; i++)
            clients.Add(await bench.OpenAsync()); // in their handshake
        await Eventually.EqualAsync(() => bench.Server.Connections, 300, "connections");

        // Whoever handles the end of one connection stops the server, while another stop is under way.
        var handler = Task.Run(async () =>
        {
            await foreach (var one in events.Reader.ReadAllAsync())
            {
                if (one is ConnectionClosed)
                {
                    await bench.Server.StopAsync();
                    return;
                }
            }
        });
        await bench.Server.StopAsync().WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        await handler.WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        Assert.That(bench.Server.Connections, Is.Zero);
        foreach (var viewer in clients.Skip(1).Take(100))
        {
            await viewer.ExpectStatusAsync("NetStream.Play.UnpublishNotify");
            await viewer.EndAsync();
        }
    }

    [Test]
    public async Task I9_A_cancelled_stop_cuts_who_is_left_at_once()
    {
        await using var bench = await Bench.ListenAsync();
        for (var i = 0; i < 20; i++)
            await bench.ConnectAsync();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await bench.Server.StopAsync(cancelled.Token).WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        Assert.That(bench.Server.Connections, Is.Zero);
    }

    [Test]
    public async Task J8_A_listener_goes_on_after_errors_and_takes_the_next_connection()
    {
        // Running out of descriptors shows as a failing accept: so does a taker that fails.
        var errors = 0;
        var accepted = new TaskCompletionSource<ITransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = SocketListener.Start(
            new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0),
            transport =>
            {
                if (errors < 5)
                {
                    transport.Abort(CloseReason.Requested);
                    throw new SocketException((int)SocketError.TooManyOpenSockets);
                }

                accepted.TrySetResult(transport);
            },
            _ => Interlocked.Increment(ref errors));
        for (var i = 0; i < 6; i++)
            await using (await TestClient.OpenAsync(listener.LocalEndPoint))
                await Eventually.Async(() => errors > i || accepted.Task.IsCompleted, "an accept");
        await (await accepted.Task.WaitAsync(Eventually.DefaultLimit, TimeProvider.System)).DisposeAsync();
        Assert.That(errors, Is.EqualTo(5));
    }

    [Test]
    public async Task A_player_that_stops_reading_its_socket_does_not_hold_the_publisher_or_the_others_up()
    {
        await using var bench = await Bench.ListenAsync(new RtmpServerOptions
        {
            Queue = new Delivery.PacketQueueOptions { MaxBytes = 1 << 20 },
        });
        bench.WaitsForQueues = false;
        var publisher = await bench.PublishAsync("cam");
        await publisher.SetChunkSizeAsync(1 << 20);
        await publisher.HeadersAsync(1);
        await publisher.PingAsync();
        var deaf = await bench.OpenAsync();
        await deaf.HandshakeAsync(read: false);
        await deaf.MessageAsync(
            RtmpMessageType.CommandAmf0, 0, Chunks.Command("connect", 1, TestClient.ConnectProperties("live")));
        await deaf.MessageAsync(RtmpMessageType.CommandAmf0, 0, Chunks.Command("createStream", 2, AmfValue.Null));
        await deaf.MessageAsync(RtmpMessageType.CommandAmf0, 1, Chunks.Command("play", 0, AmfValue.Null, "cam"));
        var viewer = await bench.PlayAsync("cam");
        await Eventually.EqualAsync(() => bench.Snapshot("live/cam").Consumers.Length, 2, "consumers");
        for (uint i = 0; i < 100; i++)
        {
            await publisher.VideoAsync(1, i * 40, Samples.Keyframe(size: 200_000, mark: (byte)i));
            await publisher.PingAsync();
            await viewer.ExpectAsync(m => m.Type == RtmpMessageType.Video && m.Payload[10] == i && !m.IsSequenceHeader, "the frame");
        }

        Assert.That(bench.Snapshot("live/cam").Consumers.Max(c => c.Packets.DroppedByOverflow), Is.Positive);
    }

    // All of a test's clients have one address.
    private static RtmpServerOptions ManyHalfOpen => new()
    {
        HandshakeTimeout = TimeSpan.FromMinutes(1), // on a busy machine it takes long to open them all
        Connections = new ConnectionLimits { MaxHalfOpenPerAddress = 128 },
    };
}
