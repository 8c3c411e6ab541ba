using System.Net;
using System.Text;
using MediaGraph.Delivery;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: I1, I8.

/// <summary>RTMP over TLS.</summary>
[Category("Socket")]
[NonParallelizable] // one of them counts the process's sockets
public sealed class TlsTests
{
    private TestCertificate _certificate = null!;

    [SetUp]
    public void CreateCertificate() => _certificate = new TestCertificate();

    [TearDown]
    public void RemoveCertificate() => _certificate.Dispose();

    [Test]
    public async Task Who_publishes_over_TLS_is_watched_with_and_without_it()
    {
        await using var bench = await ListenAsync();
        var publisher = await bench.OpenTlsAsync(_certificate.Client);
        await publisher.ConnectAsync();
        await publisher.PublishAsync("cam");
        var secure = await bench.OpenTlsAsync(_certificate.Client);
        await secure.ConnectAsync();
        await secure.PlayAsync("cam");
        var plain = await bench.PlayAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0);
        await publisher.SyncAsync();
        await secure.SyncAsync();
        await plain.SyncAsync();
        Assert.That(secure.Media, Has.Count.EqualTo(8));
        Assert.That(secure.Media.Select(m => m.ToString()), Is.EqualTo(plain.Media.Select(m => m.ToString())));

