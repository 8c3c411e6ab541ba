using System.Net;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

// Rows: R1, R9, R10, H4.

[TestFixture]
public sealed class StateTests
{
    private const string Tcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";

    [TestCase("init", "OPTIONS", 200)]
    [TestCase("init", "DESCRIBE", 200)]
    [TestCase("init", "ANNOUNCE", 200)]
    [TestCase("init", "SETUP", 200)]
    [TestCase("init", "PLAY", 455)]
    [TestCase("init", "PAUSE", 455)]
    [TestCase("init", "RECORD", 455)]
    [TestCase("init", "TEARDOWN", 455)]
    [TestCase("init", "GET_PARAMETER", 200)]
    [TestCase("init", "SET_PARAMETER", 200)]
    [TestCase("init", "REDIRECT", 405)]
    [TestCase("init", "FLY", 501)]
    [TestCase("ready", "OPTIONS", 200)]
    [TestCase("ready", "DESCRIBE", 200)]
    [TestCase("ready", "ANNOUNCE", 455)]
    [TestCase("ready", "SETUP", 200)]
    [TestCase("ready", "PLAY", 200)]
    [TestCase("ready", "PAUSE", 200)]
    [TestCase("ready", "RECORD", 455)]
    [TestCase("ready", "TEARDOWN", 200)]
    [TestCase("ready", "GET_PARAMETER", 200)]
    [TestCase("playing", "DESCRIBE", 200)]
    [TestCase("playing", "ANNOUNCE", 455)]
    [TestCase("playing", "SETUP", 455)]
    [TestCase("playing", "PLAY", 200)]
    [TestCase("playing", "PAUSE", 200)]
    [TestCase("playing", "RECORD", 455)]
    [TestCase("playing", "TEARDOWN", 200)]
    [TestCase("announced", "ANNOUNCE", 200)]
    [TestCase("announced", "PLAY", 455)]
    [TestCase("announced", "RECORD", 455)]
    [TestCase("announced", "TEARDOWN", 200)]
    [TestCase("recording", "DESCRIBE", 200)]
    [TestCase("recording", "ANNOUNCE", 455)]
    [TestCase("recording", "SETUP", 455)]
    [TestCase("recording", "PLAY", 455)]
    [TestCase("recording", "PAUSE", 200)]
    [TestCase("recording", "RECORD", 200)]
    [TestCase("recording", "TEARDOWN", 200)]
    [TestCase("torn down", "SETUP", 200)]
    [TestCase("torn down", "PLAY", 455)]
    [TestCase("torn down", "TEARDOWN", 200)]
    public async Task A_method_is_obeyed_or_refused_as_the_state_says(string state, string method, int status)
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = bench.Open();
        if (state is "ready" or "playing" or "torn down")
            await client.SetUpAsync();
        if (state is "playing" or "torn down")
            await client.ExpectAsync(200, "PLAY", client.Url());
        if (state == "torn down")
            await client.ExpectAsync(200, "TEARDOWN", client.Url());
        if (state == "announced")
            await client.ExpectAsync(200, "ANNOUNCE", client.Url("live/new"), "Content-Type: application/sdp", ServerClient.Sdp);
        if (state == "recording")
        {
            await client.AnnounceAsync("live/new");
            await client.ExpectAsync(200, "RECORD", client.Url("live/new"));
        }

