using MediaGraph.Media;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

// Rows: S4, S10, S12, S20, R2, R3, R7, R8, T2, T8.
internal sealed class SourceTests
{
    private const string Url = "rtsp://me:secret@server.example/cam";

    private const string Talk = "m=audio 0 RTP/AVP 8\r\na=control:trackID=talk\r\na=sendonly\r\n";

    private static readonly StreamHubOptions NoLinger = new() { Sources = new SourceOptions { Linger = TimeSpan.Zero } };

    [Test]
    public async Task A_source_plays_while_somebody_wants_it()
    {
        await using var bench = await SetAsync();
        using (var lease = bench.Hub.Lease("cam"))
        {
            var server = await bench.AcceptAsync(expectedUrl: "rtsp://server.example/cam");
            await ReadyAsync(bench, lease);
            Assert.That(server.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY" }));
            Assert.That(bench.Hub.Find("cam")!.Receivers.Select(receiver => receiver.Codec!.Name), Is.EqualTo(new[] { "H264", "PCMU" }));
            await server.SendMediaAsync(2);
            await Eventually.Async(
                () =>
                {
                    bench.Time.Advance(TimeSpan.FromMilliseconds(100));
                    return Snapshot(bench).Feed!.AudioPackets > 0;
                },
                "sound");
        }

        await EndsAsync(bench);
        Assert.That(Snapshot(bench) is { Runs: 1, Failures: 0 });
    }

    [Test]
    public async Task R3_Only_what_is_wanted_is_set_up_and_the_rest_in_the_session_that_plays()
    {
        await using var bench = await SetAsync();
        using var video = bench.Hub.Lease("cam", SourceMedia.Video);
        var server = await bench.AcceptAsync();
        await ReadyAsync(bench, video);
        Assert.That(SetUps(server), Is.EqualTo(new[] { "trackID=0" }));

        using (var audio = bench.Hub.Lease("cam", SourceMedia.Audio))
            await ReadyAsync(bench, audio);
        using var again = bench.Hub.Lease("cam", SourceMedia.Audio);
        await ReadyAsync(bench, again);
        await server.ExpectAsync(RtspMethods.Play, 2); // what a track has is known when it is set up
        Assert.That(server.Methods.Skip(2), Is.EqualTo(new[] { "SETUP", "PLAY", "SETUP", "PLAY" }));
        Assert.That(SetUps(server), Is.EqualTo(new[] { "trackID=0", "trackID=1" }));
        Assert.That(Snapshot(bench).Runs, Is.EqualTo(1));
    }

    [Test]
    public async Task R3_A_session_that_takes_no_more_tracks_is_rebuilt_once()
    {
        await using var bench = await SetAsync();
        using var video = bench.Hub.Lease("cam", SourceMedia.Video);
        var first = await bench.AcceptAsync();
        await ReadyAsync(bench, video);
        first.Answer = request => request.Method == RtspMethods.Setup ? TestServer.Reply(455) : null;

        using var audio = bench.Hub.Lease("cam", SourceMedia.Audio);
        var next = await bench.AcceptAsync();
        await ReadyAsync(bench, audio);
        Assert.That(first.Methods.Last(), Is.EqualTo("TEARDOWN"));
        Assert.That(next.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY" }));
        Assert.That(Snapshot(bench) is { Runs: 2, Failures: 0, State: SourceState.Live });
    }

    [Test]
    public async Task R3_A_track_that_the_server_never_lets_be_set_up_is_left_out()
    {
        await using var bench = await SetAsync();
        using var video = bench.Hub.Lease("cam", SourceMedia.Video);
        var first = await bench.AcceptAsync(RefuseSound);
        await ReadyAsync(bench, video);
        using var audio = bench.Hub.Lease("cam");
        var next = await bench.AcceptAsync(RefuseSound);
        await ReadyAsync(bench, audio);
        await bench.PassAsync(3, () => next.SendMediaAsync(0, 96));
        Assert.That((Snapshot(bench).Runs, Snapshot(bench).Failures, Snapshot(bench).Media), Is.EqualTo((2L, 0L, SourceMedia.Video)));

        static string? RefuseSound(RtspRequest request) =>
            request.Method == RtspMethods.Setup && request.Uri.EndsWith("=1", StringComparison.Ordinal) ? TestServer.Reply(404) : null;
    }

    [Test]
    public async Task R3_What_the_server_does_not_have_is_not_asked_for()
    {
        await using var bench = await SetAsync();
        using var video = bench.Hub.Lease("cam", SourceMedia.Video);
        var server = await bench.AcceptAsync(description: TestServer.Head + TestServer.Video);
        await ReadyAsync(bench, video);
        using var all = bench.Hub.Lease("cam", SourceMedia.All);
        await ReadyAsync(bench, all);
        Assert.That(server.Requests, Has.Count.EqualTo(4));
    }

    [Test]
    public async Task T8_Who_only_talks_opens_nothing_and_talks_on_when_others_view()
    {
        await using var bench = await SetAsync();
        using var talk = bench.Hub.Lease("cam", SourceMedia.Talk);
        var asked = await bench.AcceptAsync(description: TestServer.Head + TestServer.Video + Talk);
        await ReadyAsync(bench, talk);
        await bench.AdvanceUntilAsync(Eventually.Async(() => asked.IsOver, "the end of the connection").ContinueWith(t => t.Status));
        var stream = bench.Hub.Find("cam")!;
        Assert.That(asked.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE" }));
        Assert.That((stream.Speaker!.Codecs[0].Name, stream.IsPublished, bench.Client.Connections), Is.EqualTo(("PCMA", false, 0)));

        var feed = Snapshot(bench).Feed!.Number;
        using var view = bench.Hub.Lease("cam");
        var played = await bench.AcceptAsync(description: TestServer.Head + TestServer.Video + Talk);
        await ReadyAsync(bench, view);
        Assert.That(played.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE", "SETUP", "PLAY" }));
        Assert.That((Snapshot(bench).Feed!.Number, Snapshot(bench).Runs, stream.IsPublished), Is.EqualTo((feed, 1L, true)));
    }

    [Test]
    public async Task The_clients_tracks_are_all_that_a_source_has()
    {
        await using var bench = await SetAsync(options: new RtspClientOptions { Tracks = [Track.Audio()] });
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptAsync();
        await ReadyAsync(bench, lease);
        Assert.That((SetUps(server).Single(), Snapshot(bench).Media), Is.EqualTo(("trackID=1", SourceMedia.Audio)));
    }

    [TestCase("OPTIONS")]
    [TestCase("DESCRIBE")]
    [TestCase("SETUP")]
    [TestCase("PLAY")]
    public async Task S4_S20_T2_A_stop_takes_a_second_at_most_whatever_the_server_does_not_answer(string silent)
    {
        await using var bench = await SetAsync(NoLinger);
        var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptAsync(request => request.Method == silent || request.Method == RtspMethods.Teardown ? "" : null);
        await server.ExpectAsync(silent);
        lease.Dispose();
        if (silent == RtspMethods.Play)
            await server.ExpectAsync(RtspMethods.Teardown);
        var began = bench.Time.GetTimestamp();
        await Eventually.Async(
            () =>
            {
                var isOver = bench.Client.Connections == 0;
                if (!isOver && bench.Time.GetElapsedTime(began) < TimeSpan.FromSeconds(1))
                    bench.Time.Advance(TimeSpan.FromMilliseconds(10));
                return isOver;
            },
            "the end of the connection");
        await Eventually.EqualAsync(() => Snapshot(bench).State, SourceState.Idle, "the state");
        Assert.That(server.Methods.Contains("TEARDOWN"), Is.EqualTo(silent == "PLAY"), "it had a session");
        Assert.That(bench.Client.Connections, Is.Zero);
    }

    [Test]
    public async Task S4_A_stop_while_it_connects_leaves_no_connection()
    {
        await using var bench = await SetAsync(NoLinger);
        var dialed = new TaskCompletionSource();
        bench.DialInstead = async token =>
        {
            dialed.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, bench.Time, token);
            throw new InvalidOperationException();
        };
        var lease = bench.Hub.Lease("cam");
        await dialed.Task;
        lease.Dispose();
        await Eventually.EqualAsync(() => Snapshot(bench).State, SourceState.Idle, "the state");
    }

    private static IEnumerable<TestCaseData> Failures()
    {
        yield return Case("says nothing", request => request.Method == "OPTIONS" ? "" : null, "the server did not answer OPTIONS in time");
        yield return Case("refuses", _ => "RTSP/1.0 454 No cam at server.example\r\nCSeq: {CSeq}\r\n\r\n",
            "the server refused DESCRIBE: 454 Session Not Found");
        yield return Case("has no such stream", request => request.Method == "DESCRIBE" ? TestServer.Reply(404) : null,
            "the server refused DESCRIBE: 404 Not Found");
        yield return Case("knows another password", _ => TestServer.Reply(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\""),
            "the server does not know the user, or the password is wrong");
        yield return Case("is elsewhere", request => request.Method == "DESCRIBE" ? TestServer.Reply(302, "Location: rtsp://other/cam") : null,
            "the server leads to another host, which is not allowed");

        static TestCaseData Case(string name, Func<RtspRequest, string?> answer, string why) =>
            new TestCaseData(answer, why).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Failures))]
    public async Task S10_R7_A_server_that_fails_is_tried_again_and_viewers_are_told_why(Func<RtspRequest, string?> answer, string why)
    {
        await using var bench = await SetAsync(options: new RtspClientOptions { RequestTimeout = TimeSpan.FromSeconds(5) });
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptAsync(answer);
        var failure = await Assert.CatchAsync<StreamException>(() => WaitAsync(bench, lease));
        Assert.That(failure!.Message, Does.StartWith("the source does not deliver: ").And.Not.Contain("example").And.Not.Contain("secret"));
        await AcceptLaterAsync(bench);
        Assert.That(failure.Message, Does.Contain(why));
        Assert.That(server.IsOver || bench.ClientEnds[0].AbortReason is not null);
    }

    [Test]
    public async Task S10_R7_A_server_that_cannot_be_reached_is_tried_again_and_its_address_is_told_to_nobody()
    {
        using var closed = new ClosedPort();
        await using var bench = await SetAsync();
        bench.DialInstead = async token => await SocketTransport.ConnectAsync("127.0.0.1", closed.Port, bench.Time, token);
        using var lease = bench.Hub.Lease("cam");
        var failure = await Assert.CatchAsync<StreamException>(() => WaitAsync(bench, lease));
        Assert.That(failure!.Message, Does.Contain("the server cannot be reached: Connection refused").And.Not.Contain("127.0.0.1"));
        bench.DialInstead = null;
        await AcceptLaterAsync(bench);
    }

    [Test]
    public async Task A_server_that_resets_the_connection_on_PLAY_is_tried_again()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        TestServer? server = null;
        var accepting = bench.AcceptAsync(request =>
        {
            if (request.Method == RtspMethods.Play)
                Volatile.Read(ref server)!.Reset();
            return null;
        });
        Volatile.Write(ref server, await accepting);
        var failure = await Assert.CatchAsync<StreamException>(() => WaitAsync(bench, lease));
        Assert.That(failure!.Message, Does.Contain("the connection was lost"));
        var next = await AcceptLaterAsync(bench);
        await next.ExpectAsync(RtspMethods.Play);
        Assert.That((Snapshot(bench).Runs, Snapshot(bench).Failures), Is.EqualTo((2L, 1L)));
    }

