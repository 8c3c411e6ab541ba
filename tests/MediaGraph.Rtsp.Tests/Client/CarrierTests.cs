using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

// Rows: R8 (over UDP).

/// <summary>UDP, the HTTP tunnel, and our own server over real sockets.</summary>
internal sealed class CarrierTests
{
    private const string UdpUrl = "rtsp://server.example/cam#transport=udp";

    [Test]
    public async Task A_stream_comes_over_udp()
    {
        await using var bench = new ClientBench();
        using var sender = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)sender.Client.LocalEndPoint!).Port;
        var pulling = bench.Client.PullAsync(ClientBench.Url(UdpUrl), "in/cam");
        var server = await bench.AcceptAsync(AnswerUdp(port), TestServer.Head + TestServer.Audio);
        await server.ExpectAsync(RtspMethods.Play);
        var setup = await server.ExpectAsync(RtspMethods.Setup);
        var ports = RtspTransport.ParseAll(setup.Headers["Transport"])[0].ClientPorts!.Value;
        Assert.That(pulling.IsCompleted, Is.False);
        await sender.SendAsync(TestServer.Rtp(1, 0, 0, new byte[160]), new IPEndPoint(IPAddress.Loopback, ports.Rtp));
        var transfer = await pulling.WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        await bench.PassUntilTeardownAsync(server);
        Assert.That((await bench.EndOfAsync(transfer)).Text, Is.EqualTo("the server's audio track fell silent"), "R8");
        await server.ExpectAsync("TEARDOWN");
        Assert.That(server.Methods.Last(), Is.EqualTo("TEARDOWN"));
        Assert.That(bench.ClientEnds, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_stream_that_does_not_come_over_udp_comes_over_tcp_in_another_session()
    {
        await using var bench = new ClientBench();
        var began = bench.Time.GetUtcNow();
        var pulling = bench.Client.PullAsync(ClientBench.Url(UdpUrl), "in/cam");
        var first = await bench.AcceptAsync(AnswerUdp(FreePort.Find()), TestServer.Head + TestServer.Audio);
        await first.ExpectAsync(RtspMethods.Play);
        var second = await bench.AdvanceUntilAsync(bench.AcceptAsync());
        await pulling.WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        await first.ExpectAsync("TEARDOWN");
        await Eventually.Async(() => first.IsOver, "the first connection's end");
        Assert.That(first.Methods.Last(), Is.EqualTo("TEARDOWN"));
        Assert.That(second.Requests.First(request => request.Method == "SETUP").Headers["Transport"], Does.Contain("interleaved"));
        Assert.That(bench.Time.GetUtcNow() - began, Is.InRange(TimeSpan.FromSeconds(2.9), TimeSpan.FromSeconds(15)));
    }

    [TestCase("461")]
    [TestCase("interleaved")]
    public async Task A_server_that_wants_no_udp_is_asked_for_tcp(string way)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(UdpUrl), "in/cam");
        await bench.AcceptAsync(request => request.Method != RtspMethods.Setup ? null
            : way == "461" ? TestServer.Reply(461)
            : TestServer.Reply(200, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 5"));
        await bench.AcceptAsync();
        await pulling.WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
    }

    [Test]
    public async Task A_stream_comes_through_an_http_tunnel()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url("rtsp://server.example/cam?a=b#transport=http"), "in/cam");
        var (_, get) = await bench.AcceptBareAsync();
        var (_, post) = await bench.AcceptBareAsync();
        var opening = await ReadHeaderAsync(get);
        Assert.That(opening, Does.StartWith("GET /cam?a=b HTTP/1.0\r\n").And.Contain("Accept: application/x-rtsp-tunnelled\r\n"));
        await get.SendAsync(Encoding.ASCII.GetBytes("HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n"), default);
        var posting = await ReadHeaderAsync(post);
        Assert.That(posting, Does.StartWith("POST /cam?a=b HTTP/1.0\r\n"));
        Assert.That(Cookie(posting), Is.EqualTo(Cookie(opening)));

        await PlayThroughTunnelAsync(pulling, get, post);
    }

    [TestCase("Basic realm=\"cam\"", "Authorization: Basic bWU6c2VjcmV0\r\n")]
    [TestCase("Digest realm=\"cam\", nonce=\"n1\"", "Authorization: Digest username=\"me\", realm=\"cam\", nonce=\"n1\", uri=\"/cam\"")]
    public async Task A_tunnel_whose_HTTP_asks_who_we_are_is_told_by_another(string challenge, string answer)
    {
        await using var bench = new ClientBench(new RtspClientOptions { AllowBasicWithoutTls = true });
        var pulling = bench.Client.PullAsync(ClientBench.Url("rtsp://me:secret@server.example/cam#transport=http"), "in/cam");
        Assert.That(await RefuseTunnelAsync(bench, challenge), Does.Not.Contain("Authorization"));
        var (_, get) = await bench.AcceptBareAsync();
        var (_, post) = await bench.AcceptBareAsync();
        Assert.That(await ReadHeaderAsync(get), Does.StartWith("GET /cam HTTP/1.0\r\n").And.Contain(answer));
        await get.SendAsync(Encoding.ASCII.GetBytes("HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n"), default);
        Assert.That(await ReadHeaderAsync(post), Does.StartWith("POST /cam HTTP/1.0\r\n").And.Contain(answer));
        await PlayThroughTunnelAsync(pulling, get, post);
        Assert.That(bench.ClientEnds, Has.Count.EqualTo(4));
    }

    [TestCase("me:wrong@", true, 2)]
    [TestCase("me:wrong@", false, 1)] // in clear text the password itself is told to nobody
    [TestCase("", true, 1)]
    public async Task A_tunnel_whose_HTTP_does_not_know_us_fails_the_call(string user, bool allowBasic, int attempts)
    {
        await using var bench = new ClientBench(new RtspClientOptions { AllowBasicWithoutTls = allowBasic });
        var pulling = bench.Client.PullAsync(ClientBench.Url($"rtsp://{user}server.example/cam#transport=http"), "in/cam");
        for (var i = 0; i < attempts; i++)
            await RefuseTunnelAsync(bench, "Basic realm=\"cam\"");
        var failure = await bench.FailAsync(pulling);
        Assert.That((failure.StatusCode, failure.Reason.Code), Is.EqualTo(((int?)401, CloseCode.Refused)));
        Assert.That(bench.ClientEnds, Has.Count.EqualTo(2 * attempts));
    }

    [Test]
    public async Task A_tunnel_that_is_refused_fails_the_call()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url("rtsp://server.example/cam#transport=http"), "in/cam");
        var (_, get) = await bench.AcceptBareAsync();
        await bench.AcceptBareAsync();
        await get.SendAsync(Encoding.ASCII.GetBytes("HTTP/1.1 404 Not Found\r\n\r\n"), default);
        Assert.That((await bench.FailAsync(pulling)).StatusCode, Is.EqualTo(404));
    }

    [TestCase("tcp")]
    [TestCase("udp")]
    [TestCase("http")]
    public async Task Our_own_server_is_pulled_from(string carrier)
    {
        await using var hub = new StreamHub();
        await using var server = new RtspServer(hub, new RtspServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) });
        await server.StartAsync(CancellationToken.None);
        await using var home = new StreamHub();
        await using var client = new RtspClient(home);
        await using var feed = hub.Publish("live/cam", Track.Of(new Codec(MediaKind.Audio, CodecNames.Pcmu, 8000, 1)));
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(feed, stop.Token);
        var url = Url(server, $"live/cam#transport={carrier}");
        await using var transfer = await client.PullAsync(url, "in/cam");
        await Eventually.Async(() => home.Find("in/cam")!.GetSnapshot().Feed?.AudioPackets > 10, "media");
        await transfer.DisposeAsync();
        await stop.CancelAsync();
        await writing;
        await Eventually.EqualAsync(() => hub.Find("live/cam")!.GetSnapshot().Consumers.Length, 0, "consumers");
    }

    [Test]
    public async Task A_long_token_that_the_server_repeats_for_every_track_is_no_reason_to_hang_up()
    {
        await using var hub = new StreamHub();
        await using var server = new RtspServer(hub, new RtspServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) });
        await server.StartAsync(CancellationToken.None);
        await using var home = new StreamHub();
        await using var client = new RtspClient(home);
        var codec = new Codec(MediaKind.Audio, CodecNames.Pcmu, 8000, 1);
        await using var feed = hub.Publish("live/cam", Track.Of(codec), Track.Of(codec, "audio1"));
        foreach (var track in feed.Tracks)
            track.Write(new byte[160], TimeSpan.Zero);
        await using var transfer = await client.PullAsync(Url(server, $"live/cam?token={new string('t', 1000)}"), "in/cam");
        await Eventually.EqualAsync(() => home.Find("in/cam")!.GetSnapshot().Feed?.AudioPackets, 2, "packets");
    }

    [TestCase("tcp")]
    [TestCase("udp")]
    public async Task Our_own_server_is_pushed_to(string carrier)
    {
        await using var hub = new StreamHub();
        await using var server = new RtspServer(hub, new RtspServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) });
        await server.StartAsync(CancellationToken.None);
        await using var home = new StreamHub();
        await using var client = new RtspClient(home);
        await using var feed = home.Publish("live/cam", Track.Of(new Codec(MediaKind.Audio, CodecNames.Pcmu, 8000, 1)));
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(feed, stop.Token);
        await using var transfer = await client.PushAsync("live/cam", Url(server, $"up/cam#transport={carrier}"));
        await Eventually.Async(() => hub.Find("up/cam")?.GetSnapshot().Feed?.AudioPackets > 10, "media");
        await transfer.DisposeAsync();
        await stop.CancelAsync();
        await writing;
        await Eventually.Async(() => hub.Find("up/cam")?.IsPublished != true, "the end of the stream");
    }

    // The next tunnel's GET is answered 401; returns what it asked.
    private static async Task<string> RefuseTunnelAsync(ClientBench bench, string challenge)
    {
        var (_, get) = await bench.AcceptBareAsync();
        await bench.AcceptBareAsync();
        var asked = await ReadHeaderAsync(get);
        await get.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\n\r\n"), default);
        return asked;
    }

    private static async Task PlayThroughTunnelAsync(Task<RtspTransfer> pulling, MemoryTransport get, MemoryTransport post)
    {
        // From here on a server that decodes.
        var (inner, outer) = MemoryTransport.CreatePair();
        await using var server = new TestServer(inner);
        var up = PumpAsync(post, text => outer.SendAsync(Convert.FromBase64String(text), default));
        var down = PumpAsync(outer, text => get.SendAsync(Encoding.Latin1.GetBytes(text), default));
        var transfer = await pulling.WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        Assert.That(transfer.RemoteEndPoint, Is.EqualTo(ClientBench.ServerAddress));
        await transfer.DisposeAsync();
        Assert.That(server.Methods.Last(), Is.EqualTo("TEARDOWN"));
        await up;
        outer.Abort(CloseReason.Requested);
        await down;
        await get.DisposeAsync();
        await post.DisposeAsync();
        await outer.DisposeAsync();
    }

    private static RtspUrl Url(RtspServer server, string path) =>
        RtspUrl.Parse(string.Create(CultureInfo.InvariantCulture, $"rtsp://127.0.0.1:{server.LocalEndPoint!.Port}/{path}"));

    private static async Task WriteAsync(Feed feed, CancellationToken cancellationToken)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        try
        {
            for (var i = 0; await pace.WaitForNextTickAsync(cancellationToken); i++)
                feed.Write(new byte[160], TimeSpan.FromMilliseconds(20 * i));
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private static Func<RtspRequest, string?> AnswerUdp(int port) => request => request.Method == RtspMethods.Setup
        ? TestServer.Reply(
            200,
            string.Create(
                CultureInfo.InvariantCulture,
                $"Transport: {request.Headers["Transport"]};server_port={port}-{port + 1};source=192.0.2.77"),
            "Session: 5")
        : null;

    private static string Cookie(string header) =>
        header.Split("\r\n").Single(line => line.StartsWith("x-sessioncookie:", StringComparison.Ordinal));

    private static async Task<string> ReadHeaderAsync(MemoryTransport transport)
    {
        while (true)
        {
            var result = await transport.Input.ReadAsync();
            var text = Encoding.ASCII.GetString(result.Buffer.ToArray());
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0)
            {
                transport.Input.AdvanceTo(result.Buffer.GetPosition(end + 4));
                return text[..(end + 2)];
            }

            transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    // Each piece as it comes; in memory a piece that was sent at once is read at once.
    private static async Task PumpAsync(MemoryTransport from, Func<string, ValueTask> send)
    {
        try
        {
            while (true)
            {
                var result = await from.Input.ReadAsync();
                var text = Encoding.Latin1.GetString(result.Buffer.ToArray());
                from.Input.AdvanceTo(result.Buffer.End);
                if (text.Length > 0)
                    await send(text);
                if (result.IsCompleted || result.IsCanceled)
                    return;
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // The other end has gone.
        }
    }
}
