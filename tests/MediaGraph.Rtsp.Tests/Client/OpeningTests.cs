using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

// Rows: R7, S4.
internal sealed class OpeningTests
{
    private static readonly string[] Stages =
        [RtspMethods.Options, RtspMethods.Describe, RtspMethods.Setup, RtspMethods.Play];

    [TestCaseSource(nameof(Stages))]
    public async Task R7_a_server_that_stops_answering_costs_no_more_than_the_requests_deadline(string stage)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        await ReachAsync(bench, stage);
        var began = bench.Time.GetUtcNow();
        var failure = await bench.FailAsync(pulling);
        Assert.That(failure.Reason, Is.EqualTo(new CloseReason(CloseCode.Deadline, $"the server did not answer {stage} in time")));
        Assert.That(bench.Time.GetUtcNow() - began, Is.LessThan(TimeSpan.FromSeconds(36)));
        Assert.That(bench.Client.Connections, Is.Zero);
    }

    [TestCaseSource(nameof(Stages))]
    public async Task S4_cancelling_at_any_stage_leaves_nothing(string stage)
    {
        await using var bench = new ClientBench();
        using var cancel = new CancellationTokenSource();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam", cancel.Token);
        var server = await ReachAsync(bench, stage);
        await cancel.CancelAsync();
        if (stage == RtspMethods.Play)
            await server.ExpectAsync("TEARDOWN"); // before time goes by, of which a goodbye has little
        var ended = await bench.AdvanceUntilAsync(pulling.ContinueWith(t => t, TaskScheduler.Default));
        Assert.That(ended.IsCanceled);
        Assert.That(bench.Client.Connections, Is.Zero);
        Assert.That(bench.ClientEnds.Single().AbortReason, Is.Not.Null);
        await Eventually.Async(() => server.IsOver, "the connection's end");
        Assert.That(server.Methods.Contains("TEARDOWN"), Is.EqualTo(stage == RtspMethods.Play), "what is set up is torn down");
    }

    [TestCaseSource(nameof(Stages))]
    public async Task A_server_that_leaves_at_any_stage_fails_the_call(string stage)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        (await ReachAsync(bench, stage)).Reset();
        var failure = await bench.FailAsync(pulling);
        Assert.That(failure.Reason.Code, Is.EqualTo(CloseCode.ConnectionLost).Or.EqualTo(CloseCode.PeerClosed));
    }

    [TestCaseSource(nameof(Stages))]
    public async Task Disposing_the_client_at_any_stage_fails_the_call(string stage)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        await ReachAsync(bench, stage);
        var disposing = bench.Client.DisposeAsync().AsTask();
        await bench.AdvanceUntilAsync(disposing.ContinueWith(t => t.Status, TaskScheduler.Default));
        Assert.That(
            async () => await pulling, Throws.InstanceOf<OperationCanceledException>().Or.InstanceOf<RtspClientException>());
    }

    [TestCase(RtspMethods.Describe, 404)]
    [TestCase(RtspMethods.Setup, 500)]
    [TestCase(RtspMethods.Play, 457)]
    public async Task A_refusal_fails_the_call_with_its_status(string stage, int status)
    {
        await using var bench = new ClientBench();
        var failure = await bench.FailAsync(request => request.Method == stage ? TestServer.Reply(status) : null);
        Assert.That(
            failure.Reason,
            Is.EqualTo(new CloseReason(CloseCode.Refused, $"the server refused {stage}: {status} {RtspStatus.ReasonOf(status)}")));
        Assert.That(failure.StatusCode, Is.EqualTo(status));
    }

    [TestCase(404)]
    [TestCase(501)]
    public async Task A_server_that_refuses_options_is_asked_all_the_same(int status)
    {
        await using var bench = new ClientBench();
        await bench.PullAsync(request => request.Method == RtspMethods.Options ? TestServer.Reply(status) : null);
    }

    [Test]
    public async Task Dialling_has_a_deadline()
    {
        await using var bench = new ClientBench
        {
            DialInstead = async token =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                throw new InvalidOperationException();
            },
        };
        var failure = await bench.FailAsync(bench.Client.PullAsync(ClientBench.Url(), "in/cam"));
        Assert.That(failure.Reason, Is.EqualTo(new CloseReason(CloseCode.Deadline, "the server did not answer in time")));
    }

    [Test]
    public async Task A_redirect_is_followed_with_user_and_password_on_the_same_host()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url("rtsp://me:secret@server.example/cam"), "in/cam");
        await bench.AcceptAsync(RedirectTo("rtsp://server.example:8554/edge"));
        var second = await bench.AcceptAsync(AskWhoOnce(), expectedUrl: "rtsp://server.example:8554/edge");
        var transfer = await pulling;
        Assert.That(transfer.Url.ToString(), Is.EqualTo("rtsp://server.example:8554/edge"));
        Assert.That(second.Requests.Last().Headers["Authorization"], Does.StartWith("Digest username=\"me\""));
    }

    [Test]
    public async Task A_redirect_to_another_host_is_followed_only_where_that_is_allowed_and_without_the_password([Values] bool isAllowed)
    {
        await using var bench = new ClientBench(new RtspClientOptions { AllowOtherHosts = isAllowed });
        var pulling = bench.Client.PullAsync(ClientBench.Url("rtsp://me:secret@server.example/cam"), "in/cam");
        await bench.AcceptAsync(RedirectTo("rtsp://other.example/cam"));
        if (!isAllowed)
        {
            Assert.That((await bench.FailAsync(pulling)).Reason.Text, Is.EqualTo("the server leads to another host, which is not allowed"));
            return;
        }

        var second = await bench.AcceptAsync(AskWhoOnce());
        var failure = await bench.FailAsync(pulling);
        Assert.That(failure.Reason.Text, Is.EqualTo("the server asks who we are, and the address names no user"));
        Assert.That(second.Requests.Select(request => request.Headers["Authorization"]), Is.All.Null);
    }

    [Test]
    public async Task A_server_does_not_lead_from_rtsps_to_rtsp()
    {
        await using var bench = new ClientBench();
        var failure = await bench.FailAsync(RedirectTo("rtsp://server.example/cam"), url: "rtsps://server.example/cam");
        Assert.That(failure.Reason.Text, Is.EqualTo("the server leads from rtsps to rtsp, which is not followed"));
    }

    [Test]
    public async Task Redirects_have_a_bound()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        for (var i = 0; i < 4; i++)
            await bench.AcceptAsync(RedirectTo("rtsp://server.example/again"));
        Assert.That((await bench.FailAsync(pulling)).Reason.Text, Is.EqualTo("the server redirects again and again"));
    }

    [Test]
    [NonParallelizable] // it counts the process's sockets
    public async Task R7_a_thousand_failures_leave_no_socket()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var stop = new CancellationTokenSource();
        var serving = ServeAsync(listener, stop.Token);
        await using var hub = new StreamHub();
        await using var client = new RtspClient(hub);
        using var closed = new ClosedPort();
        var refused = RtspUrl.Parse(string.Create(CultureInfo.InvariantCulture, $"rtsp://127.0.0.1:{closed.Port}/cam"));
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var unknown = RtspUrl.Parse(string.Create(CultureInfo.InvariantCulture, $"rtsp://127.0.0.1:{port}/cam"));
        for (var i = 0; i < 20; i++)
            await FailBothAsync();
        var before = OpenSockets.Count();
        for (var i = 0; i < 500; i++)
            await FailBothAsync();
        await Eventually.Async(() => OpenSockets.Count() <= before, "sockets");
        Assert.That(client.Connections, Is.Zero);
        await stop.CancelAsync();
        await serving;

        async Task FailBothAsync()
        {
            Assert.That(async () => await client.PullAsync(refused, "in/cam"), Throws.InstanceOf<RtspClientException>());
            Assert.That(
                async () => await client.PullAsync(unknown, "in/cam"),
                Throws.InstanceOf<RtspClientException>().With.Property("StatusCode").EqualTo(404));
        }
    }

    // Answers everything with 404.
    private static async Task ServeAsync(TcpListener listener, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                using var socket = await listener.AcceptSocketAsync(cancellationToken);
                for (int i = 1, read; (read = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken)) > 0; i++)
                    await socket.SendAsync(Encoding.ASCII.GetBytes($"RTSP/1.0 404 Not Found\r\nCSeq: {i}\r\n\r\n"), cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    [Test]
    public void Options_out_of_their_range_are_all_named()
    {
        var options = new RtspClientOptions
        {
            DialTimeout = TimeSpan.Zero,
            RequestTimeout = TimeSpan.Zero,
            MediaTimeout = TimeSpan.Zero,
            WriteTimeout = TimeSpan.Zero,
            UdpTimeout = TimeSpan.Zero,
            MaxRedirects = -1,
            Transport = (RtspUrlTransport)7,
            UdpPorts = (9, 9),
            Tracks = [],
            UserAgent = "a\r\nb",
            Limits = new RtspLimits { MaxMedias = 0 },
        };
        Assert.That(options.Validate("P:").Select(error => error.Split(' ')[0]), Is.EqualTo(new[]
        {
            "P:DialTimeout", "P:RequestTimeout", "P:MediaTimeout", "P:WriteTimeout", "P:MaxRedirects", "P:Transport", "P:UdpTimeout",
            "P:UdpPorts", "P:Tracks", "P:UserAgent", "P:Limits:MaxMedias",
        }));
        Assert.That(() => new RtspClient(new StreamHub(), options), Throws.ArgumentException);
    }

    private static Func<RtspRequest, string?> RedirectTo(string target) =>
        request => request.Method == RtspMethods.Describe ? TestServer.Reply(302, $"Location: {target}") : null;

    private static Func<RtspRequest, string?> AskWhoOnce() => request => request.Headers["Authorization"] is null
        ? TestServer.Reply(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"")
        : null;

    private static async Task<TestServer> ReachAsync(ClientBench bench, string stage)
    {
        var server = await bench.AcceptAsync(request => request.Method == stage || request.Method == "TEARDOWN" ? "" : null);
        await server.ExpectAsync(stage);
        return server;
    }
}
