using System.Net;
using System.Net.Sockets;
using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Server;
using MediaGraph.Rtsp.Tests.Rtp;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

/// <summary>What needs sockets: UDP, TLS. Row: R5.</summary>
[Category("Socket")]
[NonParallelizable]
public sealed class SocketTests
{
    [Test]
    public async Task A_viewer_plays_over_UDP_and_its_reports_keep_its_session()
    {
        await using var bench = new ServerBench();
        await bench.Server.StartAsync();
        await using var feed = bench.Publish();
        var client = await ConnectAsync(bench);
        using var rtp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using var rtcp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var ports = $"{((IPEndPoint)rtp.Client.LocalEndPoint!).Port}-{((IPEndPoint)rtcp.Client.LocalEndPoint!).Port}";
        var setup = await client.SetUpAsync(transport: $"RTP/AVP;unicast;client_port={ports}");
        var transport = RtspTransport.ParseAll(setup.Headers[RtspHeaderNames.Transport]).Single();
        Assert.That((transport.ClientPorts.ToString(), transport.ServerPorts is not null), Is.EqualTo((ports, true)));
        await client.ExpectAsync(200, "PLAY", client.Url());
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        var media = await rtp.ReceiveAsync(limit.Token);
        var report = await rtcp.ReceiveAsync(limit.Token);
        Assert.That((media.Buffer[1] & 0x7F, report.Buffer[1], media.RemoteEndPoint.Port), Is.EqualTo((96, (byte)200, transport.ServerPorts!.Value.Rtp)));

        var sign = new byte[RtcpWriter.MaxLength];
        var length = RtcpWriter.Write(sign, 1, null, "viewer");
        var remote = new IPEndPoint(IPAddress.Loopback, transport.ServerPorts.Value.Rtcp);
        var end = bench.Time.GetUtcNow() + TimeSpan.FromSeconds(90);
        await bench.Time.AdvanceUntilAsync(
            () =>
            {
                rtcp.Send(sign.AsSpan(0, length), remote);
                return bench.Time.GetUtcNow() >= end;
            },
            TimeSpan.FromSeconds(0.25), "90 s");
        await client.ExpectAsync(200, "TEARDOWN", client.Url());
        var goodbye = report;
        while (goodbye.Buffer[^7] != 203)
            goodbye = await rtcp.ReceiveAsync(limit.Token);
    }

    [Test]
    public async Task A_viewer_over_UDP_that_gives_no_sign_of_life_is_ended_after_60_s()
    {
        await using var bench = new ServerBench();
        await bench.Server.StartAsync();
        await using var feed = bench.Publish();
        var client = await ConnectAsync(bench);
        await client.SetUpAsync(transport: "RTP/AVP;unicast;client_port=50000-50001;destination=127.0.0.1");
        await client.ExpectAsync(200, "PLAY", client.Url());
        bench.AdvanceBySteps(60);
        await client.EndsAsync();
        await bench.AdvanceToConnectionsAsync(0);
        Assert.That(bench.Hub.Find("live/cam")!.GetSnapshot().Consumers, Is.Empty);
    }

