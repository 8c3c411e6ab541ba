using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

// Rows: R2, R3, R8, R9 (client half), R11.
internal sealed class PullTests
{
    [Test]
    public async Task A_stream_is_pulled_with_all_its_tracks()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        Assert.That(server.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY" }));
        Assert.That(server.Requests.Select(request => request.CSeq), Is.EqualTo(new uint?[] { 1, 2, 3, 4, 5 }));
        var setups = server.Requests.Where(request => request.Method == "SETUP").ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(setups[0].Uri, Is.EqualTo("rtsp://server.example/cam/trackID=0"));
            Assert.That(setups[0].Headers["Transport"], Is.EqualTo("RTP/AVP/TCP;unicast;interleaved=0-1"));
            Assert.That(setups[1].Headers["Transport"], Is.EqualTo("RTP/AVP/TCP;unicast;interleaved=2-3"));
            Assert.That(setups[1].Headers["Session"], Is.EqualTo("12345678"));
            Assert.That(transfer.RemoteEndPoint, Is.EqualTo(ClientBench.ServerAddress));
            Assert.That(bench.Hub.Find("in/cam")!.Receivers.Select(r => r.Track.Id), Is.EqualTo(new[] { "video", "audio" }));
        });
    }

    [Test]
    public async Task Media_reach_the_hub()
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync();
        await server.SendMediaAsync(2);
        await bench.PassAsync(1);
        await server.SendMediaAsync(2);
        await bench.Time.AdvanceUntilAsync(() => bench.PacketsOf("in/cam") >= 2, TimeSpan.FromMilliseconds(50), "packets");
    }

    [Test]
    public async Task Media_before_the_answer_to_play_are_taken()
    {
        await using var bench = new ClientBench();
        TestServer? early = null;
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptAsync(request => request.Method == RtspMethods.Play ? "" : null);
        early = server;
        var play = await server.ExpectAsync(RtspMethods.Play);
        await early.SendMediaAsync(2);
        await server.SendAsync(TestServer.Reply(200).Replace("{CSeq}", play.Headers["CSeq"], StringComparison.Ordinal));
        await pulling;
        await bench.Time.AdvanceUntilAsync(() => bench.PacketsOf("in/cam") >= 1, TimeSpan.FromMilliseconds(50), "packets");
    }

    [Test]
    public async Task Only_the_tracks_that_are_wanted_are_set_up()
    {
        await using var bench = new ClientBench(new RtspClientOptions { Tracks = [Track.Audio()] });
        var (server, _) = await bench.PullAsync();
        Assert.That(
            server.Requests.Where(request => request.Method == "SETUP").Select(request => request.Uri),
            Is.EqualTo(new[] { "rtsp://server.example/cam/trackID=1" }));
    }

    [Test]
    public async Task Tracks_that_the_server_does_not_have_fail_the_call()
    {
        await using var bench = new ClientBench(new RtspClientOptions { Tracks = [Track.Video("VP8")] });
        var failure = await bench.FailAsync(answer: null);
        Assert.That(failure.Reason, Is.EqualTo(new CloseReason(CloseCode.CodecMismatch, "codecs not matched: H264, PCMU ⇒ VP8")));
    }

    [Test]
    public async Task R3_a_track_is_added_to_a_session_that_plays_once()
    {
        await using var bench = new ClientBench(new RtspClientOptions { Tracks = [Track.Video()] });
        var (server, transfer) = await bench.PullAsync();
        await Task.WhenAll(transfer.SetUpAsync(Track.Audio()), transfer.SetUpAsync(Track.Audio("PCMU")));
        await transfer.SetUpAsync(Track.Video());
        await transfer.SetUpAsync(Track.Any(MediaKind.Audio));
        Assert.That(
            server.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE", "SETUP", "PLAY", "SETUP", "PLAY" }));
        Assert.That(server.Requests.ElementAt(4).Headers["Transport"], Does.Contain("interleaved=2-3"));
        Assert.That(bench.Hub.Find("in/cam")!.Receivers, Has.Length.EqualTo(2));
    }

    [Test]
    public async Task R3_a_server_that_allows_no_other_track_disturbs_none_that_plays([Values(455, 459)] int status)
    {
        await using var bench = new ClientBench(new RtspClientOptions { Tracks = [Track.Video()] });
        var (server, transfer) = await bench.PullAsync();
        server.Answer = request => request.Method == "SETUP" ? TestServer.Reply(status) : null;
        Assert.That(
            async () => await transfer.SetUpAsync(Track.Audio()),
            Throws.InstanceOf<RtspClientException>().With.Property("StatusCode").EqualTo(status));
        server.Answer = null;
        await transfer.SetUpAsync(Track.Audio());
        Assert.That(transfer.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task R3_a_track_that_the_server_does_not_play_is_offered_to_nobody_and_asked_for_again()
    {
        await using var bench = new ClientBench(new RtspClientOptions { Tracks = [Track.Video()] });
        var (server, transfer) = await bench.PullAsync();
        server.Answer = request => request.Method == "PLAY" ? TestServer.Reply(455) : null;
        for (var i = 0; i < 2; i++)
        {
            Assert.That(
                async () => await transfer.SetUpAsync(Track.Audio()),
                Throws.InstanceOf<RtspClientException>().With.Property("StatusCode").EqualTo(455));
        }

        Assert.That(bench.Hub.Find("in/cam")!.Receivers.Select(r => r.Track.Id), Is.EqualTo(new[] { "video" }));
        server.Answer = null;
        await transfer.SetUpAsync(Track.Audio());
        Assert.That(bench.Hub.Find("in/cam")!.Receivers.Select(r => r.Track.Id), Is.EqualTo(new[] { "video", "audio" }));
        Assert.That(server.Methods.Skip(4), Is.EqualTo(new[] { "SETUP", "PLAY", "PLAY", "PLAY" }));
    }

    [Test]
    public async Task R3_media_of_a_track_that_is_added_may_come_before_the_answer_to_play()
    {
        await using var bench = new ClientBench(new RtspClientOptions { Tracks = [Track.Video()] });
        var (server, transfer) = await bench.PullAsync();
        server.Answer = request => request.Method == "PLAY" ? "" : null;
        var adding = transfer.SetUpAsync(Track.Audio());
        var play = await server.ExpectAsync(RtspMethods.Play, 2);
        await server.SendMediaAsync(2);
        await Eventually.EqualAsync(() => bench.Hub.Find("in/cam")!.Receivers.Length, 2, "tracks");
        Assert.That(adding.IsCompleted, Is.False);
        await server.SendAsync(TestServer.Reply(200).Replace("{CSeq}", play.Headers["CSeq"], StringComparison.Ordinal));
        await adding;
        await Eventually.EqualAsync(
            () =>
            {
                bench.Time.Advance(TimeSpan.FromMilliseconds(600));
                return bench.PacketsOf("in/cam");
            },
            1, "packets");
    }

    [Test]
    public async Task A_track_that_nobody_offers_cannot_be_added()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        Assert.That(async () => await transfer.SetUpAsync(Track.Audio("OPUS")), Throws.InstanceOf<RtspClientException>());
        transfer.Close(CloseReason.Requested);
        await bench.EndOfAsync(transfer);
        Assert.That(async () => await transfer.SetUpAsync(Track.Audio("PCMU")), Throws.InstanceOf<RtspClientException>());
        Assert.That(server.Methods, Has.Exactly(2).EqualTo("SETUP"));
    }

    [Test]
    public async Task Ending_a_transfer_tears_the_session_down()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        await transfer.DisposeAsync().AsTask().WaitAsync(Eventually.DefaultLimit, TimeProvider.System); // the server answers: no time passes
        Assert.That(await transfer.Completion, Is.EqualTo(CloseReason.Requested));
        Assert.That(server.Requests.Last().Method, Is.EqualTo("TEARDOWN"));
        Assert.That(server.Requests.Last().Headers["Session"], Is.EqualTo("12345678"));
        Assert.That(bench.Hub.Find("in/cam")?.IsPublished, Is.Null.Or.False);
    }

    [Test]
    public async Task A_server_that_does_not_answer_teardown_has_250_ms()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync(request => request.Method == "TEARDOWN" ? "" : null);
        transfer.Close(CloseReason.Requested);
        await server.ExpectAsync("TEARDOWN");
        for (var i = 0; i < 100; i++)
            await server.SendMediaAsync(2); // nor does it stop
        Assert.That(transfer.Completion.IsCompleted, Is.False);
        await Eventually.Async(
            () =>
            {
                bench.Time.Advance(TimeSpan.FromMilliseconds(25));
                return transfer.Completion.IsCompleted;
            },
            "the end");
    }

    [Test]
    public async Task A_feed_that_is_taken_away_ends_the_session()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        await bench.Hub.DisposeAsync();
        await server.ExpectAsync("TEARDOWN"); // before time goes by, of which a goodbye has little
        Assert.That((await bench.EndOfAsync(transfer)).Code, Is.EqualTo(CloseCode.Stopping));
        Assert.That(server.Methods, Has.Exactly(1).EqualTo("TEARDOWN"));
    }

    [Test]
    public async Task A_stream_that_has_a_publisher_is_not_pulled()
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("in/cam", Track.Of(new Codec(MediaKind.Audio, CodecNames.Pcmu, 8000, 1)));
        var failure = await bench.FailAsync(answer: null);
        Assert.That(failure.Reason.Code, Is.EqualTo(CloseCode.Refused));
    }

    [Test]
    public async Task R8_a_track_that_falls_silent_ends_the_session_although_the_server_answers()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        await bench.PassAsync(3, async () =>
        {
            await server.SendMediaAsync(0, 96);
            await server.SendMediaAsync(2);
        });
        await bench.PassUntilTeardownAsync(server, () => server.SendMediaAsync(0, 96));
        Assert.That(await bench.EndOfAsync(transfer), Is.EqualTo(new CloseReason(CloseCode.Deadline, "the server's audio track fell silent")));
        Assert.That(server.Methods, Has.Exactly(1).EqualTo("TEARDOWN"));
    }

    [Test]
    public async Task R8_a_track_that_never_sends_does_not_end_those_that_do()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        await bench.PassAsync(60, async () =>
        {
            await server.SendMediaAsync(0, 96);
            await Eventually.Async(() => server.Transport.AbortReason is null, "the connection");
            await Task.Yield();
        });
        Assert.That(transfer.Completion.IsCompleted, Is.False);
        await Eventually.Async(() => server.Methods.Contains("GET_PARAMETER"), "a keep-alive");
    }

    [Test]
    public async Task R8_a_server_that_sends_nothing_at_all_ends_the_session()
    {
        await using var bench = new ClientBench();
        var (_, transfer) = await bench.PullAsync();
        var began = bench.Time.GetUtcNow();
        Assert.That(await bench.EndOfAsync(transfer), Is.EqualTo(new CloseReason(CloseCode.Deadline, "the server sent no media")));
        Assert.That(bench.Time.GetUtcNow() - began, Is.InRange(TimeSpan.FromSeconds(9.9), TimeSpan.FromSeconds(36)));
    }

    [Test]
    public async Task The_goodbye_of_all_tracks_ends_the_session()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        await server.SendMediaAsync(2);
        await server.SendFrameAsync(3, TestServer.Goodbye());
        Assert.That((await bench.EndOfAsync(transfer)).Code, Is.EqualTo(CloseCode.PublisherLeft));
    }

    [Test]
    public async Task Receiver_reports_go_out_for_each_track()
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync();
        await server.SendMediaAsync(2);
        await bench.PassAsync(5);
        await Eventually.Async(() => server.Frames.Count >= 2, "reports");
        Assert.That(server.Frames.Select(frame => (int)frame.Channel), Is.EquivalentTo(new[] { 1, 3 }));
        Assert.That(server.Frames.Select(frame => (int)frame.Payload[1]), Is.All.EqualTo(201));
    }

    [Test]
    public async Task R11_the_session_is_kept_alive_at_half_of_its_timeout_by_what_the_server_lists([Values] bool knowsParameters)
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(request => request.Method switch
        {
            "OPTIONS" when !knowsParameters => TestServer.Reply(200, "public: OPTIONS, DESCRIBE"),
            "SETUP" => TestServer.Reply(200, $"Transport: {request.Headers["Transport"]}", "Session:  77 ; timeout = 8 "),
            _ => null,
        });
        await bench.PassAsync(3, () => server.SendMediaAsync(2));
        Assert.That(server.Requests, Has.Count.EqualTo(5));
        await bench.PassAsync(1, () => server.SendMediaAsync(2));
        await Eventually.EqualAsync(() => server.Requests.Count, 6, "requests");
        var first = server.Requests.Last();
        Assert.That(first.Method, Is.EqualTo(knowsParameters ? "GET_PARAMETER" : "OPTIONS"));
        Assert.That((first.Uri, first.Headers["Session"]), Is.EqualTo(("rtsp://server.example/cam/", "77")));
    }

    [TestCase(454)]
    [TestCase(404)]
    [TestCase(500)]
    public async Task R11_a_keep_alive_that_is_refused_ends_the_session(int status)
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync(request => request.Method switch
        {
            "SETUP" => TestServer.Reply(200, $"Transport: {request.Headers["Transport"]}", "Session: 77;timeout=8"),
            "GET_PARAMETER" => TestServer.Reply(status),
            _ => null,
        });
        await server.SendMediaAsync(2);
        var reason = await bench.EndOfAsync(transfer);
        Assert.That(reason.Text, Does.StartWith($"the server refused GET_PARAMETER: {status}"));
    }

    [Test]
    public async Task R11_a_server_that_lists_a_method_it_does_not_know_is_asked_for_its_options()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync(request => request.Method switch
        {
            "SETUP" => TestServer.Reply(200, $"Transport: {request.Headers["Transport"]}", "Session: 77;timeout=8"),
            "GET_PARAMETER" => TestServer.Reply(501),
            _ => null,
        });
        await bench.PassAsync(4, () => server.SendMediaAsync(2));
        await server.ExpectAsync("OPTIONS", 2);
        Assert.That(transfer.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task R11_a_keep_alive_that_is_not_answered_is_not_followed_by_another_and_ends_the_session()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync(request => request.Method switch
        {
            "SETUP" => TestServer.Reply(200, $"Transport: {request.Headers["Transport"]}", "Session: 77;timeout=2"),
            "GET_PARAMETER" => "",
            _ => null,
        });
        await bench.PassUntilTeardownAsync(server, () => server.SendMediaAsync(2));
        Assert.That(
            await bench.EndOfAsync(transfer), Is.EqualTo(new CloseReason(CloseCode.Deadline, "the server did not answer GET_PARAMETER in time")));
        Assert.That(server.Methods, Has.Exactly(1).EqualTo("GET_PARAMETER"));
    }

    [TestCase("OPTIONS", 200)]
    [TestCase("GET_PARAMETER", 200)]
    [TestCase("SET_PARAMETER", 200)]
    [TestCase("ANNOUNCE", 200)]
    [TestCase("DESCRIBE", 501)]
    public async Task What_the_server_asks_is_answered(string method, int status)
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        await server.SendAsync($"{method} rtsp://server.example/cam RTSP/1.0\r\nCSeq: 99\r\nSession: 12345678\r\n\r\n");
        await Eventually.Async(() => !server.Replies.IsEmpty, "the answer");
        var reply = server.Replies.Single();
        Assert.That((reply.Status, reply.CSeq), Is.EqualTo((status, (uint?)99)));
        Assert.That(transfer.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task R9_a_server_that_tears_down_is_answered_and_ends_the_session()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        await server.SendAsync("TEARDOWN rtsp://server.example/cam RTSP/1.0\r\nCSeq: 99\r\n\r\n");
        await Eventually.Async(() => !server.Replies.IsEmpty, "the answer"); // before time goes by, of which a goodbye has little
        Assert.That(
            await bench.EndOfAsync(transfer), Is.EqualTo(new CloseReason(CloseCode.PeerClosed, "the server ended the session")));
        Assert.That(server.Replies.Single().Status, Is.EqualTo(200));
        Assert.That(server.Methods, Has.None.EqualTo("TEARDOWN"));
    }

    [Test]
    public async Task R2_a_server_that_leads_elsewhere_in_the_middle_is_followed_by_a_new_session()
    {
        await using var bench = new ClientBench();
        var (first, transfer) = await bench.PullAsync();
        await first.SendAsync(
            "REDIRECT rtsp://server.example/cam RTSP/1.0\r\nCSeq: 99\r\nLocation: rtsp://server.example:8554/other\r\n\r\n");
        var accepting = bench.AcceptAsync(null, TestServer.Head + TestServer.Audio, "rtsp://server.example:8554/other");
        var second = await bench.AdvanceUntilAsync(accepting, 0.01);
        await second.ExpectAsync("PLAY");
        await first.ExpectAsync("TEARDOWN");
        await Eventually.Async(() => first.IsOver, "the old connection's end");
        Assert.That(first.Methods.Last(), Is.EqualTo("TEARDOWN"));
        Assert.That(second.Requests.First().CSeq, Is.EqualTo(1));
        Assert.That(second.Requests.ElementAt(2).Headers["Session"], Is.Null);
        await Eventually.Async(() => bench.Hub.Find("in/cam")?.IsPublished == true, "the stream");
        await Eventually.EqualAsync(() => transfer.Url.ToString(), "rtsp://server.example:8554/other", "the transfer's address");
    }

    [Test]
    public async Task A_server_that_closes_the_connection_ends_the_transfer()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        server.Transport.CompleteOutput();
        Assert.That((await bench.EndOfAsync(transfer)).Code, Is.EqualTo(CloseCode.PeerClosed));
    }
}
