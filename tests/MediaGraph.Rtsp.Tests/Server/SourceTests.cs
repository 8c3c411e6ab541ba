using System.Text;
using MediaGraph.Media;
using MediaGraph.Rtsp.Server;
using MediaGraph.Rtsp.Tests.Rtp;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

// Rows: S4, S8, M2, R3.

[TestFixture]
public sealed class SourceTests
{
    [Test]
    public async Task S4_A_viewer_waits_for_the_source_and_keeps_it_running()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        var describing = client.ExpectAsync(200, "DESCRIBE", client.Url());
        var (session, _) = await source.NextAsync();
        Assert.That(describing.IsCompleted, Is.False);
        session.Publish(Track.Of(Vectors.H264));
        var sdp = Encoding.UTF8.GetString((await describing).Body.Span);
        Assert.That(sdp, Does.Contain("a=rtpmap:96 H264/90000"));
        await client.SetUpAsync();
        await client.ExpectAsync(200, "PLAY", client.Url());
        Assert.That((bench.Hub.GetSnapshot().Streams.Single().Leases, session.Wanted), Is.EqualTo((2, SourceMedia.Video)));

        await client.ExpectAsync(200, "TEARDOWN", client.Url());
        Assert.That(bench.Hub.GetSnapshot().Streams.Single().Leases, Is.Zero);
    }

    [Test]
    public async Task S8_A_source_that_cannot_be_had_is_an_answer_with_the_reason_and_when_to_come_back()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        var describing = client.AskAsync("DESCRIBE", client.Url());
        await source.FailNextAsync("the camera refused");
        var answer = await describing;
        Assert.Multiple(() =>
        {
            Assert.That(answer.Status, Is.EqualTo(503));
            Assert.That(answer.Reason, Does.StartWith("the source does not deliver: the camera refused; the next try is in "));
            Assert.That(answer.Headers["Retry-After"], Is.EqualTo("1"));
            Assert.That(bench.Hub.GetSnapshot().Streams.Single().Leases, Is.Zero);
        });
        await client.ExpectAsync(404, "DESCRIBE", client.Url("live/nobody"));
        await bench.Hub.SetStreamAsync(new StreamDefinition("live/cam") { Sources = ["led:"], IsEnabled = false });
        Assert.That((await client.ExpectAsync(503, "DESCRIBE", client.Url())).Reason, Is.EqualTo("the stream is disabled"));
    }

    [Test]
    public async Task S4_M2_A_client_that_closes_while_it_waits_frees_everything_at_once([Values("DESCRIBE", "SETUP")] string method)
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        await client.SendAsync(client.Request(
            method, method == "SETUP" ? $"{client.Url()}/trackID=0" : client.Url(), "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"));
        await source.NextAsync();
        client.Transport.CompleteOutput();
        await Eventually.EqualAsync(() => source.Open, 0, "sessions of the source"); // no time goes by
        Assert.That(bench.Hub.GetSnapshot().Streams.Single().Leases, Is.Zero);
    }

    [Test]
    public async Task S4_A_client_whose_connection_breaks_while_it_waits_frees_everything_at_once()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        await client.SendAsync(client.Request("DESCRIBE", client.Url()));
        await source.NextAsync();
        await client.DisposeAsync();
        await Eventually.EqualAsync(() => source.Open, 0, "sessions of the source");
    }

    [Test]
    public async Task What_comes_while_a_request_waits_is_obeyed_after_it()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        var whole = client.Request("DESCRIBE", client.Url()) + client.Request("OPTIONS", "*");
        var last = client.Request("GET_PARAMETER", client.Url());
        await client.SendAsync(whole + last[..9]);
        var (session, _) = await source.NextAsync();
        await client.SendAsync(last[9..20]);
        session.Publish(Track.Of(Vectors.H264));
        await Eventually.EqualAsync(() => client.Responses.Count, 2, "answers");
        await client.SendAsync(last[20..]);
        await Eventually.EqualAsync(() => client.Responses.Count, 3, "answers");
        Assert.That(client.Responses.Select(response => (response.CSeq, response.Status)), Is.EqualTo(new[] { (1u, 200), (2u, 200), (3u, 200) }));
    }

    [Test]
    public async Task A_source_may_take_longer_than_a_request()
    {
        await using var bench = new ServerBench(
            new RtspServerOptions { RequestTimeout = TimeSpan.FromSeconds(2) },
            new StreamHubOptions { Sources = new SourceOptions { ConnectLimit = TimeSpan.FromSeconds(30) } });
        var source = await SetAsync(bench);
        var client = bench.Open();
        var describing = client.ExpectAsync(200, "DESCRIBE", client.Url());
        var (session, _) = await source.NextAsync();
        bench.AdvanceBySteps(8);
        session.Publish(Track.Of(Vectors.H264));
        await describing;

        var late = bench.Open();
        await bench.Hub.SetStreamAsync(new StreamDefinition("late") { Sources = ["led:"] });
        var waiting = late.AskAsync("DESCRIBE", late.Url("late"));
        await source.NextAsync();
        await bench.Time.AdvanceUntilAsync(() => waiting.IsCompleted, TimeSpan.FromSeconds(0.5), "the answer");
        Assert.That((await waiting).Status, Is.EqualTo(503));
    }

    [Test]
    public async Task What_was_looked_at_while_a_request_waited_is_obeyed_after_it()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var (server, end) = MemoryTransport.CreatePair(ServerBench.Address);
        var watched = new WatchedTransport(server);
        bench.Server.Accept(watched);
        var client = bench.Add(new ServerClient(end, server));
        await client.SendAsync(client.Request("DESCRIBE", client.Url()) + client.Request("OPTIONS", "*"));
        var (session, _) = await source.NextAsync();
        await Eventually.Async(() => watched.IsWaiting, "it waits for more");
        session.Publish(Track.Of(Vectors.H264));
        await Eventually.EqualAsync(() => client.Responses.Count, 2, "answers");
    }

    [TestCase("OPTIONS * RT", TestName = "Half a first line makes no work")]
    [TestCase("$\0\0\u0010half", TestName = "Half a frame makes no work")]
    [TestCase("OPTIONS * RTSP/1.0\r\nContent-Length: 9\r\n\r\nhalf", TestName = "Half a body makes no work")]
    public async Task Half_a_message_makes_no_work(string half)
    {
        await using var bench = new ServerBench();
        var (server, end) = MemoryTransport.CreatePair(ServerBench.Address);
        var watched = new WatchedTransport(server);
        bench.Server.Accept(watched);
        var client = bench.Add(new ServerClient(end, server));
        await client.SendAsync(half);
        await Eventually.Async(() => watched.IsWaiting && watched.Reads > 1, "it waits for the rest");
        var other = bench.Open();
        for (var i = 0; i < 20; i++)
            await other.ExpectAsync(200, "OPTIONS", "*");
        Assert.That(watched.Reads, Is.LessThan(10));
    }

    [Test]
    public async Task S4_Who_waits_for_a_source_after_a_session_that_ended_by_itself_has_its_time()
    {
        await using var bench = new ServerBench(hubOptions: new StreamHubOptions { WaitForPublisher = TimeSpan.FromSeconds(1) });
        var feed = bench.Publish();
        var client = await bench.PlayAsync();
        await feed.DisposeAsync();
        bench.AdvanceBySteps(2);
        await Eventually.Async(() => bench.Log.Of(3010).Count == 1, "the session's end");
        var source = new LedSource();
        bench.Hub.AddSourceProtocol(source);
        await bench.Hub.SetStreamAsync(new StreamDefinition("late") { Sources = ["led:"] });
        var describing = client.ExpectAsync(200, "DESCRIBE", client.Url("late"));
        var (session, _) = await source.NextAsync();
        bench.AdvanceBySteps(7);
        session.Publish(Track.Of(Vectors.H264));
        await describing;
        bench.AdvanceBySteps(7);
        await client.ExpectAsync(200, "OPTIONS", "*");
    }

    [Test]
    public async Task S4_TEARDOWN_frees_the_source_that_was_only_described()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        var describing = client.ExpectAsync(200, "DESCRIBE", client.Url());
        var (session, _) = await source.NextAsync();
        session.Publish(Track.Of(Vectors.H264));
        await describing;
        await client.ExpectAsync(455, "TEARDOWN", client.Url());
        Assert.That(bench.Hub.GetSnapshot().Streams.Single().Leases, Is.Zero);
    }

    [Test]
    public async Task Who_requires_the_loudspeaker_wants_it_of_the_source()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        var describing = client.ExpectAsync(200, "DESCRIBE", client.Url(), "Require: www.onvif.org/ver20/backchannel");
        var (session, _) = await source.NextAsync();
        Assert.That(session.Wanted, Is.EqualTo(SourceMedia.All));
        session.Publish(Track.Of(Vectors.H264));
        await describing;
    }

    [Test]
    public async Task What_is_not_asked_for_is_not_wanted_of_the_source()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        var describing = client.ExpectAsync(200, "DESCRIBE", client.Url() + "?video=h264");
        var (session, _) = await source.NextAsync();
        Assert.That(session.Wanted, Is.EqualTo(SourceMedia.Video));
        session.Publish(Track.Of(Vectors.H264));
        await describing;
    }

    [Test]
    public async Task A_stream_with_sources_cannot_be_published()
    {
        await using var bench = new ServerBench();
        await SetAsync(bench);
        var client = bench.Open();
        await client.AnnounceAsync();
        Assert.That(
            (await client.ExpectAsync(403, "RECORD", client.Url())).Reason, Is.EqualTo("the stream has sources of its own"));
    }

    [Test]
    public async Task S18_A_viewer_is_told_that_its_stream_was_removed_while_it_waited()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        var describing = client.AskAsync("DESCRIBE", client.Url());
        await source.NextAsync();
        await bench.Hub.RemoveStreamAsync("live/cam");
        var answer = await describing;
        Assert.That((answer.Status, answer.Reason, source.Open), Is.EqualTo((404, "the stream was removed", 0)));
    }

    [Test]
    public async Task Who_views_metadata_alone_keeps_running_what_has_them()
    {
        await using var bench = new ServerBench();
        var source = await SetAsync(bench);
        var client = bench.Open();
        var describing = client.ExpectAsync(200, "DESCRIBE", client.Url());
        var (session, _) = await source.NextAsync();
        session.Publish(
            Track.Of(Vectors.H264), Track.Of(new Codec(MediaKind.Data, "vnd.onvif.metadata", 90_000, form: PayloadForm.Rtp)));
        await describing;
        await client.SetUpAsync(track: 1);
        await client.ExpectAsync(200, "PLAY", client.Url());
        Assert.That((bench.Hub.GetSnapshot().Streams.Single().Leases, session.Wanted), Is.EqualTo((2, SourceMedia.Video)));
    }

    private static async Task<LedSource> SetAsync(ServerBench bench)
    {
        var source = new LedSource();
        bench.Hub.AddSourceProtocol(source);
        await bench.Hub.SetStreamAsync(new StreamDefinition("live/cam") { Sources = ["led:"], Linger = TimeSpan.Zero });
        return source;
    }
}
