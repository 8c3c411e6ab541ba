using MediaGraph.Rtsp.Messages;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

/// <summary>What real cameras and servers do, beyond the standard.</summary>
internal sealed class QuirkTests
{
    [TestCase("v=0\ns=\ns=\ns=b\nc=IN IP4\nt=0 0\nthis is no line\nm=audio 0 RTP/AVP 0\na=control:trackID=1", "rtsp://server.example/cam/trackID=1")]
    [TestCase("v=0\nm=audio 0 RTP/AVP 0\na=control:rtsp://10.0.0.1:554/x/track1\n", "rtsp://10.0.0.1:554/x/track1")]
    [TestCase("v=0\nm=audio 0 RTP/AVP 0\na=control:/cam/track1\n", "rtsp://server.example/cam/track1")]
    [TestCase("v=0\nm=audio 0 RTP/AVP 0\na=control:/track1\n", "rtsp://server.example/cam/track1")]
    [TestCase("v=0\nm=audio 0 RTP/AVP 0\n", "rtsp://server.example/cam/")]
    [TestCase("v=0\nm=audio 0 RTP/AVP 8\na=control:*", "rtsp://server.example/cam/")]
    [TestCase("v=0\nm=audio 0 RTP/AVP 0\na=control:?track=1\n", "rtsp://server.example/cam/?track=1")]
    public async Task Descriptions_of_all_kinds_lead_to_the_tracks_url(string description, string expected)
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(description: description);
        Assert.That(server.Requests.First(request => request.Method == "SETUP").Uri, Is.EqualTo(expected));
    }

    [TestCase("rtsp://server.example/cam/", "rtsp://server.example/cam/trackID=1", "rtsp://server.example/cam/")]
    [TestCase("rtsp://server.example/cam", "rtsp://server.example/cam/trackID=1", "rtsp://server.example/cam")]
    [TestCase("rtsp://192.168.1.2:554/cam/", "rtsp://192.168.1.2:554/cam/trackID=1", "rtsp://192.168.1.2:554/cam/")]
    [TestCase("/other/", "rtsp://server.example/other/trackID=1", "rtsp://server.example/other/")]
    [TestCase("", "rtsp://server.example/cam/trackID=1", "rtsp://server.example/cam")]
    public async Task Bases_of_all_kinds_are_taken_on_the_same_connection(string contentBase, string setup, string play)
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(request => request.Method == RtspMethods.Describe
            ? TestServer.Described(TestServer.Head + TestServer.Audio, contentBase.Length == 0 ? "X: y" : $"Content-Base: {contentBase}")
            : null);
        Assert.That(server.Requests.First(request => request.Method == "SETUP").Uri, Is.EqualTo(setup));
        Assert.That(server.Requests.Last().Uri, Is.EqualTo(play));
        Assert.That(bench.ClientEnds, Has.Count.EqualTo(1));
    }

    [TestCase("RTP/AVP/TCP;unicast;interleaved=4-5", 4)]
    [TestCase("RTP/AVP;unicast;interleaved=2-3", 2)]
    [TestCase("RTP/AVP;unicast", 0)]
    [TestCase("RTP/AVP/TCP;interleaved=6", 6)]
    [TestCase("RTP/AVP/TCP;unicast;mode=\"PLAY\"", 0)]
    [TestCase(null, 0)]
    public async Task Transports_of_all_kinds_are_followed(string? transport, int channel)
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(
            request => request.Method == RtspMethods.Setup
                ? TestServer.Reply(200, transport is null ? "X: y" : $"Transport: {transport}", "session: 5")
                : null,
            TestServer.Head + TestServer.Audio);
        await server.SendMediaAsync(channel);
        await MediaAsync(bench, 1);
    }

    [Test]
    public async Task A_server_that_answers_all_tracks_with_the_same_channels_uses_those_it_was_asked_for()
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(request => request.Method == RtspMethods.Setup
            ? TestServer.Reply(200, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 5")
            : null);
        await server.SendMediaAsync(2);
        await MediaAsync(bench, 1);
    }

    [Test]
    public async Task A_server_that_answers_with_another_way_fails_the_call()
    {
        await using var bench = new ClientBench();
        var failure = await bench.FailAsync(request => request.Method == RtspMethods.Setup
            ? TestServer.Reply(200, "Transport: RTP/AVP;unicast;client_port=1-2;server_port=3-4", "Session: 5")
            : null);
        Assert.That(failure.Reason.Text, Is.EqualTo("the server sends by another way than it was asked to"));
    }

    [Test]
    public async Task Answers_without_a_number_in_lower_case_and_with_a_broken_rtp_info_are_taken()
    {
        await using var bench = new ClientBench();
        await bench.PullAsync(request => request.Method switch
        {
            RtspMethods.Options => "RTSP/1.0 200 OK\r\npublic: options\r\n\r\n",
            RtspMethods.Setup => $"RTSP/1.0 200 OK\r\ntransport: {request.Headers["Transport"]}\r\nsession: 5 ;timeout=60\r\n\r\n",
            RtspMethods.Play => "RTSP/1.0 200 OK\ncseq: {CSeq}\nRTP-Info: url=;seq=x,,;\n\n",
            _ => null,
        });
    }

    [Test]
    public async Task An_answer_to_an_earlier_request_is_passed_over()
    {
        await using var bench = new ClientBench();
        await bench.PullAsync(request => request.Method == RtspMethods.Describe
            ? "RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\nRTSP/1.0 100 Continue\r\nCSeq: {CSeq}\r\n\r\n"
                + TestServer.Described(TestServer.Head + TestServer.Audio)
            : null);
    }

    [Test]
    public async Task A_description_without_a_length_fails_the_call_with_a_reason()
    {
        await using var bench = new ClientBench();
        var failure = await bench.FailAsync(request => request.Method == RtspMethods.Describe
            ? "RTSP/1.0 200 OK\r\nCSeq: {CSeq}\r\n\r\n" + TestServer.Head
            : null);
        Assert.That(failure.Reason.Text, Is.EqualTo("This is no session description."));
    }

    [Test]
    public async Task Garbage_between_frames_is_passed_over()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync();
        await server.SendMediaAsync(2);
        await server.SendAsync([0, 1, 2, 3, (byte)'$', 77, 255, 255, 9, 9, 9]);
        await server.SendMediaAsync(2);
        await server.SendMediaAsync(2);
        await MediaAsync(bench, 3);
        Assert.That(transfer.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task The_cameras_speaker_is_not_pulled()
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(description:
            TestServer.Head + TestServer.Video + "a=recvonly\r\n" + TestServer.Audio + "a=recvonly\r\n"
            + "m=audio 0 RTP/AVP 0\r\na=control:trackID=2\r\na=sendonly\r\n");
        Assert.That(server.Methods, Has.Exactly(2).EqualTo("SETUP"));
    }

    [Test]
    public async Task Several_tracks_of_a_kind_have_names_that_stay()
    {
        await using var bench = new ClientBench();
        await bench.PullAsync(description:
            TestServer.Head + "m=video 0 RTP/AVP 97\r\na=control:a\r\n" + TestServer.Video + TestServer.Audio
            + TestServer.Audio.Replace("trackID=1", "trackID=2", StringComparison.Ordinal));
        Assert.That(
            bench.Hub.Find("in/cam")!.Receivers.Select(receiver => receiver.Track.Id), Is.EqualTo(new[] { "video1", "audio", "audio1" }));
    }

    private static Task MediaAsync(ClientBench bench, long packets) => Eventually.EqualAsync(
        () =>
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(100));
            return bench.PacketsOf("in/cam");
        },
        packets, "packets");
}