        var name = state is "announced" or "recording" && method != "DESCRIBE" ? "live/new" : "live/cam";
        var uri = client.Url(method == "ANNOUNCE" && state == "init" ? "live/new" : name) + (method == "SETUP" ? "/trackID=0" : "");
        var headers = method switch
        {
            "SETUP" => Tcp,
            "ANNOUNCE" => "Content-Type: application/sdp",
            _ => "",
        };
        var response = await client.ExpectAsync(status, method, uri, headers, method == "ANNOUNCE" ? ServerClient.Sdp : "");
        Assert.That(response.Headers[RtspHeaderNames.Server], Is.EqualTo("MediaGraph"));
        await client.ExpectAsync(200, "OPTIONS", "*"); // whatever it was, the connection goes on
    }

    [TestCase("SETUP rtsp://s/live/cam/trackID=0", "Transport: RTP/AVP;multicast;port=5000-5001", 461)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", "Transport: RTP/SAVP/TCP;interleaved=0-1", 461)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", "Transport: RTP/AVP/TCP;interleaved=3-3", 461)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", "Transport: RTP/AVP;unicast;client_port=1022-1023", 461)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", "Transport: RTP/AVP;unicast;client_port=5000-5001;destination=192.0.2.99", 461)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", "Transport: RTP/AVP;unicast", 461)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", "Transport: x", 461)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", "Date: today", 461)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=1", Tcp, 404)]
    [TestCase("SETUP rtsp://s/live/other/trackID=0", Tcp, 404)]
    [TestCase("SETUP rtsp://s/../etc/trackID=0", Tcp, 404)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", Tcp + ";mode=record", 455)]
    [TestCase("SETUP rtsp://s/live/cam/trackID=0", Tcp + "\r\nSession: 1234", 454)]
    [TestCase("PLAY rtsp://s/live/cam", "Session: 1234", 454)]
    [TestCase("DESCRIBE rtsp://s/live/other", "Accept: application/sdp", 404)]
    [TestCase("DESCRIBE rtsp://s/live/cam", "Accept: text/plain", 406)]
    [TestCase("DESCRIBE rtsp://s/live/cam", "Require: implicit-play", 551)]
    [TestCase("GET_PARAMETER rtsp://s/live/cam", "Content-Length: 5\r\n\r\nspeed", 451)]
    public async Task A_request_that_cannot_be_met_is_refused(string line, string headers, int status)
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = bench.Open();
        await client.SendAsync($"{line} RTSP/1.0\r\nCSeq: 7\r\n{headers}{(headers.Contains("\r\n\r\n", StringComparison.Ordinal) ? "" : "\r\n\r\n")}");
        await Eventually.Async(() => client.Responses.Count == 1, "an answer");
        var response = client.Responses[0];
        Assert.That((response.Status, response.CSeq), Is.EqualTo((status, 7u)));
        if (status == 551)
            Assert.That(response.Headers[RtspHeaderNames.Unsupported], Is.EqualTo("implicit-play"));
        await client.ExpectAsync(200, "OPTIONS", "*");
    }

    [TestCase("clock=20260101T000000Z-")]
    [TestCase("npt=10-")]
    [TestCase("npt=10-20")]
    [TestCase("smpte=0:00:00-")]
    public async Task A_range_that_is_not_live_is_refused(string range)
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = bench.Open();
        await client.SetUpAsync();
        await client.ExpectAsync(457, "PLAY", client.Url(), $"Range: {range}");
        await client.ExpectAsync(200, "PLAY", client.Url(), "Range: npt=now-");
    }

    // GStreamer asks for an end when it has played the stream elsewhere.
    [TestCase("npt=0-3.023")]
    [TestCase("npt=now-10")]
    public async Task The_end_of_a_range_is_of_no_account(string range)
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = bench.Open();
        await client.SetUpAsync();
        var play = await client.ExpectAsync(200, "PLAY", client.Url(), $"Range: {range}");
        Assert.That(play.Headers[RtspHeaderNames.Range], Is.EqualTo("npt=now-"));
    }

    [TestCase("OPTIONS * RTSP/2.0\r\nCSeq: 901\r\n\r\n", 505, false)]
    [TestCase("OPTIONS * RTSP/1.0\r\n\r\n", 400, false)]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 901\r\nCSeq: 902\r\n\r\n", 400, false)]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 901\u0001\r\n\r\n", 400, false)]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 901\r\nContent-Length: -1\r\n\r\n", 400, true)]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 901\r\nContent-Length: 99999999999999999999\r\n\r\n", 400, true)]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 901\r\nContent-Length: 1000000\r\n\r\n", 413, true)]
    [TestCase("\u0016\u0003\u0001\u0002", 400, true)]
    public async Task H4_a_malformed_request_is_answered_and_ends_at_most_its_own_connection(string text, int status, bool ends)
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var other = await bench.PlayAsync();
        var client = bench.Open();
        await client.SendAsync(text);
        await Eventually.Async(() => client.Responses.Count == 1, "an answer");
        Assert.That(client.Responses[0].Status, Is.EqualTo(status));
        if (ends)
        {
            await bench.AdvanceToConnectionsAsync(1);
            await client.EndsAsync();
        }
        else
        {
            await client.ExpectAsync(200, "OPTIONS", "*");
        }

        await other.ExpectAsync(200, "GET_PARAMETER", other.Url());
    }

    [Test]
    public async Task A_name_that_is_none_is_refused_in_words()
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        var published = await client.ExpectAsync(404, "ANNOUNCE", client.Url("live//cam"), "Content-Type: application/sdp", ServerClient.Sdp);
        var played = await client.ExpectAsync(404, "DESCRIBE", client.Url("live//cam"));
        Assert.That(new[] { published.Reason, played.Reason }, Has.All.EqualTo("not a valid stream name"));
        Assert.That(
            bench.Log.Of(3011).Select(entry => entry.Message.Split(" was ")[1]),
            Is.EqualTo(new[] { "refused publish: not a valid stream name", "refused play: not a valid stream name" }));
    }

    [Test]
    public async Task A_line_that_is_too_long_is_answered_with_414()
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        await client.SendAsync($"DESCRIBE rtsp://s/{new string('a', 4000)}");
        await Eventually.EqualAsync(() => client.Responses.Count == 0 ? 0 : client.Responses[0].Status, 414, "status");
    }

    [TestCase("v=0\r\nm=video\r\na=control:streamid=0\r\n", 415)]
    [TestCase("", 400)]
    [TestCase("m=audio 0 RTP/AVP 96\r\na=rtpmap:96 H264/0\r\na=control:streamid=0\r\n", 415)]
    [TestCase("m=audio 0 RTP/AVP\r\na=control:streamid=0\r\n", 415)]
    public async Task H4_a_description_without_sense_is_refused_when_it_is_set_up(string sdp, int status)
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        var announced = await client.AskAsync("ANNOUNCE", client.Url(), "Content-Type: application/sdp", sdp);
        var setup = announced.Status == 200
            ? await client.AskAsync("SETUP", client.Url() + "/streamid=0", Tcp + ";mode=record")
            : announced;
        Assert.That(setup.Status, Is.EqualTo(status));
        await client.ExpectAsync(200, "OPTIONS", "*");
    }

    [Test]
    public async Task R1_pipelined_requests_are_answered_in_order()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = bench.Open();
        await client.SendAsync(
            client.Request("OPTIONS", "*") + client.Request("DESCRIBE", client.Url()) + client.Request("SETUP", client.Url() + "/trackID=0", Tcp)
            + client.Request("PLAY", client.Url()) + client.Request("GET_PARAMETER", client.Url()) + client.Request("TEARDOWN", client.Url())
            + client.Request("PLAY", client.Url()));
        await Eventually.Async(() => client.Responses.Count == 7, "answers");
        Assert.That(client.Responses.Select(r => (r.CSeq, r.Status)), Is.EqualTo(new (uint?, int)[]
        {
            (1, 200), (2, 200), (3, 200), (4, 200), (5, 200), (6, 200), (7, 455),
        }));
    }

    [Test]
    public async Task R1_pipelining_races_with_the_connections_end_and_leaves_nothing_behind()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        for (var round = 0; round < 40; round++)
        {
            var client = bench.Open();
            var requests = client.Request("SETUP", client.Url() + "/trackID=0", Tcp) + client.Request("PLAY", client.Url())
                + client.Request("PAUSE", client.Url()) + client.Request("PLAY", client.Url());
            var ending = round % 2 == 0
                ? Task.Run(() => client.DisposeAsync().AsTask())
                : Task.Run(() => client.Server!.Abort(new(Graph.CloseCode.ConnectionLost, "cut")));
            try
            {
                await client.SendAsync(requests);
            }
            catch (IOException)
            {
                // The end was faster.
            }

            await ending;
        }

        await bench.AdvanceToConnectionsAsync(0);
        Assert.That(bench.Hub.Find("live/cam")!.GetSnapshot().Consumers, Is.Empty);
    }

    [Test]
    public async Task A_session_is_worth_nothing_on_another_connection()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var victim = await bench.PlayAsync();
        var thief = bench.Open();
        foreach (var method in new[] { "TEARDOWN", "PAUSE", "PLAY", "GET_PARAMETER" })
            await thief.ExpectAsync(454, method, thief.Url(), $"Session: {victim.Session}");
        await victim.ExpectAsync(200, "PAUSE", victim.Url());
    }

    [Test]
    public async Task A_track_that_is_set_up_again_stays_as_it_was_or_goes_as_the_client_says_now()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish("live/cam", Media.Track.Of(Rtp.Vectors.H264), Media.Track.Of(Rtp.Vectors.Aac));
        var client = bench.Open();
        await client.SetUpAsync();
        await client.SetUpAsync(track: 1, transport: "RTP/AVP/TCP;unicast;interleaved=2-3");
        await client.ExpectAsync(200, "PLAY", client.Url());
        await client.ExpectAsync(455, "SETUP", client.Url() + "/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=4-5");
        await client.ExpectAsync(200, "PAUSE", client.Url());

        var same = await client.SetUpAsync(transport: "RTP/AVP/TCP;unicast");
        Assert.That(same.Headers[RtspHeaderNames.Transport], Does.EndWith("interleaved=0-1"));
        await client.ExpectAsync(461, "SETUP", client.Url() + "/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3");
        var other = await client.SetUpAsync(transport: "RTP/AVP/TCP;unicast;interleaved=4-5");
        Assert.That(other.Headers[RtspHeaderNames.Transport], Does.EndWith("interleaved=4-5"));
        var played = client.Items.Count;
        var play = await client.ExpectAsync(200, "PLAY", client.Url());
        feed.Tracks[1].Write("sound"u8, TimeSpan.FromMilliseconds(10));
        await Eventually.Async(
            () => client.Items.Skip(played).Select(item => item.Channel).ToHashSet().IsSupersetOf([2, 4]),
            "media of both tracks");
        Assert.That(client.Items.Skip(played).Any(item => item is { Response: null, Channel: 0 }), Is.False, "the old channel");
        Assert.That(RtpInfo.ParseAll(play.Headers[RtspHeaderNames.RtpInfo]), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task What_was_announced_is_set_up_in_one_way()
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        await client.AnnounceAsync();
        var again = await client.ExpectAsync(
            200, "SETUP", client.Url() + "/streamid=0", "Transport: RTP/AVP/TCP;unicast;interleaved=4-5;mode=record");
        Assert.That(again.Headers[RtspHeaderNames.Transport], Does.Contain("interleaved=0-1"));
        await client.ExpectAsync(455, "SETUP", client.Url() + "/streamid=0", "Transport: RTP/AVP;unicast;client_port=5000-5001;mode=record");
        await client.ExpectAsync(200, "RECORD", client.Url());
    }

    [Test]
    public async Task Channels_are_the_clients_or_the_next_free_pair_and_tracks_go_one_way()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish("live/cam", Media.Track.Of(Rtp.Vectors.H264), Media.Track.Of(Rtp.Vectors.Aac));
        var client = bench.Open();
        await client.ExpectAsync(459, "SETUP", client.Url(), Tcp);
        var first = await client.SetUpAsync(transport: "RTP/AVP/TCP;unicast");
        await client.ExpectAsync(461, "SETUP", client.Url() + "/trackID=1", "Transport: RTP/AVP;unicast;client_port=5000-5001");
        await client.ExpectAsync(461, "SETUP", client.Url() + "/trackID=1", "Transport: RTP/AVP/TCP;interleaved=1-2");
        var second = await client.SetUpAsync(track: 1, transport: "RTP/AVP;unicast;client_port=5000-5001, RTP/AVP/TCP;unicast");
        Assert.Multiple(() =>
        {
            Assert.That(first.Headers[RtspHeaderNames.Transport], Does.EndWith("interleaved=0-1"));
            Assert.That(second.Headers[RtspHeaderNames.Transport], Does.EndWith("interleaved=2-3"));
        });
        await client.ExpectAsync(460, "PLAY", client.Url() + "/trackID=1");
        await client.ExpectAsync(404, "PLAY", client.Url("live/other"));
        await client.ExpectAsync(200, "PLAY", client.Url() + "/");
    }

    [Test]
    public async Task Nothing_that_a_client_says_ends_a_line_of_an_answer()
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        await client.SendAsync("OPTIONS * RTSP/1.0\r\nCSeq: 1\nX-Inj: 1\r\n\r\n");
        await client.SendAsync("OPTIONS * RTSP/1.0\r\nCSeq: 2\r\nRequire: a\rX-Inj: 1\r\n\r\n");
        await Eventually.Async(() => client.Responses.Count == 2, "answers");
        Assert.That(client.Responses.Select(r => r.Headers["X-Inj"]), Is.All.Null);
    }

    [Test]
    public async Task Connections_are_told_of_and_counted()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = await bench.PlayAsync();
        await client.DisposeAsync();
        await bench.AdvanceToConnectionsAsync(0);
        var events = bench.TakeEvents();
        var closed = events.OfType<Events.ConnectionClosed>().Single();
        Assert.Multiple(() =>
        {
            Assert.That(events.OfType<Events.ConnectionOpened>().Select(e => e.Protocol), Is.EqualTo(new[] { "rtsp" }));
            Assert.That((closed.Role, closed.Streams[0], closed.RemoteEndPoint), Is.EqualTo(("player", "live/cam", (EndPoint?)ServerBench.Address)));
        });
    }
}