    // As ffmpeg does it, which forgets its session.
    [Test]
    public async Task A_viewer_whom_nothing_reaches_over_UDP_pauses_and_plays_on_over_TCP([Values] bool repeatsSession)
    {
        await using var bench = new ServerBench();
        await bench.Server.StartAsync();
        await using var feed = bench.Publish("live/cam", Track.Of(Vectors.H264), Track.Of(Vectors.Aac));
        var client = await ConnectAsync(bench);
        foreach (var track in new[] { 0, 1 })
            await client.SetUpAsync(track: track, transport: $"RTP/AVP/UDP;unicast;client_port=5000{2 * track}-5000{(2 * track) + 1}");
        await client.ExpectAsync(200, "PLAY", client.Url());
        await client.ExpectAsync(200, "PAUSE", client.Url());
        if (!repeatsSession)
            client.Session = null;

        foreach (var track in new[] { 0, 1 })
        {
            var setup = await client.SetUpAsync(track: track, transport: $"RTP/AVP/TCP;unicast;interleaved={2 * track}-{(2 * track) + 1}");
            Assert.That(setup.Headers[RtspHeaderNames.Transport], Does.EndWith($"interleaved={2 * track}-{(2 * track) + 1}"));
        }

        await client.ExpectAsync(200, "PLAY", client.Url());
        ServerBench.WriteKeyframe(feed, 40);
        feed.Tracks[1].Write("sound"u8, TimeSpan.FromMilliseconds(40));
        await Eventually.Async(() => client.FramesOf(0).Count > 0 && client.FramesOf(2).Count > 0, "media of both tracks");
        Assert.That(bench.Hub.Find("live/cam")!.GetSnapshot().Consumers, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task A_viewer_that_pauses_may_name_other_ports()
    {
        await using var bench = new ServerBench();
        await bench.Server.StartAsync();
        await using var feed = bench.Publish();
        var client = await ConnectAsync(bench);
        using var rtp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)rtp.Client.LocalEndPoint!).Port;
        await client.SetUpAsync(transport: "RTP/AVP;unicast;client_port=50000-50001");
        await client.ExpectAsync(200, "PLAY", client.Url());
        await client.ExpectAsync(200, "PAUSE", client.Url());
        var setup = await client.SetUpAsync(transport: $"RTP/AVP;unicast;client_port={port}-{port + 1}");
        Assert.That(RtspTransport.ParseAll(setup.Headers[RtspHeaderNames.Transport]).Single().ClientPorts!.Value.Rtp, Is.EqualTo(port));
        await client.ExpectAsync(200, "PLAY", client.Url());
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        Assert.That((await rtp.ReceiveAsync(limit.Token)).Buffer[1] & 0x7F, Is.EqualTo(96));
    }

    [Test]
    public async Task R5_replies_reports_and_media_of_one_TLS_connection_never_mix()
    {
        const int Rounds = 200;
        var nothingIsLost = new PacketQueueOptions { MaxBytes = 1 << 30, MaxPackets = 100_000, MaxAge = TimeSpan.FromDays(1) };
        using var certificate = new TestCertificate();
        await using var bench = new ServerBench(new RtspServerOptions
        {
            Tls = certificate.Server,
            ReportInterval = TimeSpan.FromSeconds(1),
            SessionTimeout = TimeSpan.FromHours(1), // time is made to fly
            WriteTimeout = TimeSpan.FromHours(1),
            Queue = nothingIsLost,
            MaxRequestsPerSecond = 100_000,
        });
        await bench.Server.StartAsync();
        await using var feed = bench.Publish();
        var client = bench.Add(new ServerClient(
            await TlsTransport.ConnectAsync("localhost", bench.Server.LocalTlsEndPoint!.Port, certificate.Client)));
        await client.SetUpAsync();
        await client.ExpectAsync(200, "PLAY", client.Url());
        var answered = client.Responses.Count;

        // The three who write, each on a thread of its own.
        using var start = new Barrier(3);
        var media = Task.Run(() =>
        {
            start.SignalAndWait();
            for (var i = 1; i <= Rounds; i++)
                ServerBench.WriteFrame(feed, 40 * i, i * 7919 % 40_000 + 20);
        });
        var reports = Task.Run(() =>
        {
            start.SignalAndWait();
            bench.AdvanceBySteps(Rounds);
        });
        var requests = Task.Run(async () =>
        {
            start.SignalAndWait();
            for (var i = 0; i < Rounds; i++)
                await client.SendAsync(client.Request(i % 2 == 0 ? "GET_PARAMETER" : "OPTIONS", client.Url()));
        });
        await Task.WhenAll(media, reports, requests);

        await Eventually.Async(
            () => client.HasEnded || (client.Responses.Count == answered + Rounds
                && client.FramesOf(0).Count(packet => (packet[1] & 0x80) != 0) == 1 + Rounds && client.FramesOf(1).Count >= Rounds),
            "everything has come");
        Assert.That((client.HasEnded, client.Error), Is.EqualTo((false, (RtspReadError?)null)));
        var first = client.Responses[0].CSeq;
        Assert.That(client.Responses.Select(response => (response.Status, response.CSeq - first)), Is.EqualTo(
            Enumerable.Range(0, answered + Rounds).Select(i => (200, (uint?)i))));
        Assert.That(client.Items.Where(item => item.Response is null).Select(item => item.Channel).Distinct(), Is.EquivalentTo([0, 1]));
        Assert.That(client.FramesOf(1).Select(report => report[1]), Has.All.EqualTo(200));
        var numbers = client.FramesOf(0).Select(packet => (ushort)((packet[2] << 8) | packet[3])).ToArray();
        Assert.That(numbers, Is.EqualTo(numbers.Select((_, i) => (ushort)(numbers[0] + i))));
    }