    [Test]
    public async Task R8_A_server_that_falls_silent_is_left_for_a_new_session()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptAsync(description: TestServer.Head + TestServer.Audio);
        await ReadyAsync(bench, lease);
        await server.SendMediaAsync(0);
        await bench.PassUntilTeardownAsync(server);
        await Eventually.EqualAsync(() => Snapshot(bench).State, SourceState.BackingOff, "the end of the silence");
        Assert.That(Snapshot(bench).LastFailure!.Text, Does.Contain("audio").And.Contain("fell silent"));
        await server.ExpectAsync("TEARDOWN");
        Assert.That(server.Methods.Last(), Is.EqualTo("TEARDOWN"));
        await AcceptLaterAsync(bench);
    }

    private static IEnumerable<TestCaseData> Returns()
    {
        const string video265 =
            "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=control:trackID=0\r\n";
        const string opus = "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 opus/48000/2\r\na=control:trackID=1\r\n";
        yield return Case("another order", TestServer.Audio + TestServer.Video, "audio PCMU, video H264");
        yield return Case("another codec", video265 + TestServer.Audio, "audio PCMU, video H265");
        yield return Case("another sound", TestServer.Video + opus, "audio Opus, video H264");
        yield return Case("sound alone", TestServer.Audio, "audio PCMU");
        yield return Case("pictures alone", TestServer.Video, "video H264");

        static TestCaseData Case(string name, string medias, string expected) => new TestCaseData(medias, expected).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Returns))]
    public async Task S12_A_server_may_come_back_with_other_tracks(string medias, string expected)
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptAsync();
        await ReadyAsync(bench, lease);
        server.Reset();
        var next = await AcceptLaterAsync(bench, TestServer.Head + medias);
        await next.ExpectAsync(RtspMethods.Play);
        await Eventually.EqualAsync(
            () => string.Join(", ", Fed(bench).Order(StringComparer.Ordinal)), expected, "what is fed");
    }

    [Test]
    public async Task A_server_that_sends_the_client_elsewhere_is_followed_at_once_after_a_while()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptAsync(description: TestServer.Head + TestServer.Audio);
        await ReadyAsync(bench, lease);
        await server.ExpectAsync(RtspMethods.Play); // it is ready before
        await bench.PassAsync(30, () => server.SendMediaAsync(0));
        await server.SendAsync("REDIRECT * RTSP/1.0\r\nCSeq: 1\r\nLocation: rtsp://server.example/other\r\n\r\n");
        var next = await AcceptLaterAsync(bench, expectedUrl: "rtsp://server.example/other");
        await next.ExpectAsync(RtspMethods.Play);
        Assert.That((Snapshot(bench).Runs, Snapshot(bench).Failures), Is.EqualTo((2L, 0L)));
        next.Reset();
        await AcceptLaterAsync(bench, expectedUrl: "rtsp://server.example/cam");
    }

    [TestCase("rtsp:", "The address does not start with rtsp:// or rtsps://.")]
    [TestCase("rtsp://host:0/x", "The address has no valid host and port.")]
    public async Task An_address_that_is_none_is_refused(string url, string why)
    {
        await using var bench = new ClientBench();
        var failure = await Assert.CatchAsync<ArgumentException>(() => bench.Hub.SetStreamAsync(new StreamDefinition("cam") { Sources = [url] }));
        Assert.That(failure!.Message, Does.Contain(why));
    }

    [Test]
    public async Task S18_S5_A_stream_is_removed_while_its_server_says_nothing()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptAsync(_ => "");
        await server.ExpectAsync(RtspMethods.Options);
        var waiting = lease.WhenReadyAsync(CancellationToken.None);
        var removing = bench.Hub.RemoveStreamAsync("cam");
        Assert.That(await bench.AdvanceUntilAsync(removing), Is.True);
        Assert.That((await Assert.CatchAsync<StreamException>(() => waiting))!.Message, Is.EqualTo("the stream was removed"));
        Assert.That(bench.Client.Connections, Is.Zero);
    }

    private static async Task<ClientBench> SetAsync(StreamHubOptions? hubOptions = null, RtspClientOptions? options = null)
    {
        var bench = new ClientBench(options, hubOptions);
        await bench.Hub.SetStreamAsync(new StreamDefinition("cam") { Sources = [Url] });
        return bench;
    }

    private static SourceSnapshot Snapshot(ClientBench bench) => bench.Hub.Find("cam")!.GetSnapshot().Sources[0];

    private static IEnumerable<string> Fed(ClientBench bench) => bench.Hub.Find("cam")!.Receivers
        .Where(receiver => receiver.Codec is not null).Select(receiver => $"{receiver.Track.Kind.ToString().ToLowerInvariant()} {receiver.Codec!.Name}");

    private static string[] SetUps(TestServer server) =>
        [.. server.Requests.Where(request => request.Method == RtspMethods.Setup).Select(request => request.Uri.Split('/')[^1])];

    private static async Task WaitAsync(ClientBench bench, StreamLease lease) =>
        await await bench.AdvanceUntilAsync(lease.WhenReadyAsync(CancellationToken.None).ContinueWith(t => t, TaskScheduler.Default));

    // Without time going by.
    private static async Task ReadyAsync(ClientBench bench, StreamLease lease)
    {
        try
        {
            await lease.WhenReadyAsync(CancellationToken.None).WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"not ready: {Snapshot(bench)} {string.Join("; ", bench.Log.Entries.Select(entry => entry.Message))}");
        }
    }

    // The next session, for which time has to go by.
    private static async Task<TestServer> AcceptLaterAsync(ClientBench bench, string? description = null, string? expectedUrl = null) =>
        await bench.AdvanceUntilAsync(bench.AcceptAsync(description: description, expectedUrl: expectedUrl));

    private static async Task EndsAsync(ClientBench bench)
    {
        await Eventually.Async(
            () =>
            {
                bench.Time.Advance(TimeSpan.FromMilliseconds(100));
                return Snapshot(bench).State == SourceState.Idle;
            },
            "the source's end");
        Assert.That(bench.Client.Connections, Is.Zero);
    }
}
