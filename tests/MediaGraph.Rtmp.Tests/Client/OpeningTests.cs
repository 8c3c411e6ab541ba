using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Client;

// Rows: M1, M3, I8 (client halves), S4.
internal sealed class OpeningTests
{
    internal enum Stage
    {
        Handshake,
        Connect,
        CreateStream,
        Play,
    }

    [Test]
    public async Task M1_a_server_that_stops_answering_costs_no_more_than_the_stages_deadline([Values] Stage stage)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        await ReachAsync(bench, stage);
        var began = bench.Time.GetUtcNow();
        var failure = await PullTests.FailAsync(bench, pulling);
        Assert.That(failure.Reason.Code, Is.EqualTo(CloseCode.Deadline));
        Assert.That(bench.Time.GetUtcNow() - began, Is.LessThan(TimeSpan.FromSeconds(36)));
        Assert.That(bench.Client.Connections, Is.Zero);
    }

    [Test]
    public async Task S4_cancelling_at_any_stage_leaves_nothing([Values] Stage stage)
    {
        await using var bench = new ClientBench();
        using var cancel = new CancellationTokenSource();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam", cancel.Token);
        await ReachAsync(bench, stage);
        await cancel.CancelAsync();
        Assert.That(async () => await pulling, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(bench.Client.Connections, Is.Zero);
        Assert.That(bench.ClientEnds.Single().AbortReason, Is.Not.Null);
    }

    [Test]
    public async Task M3_a_server_that_leaves_at_any_stage_fails_the_call([Values] Stage stage)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        (await ReachAsync(bench, stage)).Reset();
        var failure = await PullTests.FailAsync(bench, pulling);
        Assert.That(failure.Reason.Code, Is.EqualTo(CloseCode.ConnectionLost).Or.EqualTo(CloseCode.PeerClosed));
    }

    [Test]
    public async Task Disposing_the_client_at_any_stage_fails_the_call([Values] Stage stage)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        await ReachAsync(bench, stage);
        var disposing = bench.Client.DisposeAsync().AsTask();
        await bench.AdvanceUntilAsync(disposing.ContinueWith(t => t.Status, TaskScheduler.Default));
        Assert.That(
            async () => await pulling, Throws.InstanceOf<OperationCanceledException>().Or.InstanceOf<RtmpClientException>());
    }

    [Test]
    public async Task M1_dialling_has_a_deadline()
    {
        await using var bench = new ClientBench
        {
            DialInstead = async token =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                throw new InvalidOperationException();
            },
        };
        var failure = await PullTests.FailAsync(bench, bench.Client.PullAsync(ClientBench.Url(), "in/cam"));
        Assert.That(failure.Reason, Is.EqualTo(new CloseReason(CloseCode.Deadline, "the server did not answer in time")));
    }

    [Test]
    [NonParallelizable] // it counts the process's sockets
    public async Task I8_a_thousand_failures_leave_no_socket()
    {
        await using var bench = await Bench.ListenAsync(); // a server that refuses: nobody publishes
        await using var client = new RtmpClient(bench.Hub);
        using var closed = new ClosedPort();
        var refused = RtmpUrl.Parse(string.Create(CultureInfo.InvariantCulture, $"rtmp://127.0.0.1:{closed.Port}/live/cam"));
        var unknown = RtmpUrl.Parse(string.Create(CultureInfo.InvariantCulture, $"rtmp://127.0.0.1:{bench.EndPoint.Port}/live/cam"));
        for (var i = 0; i < 20; i++)
            await FailBothAsync();
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections of the server");
        var before = OpenSockets.Count();
        for (var i = 0; i < 500; i++)
            await FailBothAsync();
        await Eventually.EqualAsync(() => bench.Server.Connections, 0, "connections of the server");
        await Eventually.Async(() => OpenSockets.Count() <= before, "sockets");
        Assert.That(client.Connections, Is.Zero);

        async Task FailBothAsync()
        {
            Assert.That(async () => await client.PullAsync(refused, "in/cam"), Throws.InstanceOf<RtmpClientException>());
            Assert.That(
                async () => await client.PullAsync(unknown, "in/cam"),
                Throws.InstanceOf<RtmpClientException>().With.Property("StatusCode").EqualTo("NetStream.Play.StreamNotFound"));
        }
    }

    [Test]
    public async Task A_redirect_is_followed()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var (first, connect) = await bench.AcceptConnectAsync();
        await RedirectAsync(first, connect, "rtmp://server.example:1940/edge/7");
        await AcceptWhileTimeGoesByAsync(bench, "rtmp://server.example:1940/edge/7/***");
        var transfer = await bench.AdvanceUntilAsync(pulling);
        Assert.That(transfer.Url.ToString(), Is.EqualTo("rtmp://server.example:1940/edge/7/***"));
    }

    [Test]
    public async Task A_redirect_to_another_host_is_followed_only_where_that_is_allowed([Values] bool isAllowed)
    {
        await using var bench = new ClientBench(new RtmpClientOptions { AllowOtherHosts = isAllowed });
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var (first, connect) = await bench.AcceptConnectAsync();
        await RedirectAsync(first, connect, "rtmp://other.example/live");
        if (isAllowed)
        {
            await AcceptWhileTimeGoesByAsync(bench, "rtmp://other.example/live/***");
            await bench.AdvanceUntilAsync(pulling);
            return;
        }

        var failure = await PullTests.FailAsync(bench, pulling);
        Assert.That(failure.Message, Is.EqualTo("the server leads to another host, which AllowOtherHosts forbids"));
    }

    [Test]
    public async Task Redirects_are_followed_only_so_often()
    {
        await using var bench = new ClientBench(new RtmpClientOptions { MaxRedirects = 2 });
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var opening = PullTests.FailAsync(bench, pulling);
        for (var i = 0; i < 3; i++)
        {
            var (server, connect) = await bench.AcceptConnectAsync();
            await RedirectAsync(server, connect, "rtmp://server.example/live");
        }

        Assert.That((await opening).Message, Is.EqualTo("the server redirects again and again"));
    }

    [Test]
    public async Task A_request_to_reconnect_is_followed_while_it_plays([Values("", "rtmp://server.example/edge")] string target)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var first = await bench.AcceptPlayAsync();
        var transfer = await pulling;
        await AskToReconnectAsync(first, target);
        await first.ExpectAsync(m => m.Name == "deleteStream", "deleteStream");
        var second = await AcceptWhileTimeGoesByAsync(bench, target.Length == 0 ? null : "rtmp://server.example/edge/***");
        await second.HeadersAsync(1);
        await Eventually.Async(() => bench.Hub.Find("in/cam")?.GetSnapshot().Tracks.Length == 2, "the second connection's tracks");
        Assert.That(transfer.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task A_server_that_asks_to_reconnect_again_and_again_is_left()
    {
        await using var bench = new ClientBench(new RtmpClientOptions { MaxRedirects = 1 });
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var first = await bench.AcceptPlayAsync();
        var transfer = await pulling;
        await AskToReconnectAsync(first, "");
        await AskToReconnectAsync(await AcceptWhileTimeGoesByAsync(bench, null), "");
        var reason = await bench.AdvanceUntilAsync(transfer.Completion);
        Assert.That(reason.Text, Is.EqualTo("the server redirects again and again"));
    }

    [Test]
    public async Task Closing_a_transfer_while_it_reconnects_ends_it()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var first = await bench.AcceptPlayAsync();
        var transfer = await pulling;
        await AskToReconnectAsync(first, "");
        await first.ExpectAsync(m => m.Name == "deleteStream", "deleteStream");
        await bench.AdvanceUntilAsync(bench.AcceptAsync());
        transfer.Close(CloseReason.Requested);
        Assert.That(await bench.AdvanceUntilAsync(transfer.Completion), Is.EqualTo(CloseReason.Requested));
    }

    // The password is "secret", the user "me"; what a server expects is worked out by hand from the scheme's description.
    [TestCase("secret", true)]
    [TestCase("wrong", false)]
    public async Task A_server_with_an_access_manager_is_answered(string password, bool isRight)
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Codec.FromAvcConfiguration(Samples.VideoHeader.AsSpan(5))));
        var pushing = bench.Client.PushAsync("live/cam", RtmpUrl.Parse($"rtmp://me:{password}@server.example/live/cam"));
        var (first, connect) = await bench.AcceptConnectAsync();
        Assert.That(AppOf(connect), Is.EqualTo("live"));
        await RejectAsync(first, connect, "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ");
        var (second, again) = await bench.AdvanceUntilAsync(bench.AcceptConnectAsync());
        Assert.That(AppOf(again), Is.EqualTo("live?authmod=adobe&user=me"));
        await RejectAsync(
            second, again, "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=c2FsdA==&challenge=Y2g=&opaque=b3A=");
        var (third, last) = await bench.AdvanceUntilAsync(bench.AcceptConnectAsync());
        if (!IsAdobeResponse(AppOf(last)))
        {
            await RejectAsync(third, last, "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=b3A=");
            var failure = await PullTests.FailAsync(bench, pushing);
            Assert.That(isRight, Is.False, "the answer was wrong");
            Assert.That(failure.StatusCode, Is.EqualTo("NetConnection.Connect.Rejected"));
            Assert.That(bench.Log.Entries.Select(e => e.Message), Has.None.Contains("wrong"), "a password in the log");
            return;
        }

        Assert.That(isRight, Is.True, "a wrong password was answered rightly");
        await ClientBench.AgreeToStreamAsync(third, last);
        await third.ExpectAsync(m => m.Name == "publish", "publish");
        await third.StatusAsync(1, "NetStream.Publish.Start");
        await pushing;
    }

    [Test]
    public async Task A_place_that_one_is_redirected_to_may_ask_again_who_one_is()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(RtmpUrl.Parse("rtmp://me:secret@server.example/live/cam"), "in/cam");
        for (var place = 0; place < 2; place++)
        {
            var (first, connect) = await bench.AdvanceUntilAsync(bench.AcceptConnectAsync());
            Assert.That(AppOf(connect), Is.EqualTo("live"));
            await RejectAsync(first, connect, "[ code=403 need auth; authmod=llnw ] : ");
            var (second, again) = await bench.AdvanceUntilAsync(bench.AcceptConnectAsync());
            await RejectAsync(second, again, "[ authmod=llnw ] : ?reason=needauth&user=me&nonce=abc");
            var (third, last) = await bench.AdvanceUntilAsync(bench.AcceptConnectAsync());
            Assert.That(AppOf(last), Does.Match("^live[?]authmod=llnw&user=me&nonce=abc&cnonce=[0-9a-f]{8}&nc=00000001&response=[0-9a-f]{32}$"));
            if (place == 0)
            {
                await RedirectAsync(third, last, "rtmp://server.example:1940/live");
                continue;
            }

            await ClientBench.AgreeToStreamAsync(third, last);
            await third.ExpectAsync(m => m.Name == "play", "play");
            await third.StatusAsync(1, "NetStream.Play.Start");
        }

        await pulling;
    }

    [Test]
    public async Task A_server_that_asks_for_a_user_which_the_address_does_not_name_has_refused()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var (server, connect) = await bench.AcceptConnectAsync();
        await RejectAsync(server, connect, "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ");
        var failure = await PullTests.FailAsync(bench, pulling);
        Assert.That(failure.Message, Does.StartWith("the server refused: NetConnection.Connect.Rejected ([ AccessManager.Reject ]"));
    }

    [Test]
    public async Task What_a_server_says_forges_no_log_entry()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var (server, connect) = await bench.AcceptConnectAsync();
        await RejectAsync(server, connect, "no\r\n12:00:00 Information all is well\u001b[2J" + new string('x', 5000));
        var failure = await PullTests.FailAsync(bench, pulling);
        Assert.That(failure.Message, Has.Length.LessThan(400));
        Assert.That(failure.Message.Any(char.IsControl), Is.False);
    }

    [SuppressMessage("Security", "CA5351", Justification = "The scheme is what it is.")]
    private static bool IsAdobeResponse(string app)
    {
        var parts = app.Split('?', 2)[1].Split('&').ToDictionary(p => p.Split('=', 2)[0], p => p.Split('=', 2)[1]);
        var first = Base64Md5("me" + "c2FsdA==" + "secret");
        return parts["response"] == Base64Md5(first + "b3A=" + parts["challenge"]) && parts["opaque"] == "b3A=" && parts["user"] == "me";

        static string Base64Md5(string text) =>
            Convert.ToBase64String(System.Security.Cryptography.MD5.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
    }

    private static string AppOf(ReceivedMessage connect) => connect.Values[2].AsObject!["app"].AsString!;

    private static Task RejectAsync(TestClient server, ReceivedMessage connect, string description) =>
        server.RefuseAsync(connect, "NetConnection.Connect.Rejected", description);

    private static Task RedirectAsync(TestClient server, ReceivedMessage connect, string target) => server.RefuseAsync(
        connect, "NetConnection.Connect.Rejected", "Moved.",
        new AmfProperty("ex", new AmfObject(new AmfProperty("code", 302d), new AmfProperty("redirect", target))));

    private static Task AskToReconnectAsync(TestClient server, string target) => server.StatusAsync(
        0, "NetConnection.Connect.ReconnectRequest", "status", target.Length == 0 ? [] : [new AmfProperty("tcUrl", target)]);

    private static Task<TestClient> AcceptWhileTimeGoesByAsync(ClientBench bench, string? expectedUrl) =>
        bench.AdvanceUntilAsync(bench.AcceptPlayAsync(expectedUrl));

    private static async Task<TestClient> ReachAsync(ClientBench bench, Stage stage)
    {
        if (stage == Stage.Handshake)
            return await bench.AcceptAsync();
        if (stage == Stage.Connect)
            return (await bench.AcceptConnectAsync()).Server;
        var (server, connect) = await bench.AcceptConnectAsync();
        await server.AnswerAsync(connect, AmfValue.Null, ClientBench.Success);
        var create = await server.ExpectAsync(m => m.Name == "createStream", "createStream");
        if (stage == Stage.CreateStream)
            return server;
        await server.AnswerAsync(create, AmfValue.Null, 1d);
        await server.ExpectAsync(m => m.Name == "play", "play");
        return server;
    }
}