    [Test]
    public async Task A_publisher_feeds_a_stream_over_UDP()
    {
        await using var bench = new ServerBench();
        await bench.Server.StartAsync();
        var client = await ConnectAsync(bench);
        using var rtp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)rtp.Client.LocalEndPoint!).Port;
        await client.ExpectAsync(200, "ANNOUNCE", client.Url(), "Content-Type: application/sdp", ServerClient.Sdp);
        var setup = await client.ExpectAsync(
            200, "SETUP", client.Url() + "/streamid=0", $"Transport: RTP/AVP/UDP;unicast;client_port={port}-{port + 1};mode=record");
        var server = RtspTransport.ParseAll(setup.Headers[RtspHeaderNames.Transport]).Single();
        Assert.That(server.IsRecord, Is.True);
        await client.ExpectAsync(200, "RECORD", client.Url());
        var number = 0;
        await Eventually.Async(
            () =>
            {
                var at = ++number * 1800; // 20 ms
                byte[] picture =
                [
                    0x80, 0x80 | 96, (byte)(number >> 8), (byte)number, (byte)(at >> 24), (byte)(at >> 16), (byte)(at >> 8), (byte)at,
                    1, 2, 3, 4, 0x65, 0x88, 0x84, 0x21,
                ];
                rtp.Send(picture, new IPEndPoint(IPAddress.Loopback, server.ServerPorts!.Value.Rtp));
                bench.Time.Advance(TimeSpan.FromMilliseconds(20));
                return bench.Hub.Find("live/cam")?.GetSnapshot().Feed is { VideoPackets: > 0 };
            },
            "frames");
        await client.ExpectAsync(200, "TEARDOWN", client.Url());
    }

    [Test]
    public async Task RTSPS_plays_interleaved_and_refuses_UDP()
    {
        using var certificate = new TestCertificate();
        await using var bench = new ServerBench(new RtspServerOptions { Tls = certificate.Server }, isRealTime: true);
        await bench.Server.StartAsync();
        await using var feed = bench.Publish();
        var client = bench.Add(new ServerClient(
            await TlsTransport.ConnectAsync("localhost", bench.Server.LocalTlsEndPoint!.Port, certificate.Client)));
        await client.ExpectAsync(461, "SETUP", client.Url() + "/trackID=0", "Transport: RTP/AVP;unicast;client_port=50000-50001");
        await client.SetUpAsync();
        await client.ExpectAsync(200, "PLAY", client.Url());
        await Eventually.Async(() => client.FramesOf(0).Count > 0, "media");
        Assert.That(bench.TakeEvents().OfType<Events.ConnectionOpened>().Single().Protocol, Is.EqualTo("rtsps"));
    }

    private static async Task<ServerClient> ConnectAsync(ServerBench bench) => bench.Add(new ServerClient(
        await SocketTransport.ConnectAsync("127.0.0.1", bench.Server.LocalEndPoint!.Port)));
}