        var events = bench.TakeEvents();
        Assert.That(events.OfType<ConnectionOpened>().Select(e => e.Protocol), Is.EqualTo(new[] { "rtmps", "rtmps", "rtmp" }));
        Assert.That(events.OfType<PublishStarted>().Single().Protocol, Is.EqualTo("rtmps"));
        Assert.That(events.OfType<PlayStarted>().Select(e => e.Protocol), Is.EqualTo(new[] { "rtmps", "rtmp" }));
        Assert.That(bench.Server.Connections, Is.EqualTo(3), "in one table");
    }

    [Test]
    public async Task The_end_is_told_over_TLS_too()
    {
        await using var bench = await ListenAsync();
        var client = await bench.OpenTlsAsync(_certificate.Client);
        await client.ConnectAsync();
        await client.CreateStreamAsync();
        await client.CommandAsync(1, "play", AmfValue.Null, "nothing");
        await client.ExpectStatusAsync("NetStream.Play.StreamNotFound");
        await client.EndAsync();
        Assert.That(client.Failure, Is.Null, "close_notify, and no reset before it");
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(40)]
    [TestCase(70)]
    public async Task A_client_that_stops_in_mid_handshake_has_5_seconds_and_holds_nobody_up(int sentBytes)
    {
        await using var bench = await ListenAsync(isRealTime: false);
        await using var silent = await SocketTransport.ConnectAsync("127.0.0.1", bench.TlsEndPoint.Port);
        await silent.SendAsync(ClientHello.AsMemory(0, sentBytes), default);
        await Eventually.EqualAsync(() => bench.Time.ActiveTimers, 2, "timers: the certificate's, and that of the deadlines");
        bench.Advance(4.9);
        for (var i = 0; i < 3; i++)
        {
            var served = await bench.OpenTlsAsync(_certificate.Client);
            await served.ConnectAsync();
            await served.DisposeAsync();
        }

        await Eventually.EqualAsync(() => bench.Server.Connections, 1, "connections: the silent one's");
        bench.TakeEvents();
        bench.Advance(0.1);
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        Assert.That(
            bench.TakeEvents().OfType<ConnectionClosed>().Single().Reason,
            Is.EqualTo(new CloseReason(CloseCode.Deadline, "the handshake took too long")));
    }

    [Test]
    public async Task A_stop_ends_handshakes_and_sessions()
    {
        await using var bench = await ListenAsync();
        await using var silent = await SocketTransport.ConnectAsync("127.0.0.1", bench.TlsEndPoint.Port);
        await silent.SendAsync(ClientHello.AsMemory(0, 40), default);
        var client = await bench.OpenTlsAsync(_certificate.Client);
        await client.ConnectAsync();
        await Eventually.EqualAsync(() => bench.Server.Connections, 2, "connections");
        await bench.Server.StopAsync().WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        Assert.That(bench.Server.Connections, Is.Zero);
        await client.EndAsync();
        Assert.That(client.Failure, Is.Null, "it was told");
        Assert.That((await silent.Input.ReadAsync()).IsCompleted);
    }

    [TestCase("RTMP")]
    [TestCase("HTTP")]
    [TestCase("noise")]
    [TestCase("nothing")]
    public async Task What_is_no_TLS_ends_its_own_connection_with_a_reason(string kind)
    {
        await using var bench = await ListenAsync();
        var viewer = await bench.OpenTlsAsync(_certificate.Client);
        await viewer.ConnectAsync();
        var noise = new byte[5000];
        new Random(1).NextBytes(noise);
        await using var client = await SocketTransport.ConnectAsync("127.0.0.1", bench.TlsEndPoint.Port);
        await client.SendAsync(
            kind switch
            {
                "RTMP" => Chunks.C0C1(),
                "HTTP" => Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                "noise" => noise,
                _ => [],
            },
            default);
        if (kind == "nothing")
            client.CompleteOutput();
        var events = new List<MediaEvent>();
        await Eventually.Async(
            () =>
            {
                events.AddRange(bench.TakeEvents());
                return events.OfType<ConnectionClosed>().Any();
            },
            "the end of a connection");
        var reason = events.OfType<ConnectionClosed>().Single().Reason;
        Assert.That(reason.Code, Is.EqualTo(kind == "nothing" ? CloseCode.ConnectionLost : CloseCode.ProtocolError), reason.Text);
        if (kind != "nothing")
            Assert.That(reason.Text, Does.StartWith("the TLS handshake failed: "));
        await viewer.PingAsync();
    }

    [Test]
    public async Task TLS_on_the_port_without_it_ends_its_own_connection_with_a_reason()
    {
        await using var bench = await ListenAsync();
        Assert.That(
            async () => await TlsTransport.ConnectAsync("localhost", bench.EndPoint.Port, _certificate.Client),
            Throws.InstanceOf<IOException>());
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        Assert.That(
            bench.TakeEvents().OfType<ConnectionClosed>().Single().Reason,
            Is.EqualTo(new CloseReason(CloseCode.ProtocolError, "The peer does not speak RTMP.")));
    }

    [Test]
    public async Task A_certificate_is_changed_while_connected()
    {
        using var second = new TestCertificate();
        await using var bench = await ListenAsync(isRealTime: false);
        var old = await bench.OpenTlsAsync(_certificate.Client);
        await old.ConnectAsync();
        await old.PublishAsync("cam");

        await File.WriteAllTextAsync(_certificate.CertificateFile, "half a cert");
        bench.Advance(10);
        await using (await bench.OpenTlsAsync(_certificate.Client))
            await old.PingAsync();

        _certificate.ReplaceBy(second);
        bench.Advance(10);
        Assert.That(async () => await bench.OpenTlsAsync(_certificate.Client), Throws.InstanceOf<TlsHandshakeException>());
        var viewer = await bench.OpenTlsAsync(second.Client);
        await viewer.ConnectAsync();
        await viewer.PlayAsync("cam");
        await old.HeadersAsync(1);
        await old.GroupAsync(1, 0);
        await old.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media, Has.Count.EqualTo(8), "who was connected goes on");
    }

    [Test]
    public async Task I1_A_thousand_handshakes_that_fail_leave_nothing()
    {
        await using var bench = await ListenAsync();
        await CycleAsync(20); // what the runtime opens once is open now
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        var sockets = OpenSockets.Count();
        await CycleAsync(1000);
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
        await Eventually.Async(() => OpenSockets.Count() <= sockets, "sockets at their baseline");

        async Task CycleAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                if (i % 4 == 0) // refused by the client
                {
                    Assert.That(async () => await bench.OpenTlsAsync(new TlsClientOptions()), Throws.InstanceOf<TlsHandshakeException>());
                }
                else
                {
                    await using var client = await SocketTransport.ConnectAsync("127.0.0.1", bench.TlsEndPoint.Port);
                    await client.SendAsync(i % 4 == 1 ? Chunks.C0C1() : ClientHello.AsMemory(0, i % 4 == 2 ? 40 : ClientHello.Length), default);
                    if (i % 2 == 0)
                        client.CompleteOutput();
                }

                if (i % 20 == 19)
                    await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections");
            }
        }
    }

    [Test]
    public async Task A_viewer_that_stops_reading_loses_media_up_to_a_keyframe_and_no_framing()
    {
        await using var bench = await ListenAsync(new RtmpServerOptions { Queue = new PacketQueueOptions { MaxBytes = 1 << 20 } });
        bench.WaitsForQueues = false;
        var publisher = await bench.PublishAsync("cam");
        await publisher.SetChunkSizeAsync(1 << 20);
        await publisher.HeadersAsync(1);
        await publisher.PingAsync();
        var deaf = await bench.OpenTlsAsync(_certificate.Client);
        await deaf.HandshakeAsync(read: false);
        await deaf.MessageAsync(
            RtmpMessageType.CommandAmf0, 0, Chunks.Command("connect", 1, TestClient.ConnectProperties("live")));
        await deaf.MessageAsync(RtmpMessageType.CommandAmf0, 0, Chunks.Command("createStream", 2, AmfValue.Null));
        await deaf.MessageAsync(RtmpMessageType.CommandAmf0, 1, Chunks.Command("play", 0, AmfValue.Null, "cam"));
        await Eventually.EqualAsync(() => bench.Snapshot("live/cam").Consumers.Length, 1, "consumers");
        var mark = 0;
        while (bench.Snapshot("live/cam").Consumers[0].Packets.DroppedByOverflow < 20)
            await SendAsync();
        deaf.StartReading();
        await Eventually.Async(() => bench.Snapshot("live/cam").Consumers[0].Packets.Queued == 0, "it has caught up");
        for (var i = 0; i < 10; i++)
            await SendAsync();
        var last = mark - 1;
        await deaf.ExpectAsync(m => m.Type == RtmpMessageType.Video && !m.IsSequenceHeader && m.Timestamp == last * 40, "the last frame");

        var frames = deaf.Media.Where(m => m.Type == RtmpMessageType.Video && !m.IsSequenceHeader).ToArray();
        var gaps = 0;
        foreach (var (before, after) in frames.Zip(frames.Skip(1)))
        {
            Assert.That(after.Timestamp, Is.GreaterThan(before.Timestamp));
            if (after.Timestamp == before.Timestamp + 40)
                continue;
            gaps++;
            Assert.That(after.Payload[0], Is.EqualTo(0x17), "what follows a gap is a keyframe");
        }

        Assert.That(gaps, Is.Positive);
        Assert.That(frames.Select(f => (int)f.Payload[10]), Is.EqualTo(frames.Select(f => (int)(byte)(f.Timestamp / 40))), "whole frames");

        async Task SendAsync()
        {
            var body = mark % 5 == 0 ? Samples.Keyframe(100_000, (byte)mark) : Samples.InterFrame(100_000, (byte)mark);
            await publisher.VideoAsync(1, (uint)mark++ * 40, body);
            await publisher.PingAsync();
        }
    }

    [Test]
    public async Task A_server_listens_on_both_ports_or_on_none()
    {
        await using var other = SocketListener.Start(new IPEndPoint(IPAddress.Loopback, 0), socket => socket.Abort(CloseReason.Requested), _ => { });
        await using var hub = new StreamHub();
        var options = new RtmpServerOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            TlsEndPoint = other.LocalEndPoint,
            Tls = _certificate.Server,
        };
        await using var server = new RtmpServer(hub, options);
        Assert.That(
            async () => await server.StartAsync(),
            Throws.InstanceOf<IOException>().With.Message.Contains(other.LocalEndPoint.ToString()));
        Assert.That((server.LocalEndPoint, server.LocalTlsEndPoint), Is.EqualTo(((IPEndPoint?)null, (IPEndPoint?)null)));
        await other.DisposeAsync();
        await server.StartAsync();
        Assert.That(server.LocalTlsEndPoint, Is.EqualTo(other.LocalEndPoint));
        Assert.That(async () => await server.StartAsync(), Throws.InvalidOperationException);
    }

    [Test]
    public async Task A_certificate_that_cannot_be_used_is_an_error_of_the_options()
    {
        await using var hub = new StreamHub();
        var options = new RtmpServerOptions { Tls = _certificate.Server with { CertificateFile = "/nowhere/a.crt" } };
        Assert.That(options.Validate("Rtmp:").Single(), Does.StartWith("Rtmp:Tls:CertificateFile: /nowhere/a.crt cannot be used: "));
        Assert.That(() => new RtmpServer(hub, options), Throws.ArgumentException.With.Message.Contains("/nowhere/a.crt"));
    }

    [Test]
    public async Task The_client_pulls_and_pushes_over_TLS_from_whom_it_trusts()
    {
        await using var bench = await ListenAsync();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0);
        var url = $"rtmps://localhost:{bench.TlsEndPoint.Port}/live";
        await using var hub = new StreamHub();
        using var log = new TestLog();
        await using (var stranger = new RtmpClient(hub, loggerFactory: log))
        {
            var refused = await Assert.CatchAsync<RtmpClientException>(() => stranger.PullAsync(RtmpUrl.Parse($"{url}/cam"), "pulled"));
            Assert.That(refused!.Message, Does.StartWith("the server's certificate is refused: "));
        }

        Assert.That(log.Entries.Where(entry => entry.Level >= LogLevel.Error), Is.Empty);

        await using var client = new RtmpClient(hub, new RtmpClientOptions { Tls = _certificate.Client });
        await using var pull = await client.PullAsync(RtmpUrl.Parse($"{url}/cam"), "pulled");
        await Eventually.Async(() => hub.Find("pulled")?.GetSnapshot().Tracks.Length > 1, "both tracks");
        await using var push = await client.PushAsync("pulled", RtmpUrl.Parse($"{url}/back"));
        await Eventually.Async(() => bench.Hub.Find("live/back")?.GetSnapshot().Tracks.Length > 1, "both tracks");
        Assert.That(
            bench.TakeEvents().OfType<PublishStarted>().Select(e => (e.Stream, e.Protocol)),
            Is.EqualTo(new[] { ("live/cam", "rtmp"), ("live/back", "rtmps") }));
        await push.DisposeAsync();
        await pull.DisposeAsync();
    }

    private Task<Bench> ListenAsync(RtmpServerOptions? options = null, bool isRealTime = true) =>
        Bench.ListenAsync((options ?? new RtmpServerOptions()) with { Tls = _certificate.Server }, isRealTime: isRealTime);

    // The first message of a TLS 1.2 client (RFC 5246, sections 6.2.1 and 7.4.1.2), which then says no more.
    private static byte[] ClientHello { get; } =
    [
        0x16, 3, 1, 0, 65, // record: handshake
        1, 0, 0, 61, // ClientHello
        3, 3, .. new byte[32], // version and random
        0, // no session
        0, 4, 0xC0, 0x2B, 0xC0, 0x2F, // ECDHE with AES 128 GCM
        1, 0, // no compression
        0, 16, // extensions
        0, 10, 0, 4, 0, 2, 0, 23, // groups: secp256r1
        0, 13, 0, 4, 0, 2, 4, 3, // signatures: ECDSA with SHA-256
    ];
}
