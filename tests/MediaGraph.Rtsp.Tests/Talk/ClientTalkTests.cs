using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Tests.Client;
using MediaGraph.Talk;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Talk;

/// <summary>Cameras that are pulled from, and talked to. Rows: R3, T6, T8.</summary>
[TestFixture]
public sealed class ClientTalkTests
{
    private const string Speaker =
        "m=audio 0 RTP/AVP 8 0 97\r\na=rtpmap:97 MP4A-LATM/16000\r\na=control:trackID=talk\r\na=sendonly\r\n";

    private const string TwoWay = TestServer.Head + TestServer.Video + "a=recvonly\r\n" + TestServer.Audio + "a=recvonly\r\n" + Speaker;

    [Test]
    public async Task T6_A_talk_is_a_session_of_its_own_that_begins_and_ends_with_it()
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(description: TwoWay);
        Assert.That(server.Requests.Single(r => r.Method == RtspMethods.Describe).Headers["Require"], Is.EqualTo("www.onvif.org/ver20/backchannel"));
        Assert.That(server.Methods.Count(method => method == RtspMethods.Setup), Is.EqualTo(2));
        await using var talk = bench.Hub.Talk(new TalkRequest("in/cam"));
        Assert.That((talk.Codec.Name, bench.Client.Connections), Is.EqualTo((CodecNames.Pcma, 1)));

        var camera = await BeginAsync(bench, talk, TwoWay);
        Assert.Multiple(() =>
        {
            Assert.That(camera.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE", "SETUP", "PLAY" }));
            Assert.That(camera.Requests.Skip(1).Select(r => r.Headers["Require"]), Has.All.EqualTo("www.onvif.org/ver20/backchannel"));
            Assert.That(camera.Requests.ElementAt(2).Uri, Is.EqualTo("rtsp://server.example/cam/trackID=talk"));
            Assert.That(camera.Requests.ElementAt(2).Headers["Transport"], Is.EqualTo("RTP/AVP/TCP;unicast;interleaved=0-1"));
        });
        for (var i = 1; i < 5; i++)
            talk.Write(Sound(160), TimeSpan.FromMilliseconds(20 * i));
        await Eventually.EqualAsync(() => camera.Frames.Count, 6, "frames");
        var report = camera.Frames.First();
        var packets = camera.Frames.Skip(1).Select(frame => Parse(frame.Payload)).ToArray();
        Assert.Multiple(() =>
        {
            Assert.That((report.Channel, report.Payload[1]), Is.EqualTo(((byte)1, (byte)200)));
            Assert.That(camera.Frames.Skip(1).Select(frame => frame.Channel), Has.All.EqualTo(0));
            Assert.That(packets.Select(p => (p.Header.PayloadType, p.Header.Ssrc)).Distinct().Single().PayloadType, Is.EqualTo(8));
            Assert.That(packets.Select(p => (ushort)(p.Header.SequenceNumber - packets[0].Header.SequenceNumber)), Is.EqualTo(new[] { 0, 1, 2, 3, 4 }));
            Assert.That(packets.Select(p => p.Header.Timestamp - packets[0].Header.Timestamp), Is.EqualTo(new[] { 0, 160, 320, 480, 640 }));
            Assert.That(packets.Select(p => p.Header.Marker), Is.EqualTo(new[] { true, false, false, false, false }));
            Assert.That(packets.Select(p => p.Length), Has.All.EqualTo(160));
        });

        talk.Stop();
        await camera.ExpectAsync(RtspMethods.Teardown);
        await Eventually.EqualAsync(() => bench.Client.Connections, 1, "connections");
        Assert.That(camera.Frames.Last().Payload[^7], Is.EqualTo(203)); // RTCP BYE
        Assert.That(server.Methods, Has.None.EqualTo("TEARDOWN").And.Exactly(1).EqualTo("PLAY"));
    }

    [Test]
    public async Task Long_packets_are_cut_into_40_ms()
    {
        await using var bench = new ClientBench();
        await bench.PullAsync(description: TwoWay);
        await using var talk = bench.Hub.Talk(new TalkRequest("in/cam"));
        var camera = await BeginAsync(bench, talk, TwoWay, length: 1024);
        await Eventually.EqualAsync(() => camera.Frames.Count, 5, "frames");
        var packets = camera.Frames.Skip(1).Select(frame => Parse(frame.Payload)).ToArray();
        Assert.That(packets.Select(p => p.Length), Is.EqualTo(new[] { 320, 320, 320, 64 }));
        Assert.That(packets.Select(p => p.Header.Timestamp - packets[0].Header.Timestamp), Is.EqualTo(new[] { 0, 320, 640, 960 }));
        Assert.That(packets.Select(p => p.Header.Marker), Is.EqualTo(new[] { true, false, false, false }));
    }

    [TestCase(551)]
    [TestCase(400)]
    public async Task A_camera_that_refuses_to_be_asked_is_asked_without(int status)
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(request => request.Headers["Require"] is null ? null : TestServer.Reply(status));
        Assert.That(server.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "SETUP", "PLAY" }));
        Assert.That(bench.Hub.Find("in/cam")!.Speaker, Is.Null);
    }

    [Test]
    public async Task Who_wants_no_talk_asks_for_none()
    {
        await using var bench = new ClientBench(new RtspClientOptions { Talk = false });
        var (server, _) = await bench.PullAsync(description: TwoWay);
        Assert.That(server.Requests.Select(request => request.Headers["Require"]), Has.All.Null);
        Assert.That(bench.Hub.Find("in/cam")!.Speaker, Is.Null);
        Assert.That(server.Methods.Count(method => method == RtspMethods.Setup), Is.EqualTo(2), "its speaker is no media");
    }

    [Test]
    public async Task A_refusal_is_told_to_the_talker_and_touches_nothing_else()
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(description: TwoWay);
        await using var talk = bench.Hub.Talk(new TalkRequest("in/cam"));
        talk.Write(Sound(160), TimeSpan.Zero);
        await bench.AcceptAsync(request => request.Method == RtspMethods.Setup ? TestServer.Reply(453) : null, TwoWay);
        await Eventually.EqualAsync(() => talk.State, TalkState.Idle, "state");
        Assert.That(talk.Reason!.Text, Does.Contain("the server refused SETUP: 453 Not Enough Bandwidth"));
        Assert.That(talk.Write(Sound(160), TimeSpan.Zero), Is.EqualTo(TalkResult.Unavailable));
        await ViewGoesOnAsync(bench, server);
    }

    [Test]
    public async Task A_camera_that_drops_the_talk_ends_only_the_talk()
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(description: TwoWay);
        await using var talk = bench.Hub.Talk(new TalkRequest("in/cam"));
        var camera = await BeginAsync(bench, talk, TwoWay);
        camera.Reset();
        await Eventually.EqualAsync(() => bench.Client.Connections, 1, "connections");
        talk.Write(Sound(160), TimeSpan.FromMilliseconds(20));
        await Eventually.EqualAsync(() => talk.State, TalkState.Idle, "state");
        Assert.That(talk.Reason!.Text, Does.Contain("the server closed the connection").Or.Contain("the connection was lost"));
        await ViewGoesOnAsync(bench, server);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await BeginAsync(bench, talk, TwoWay);
    }

    [Test]
    public async Task When_the_pull_ends_so_does_the_talk()
    {
        await using var bench = new ClientBench();
        var (_, transfer) = await bench.PullAsync(description: TwoWay);
        await using var talk = bench.Hub.Talk(new TalkRequest("in/cam"));
        var camera = await BeginAsync(bench, talk, TwoWay);
        transfer.Close(CloseReason.Requested);
        await camera.ExpectAsync(RtspMethods.Teardown); // before time goes by, of which a goodbye has little
        await bench.EndOfAsync(transfer);
        Assert.That((talk.State, bench.Client.Connections), Is.EqualTo((TalkState.Ended, 0)));
        Assert.That(camera.Methods, Has.Exactly(1).EqualTo("TEARDOWN"));
    }

    // Says the first word, and plays the camera that is told.
    private static async Task<TestServer> BeginAsync(ClientBench bench, TalkSession talk, string description, int length = 160)
    {
        Assert.That(talk.Write(Sound(length), TimeSpan.Zero), Is.EqualTo(TalkResult.Taken));
        var camera = await bench.AcceptAsync(description: description);
        await Eventually.EqualAsync(() => talk.State, TalkState.Talking, "state");
        await Eventually.Async(() => camera.Frames.Count >= 2, "a report and a packet");
        return camera;
    }

    private static async Task ViewGoesOnAsync(ClientBench bench, TestServer server)
    {
        var before = bench.PacketsOf("in/cam");
        await server.SendMediaAsync(2);
        await bench.PassAsync(1);
        await server.SendMediaAsync(2);
        await bench.Time.AdvanceUntilAsync(
            () => bench.PacketsOf("in/cam") > before, TimeSpan.FromMilliseconds(50), "media, when the tracks are aligned");
        Assert.That(server.Methods, Is.EqualTo(new[] { "OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY" }));
    }

    private static byte[] Sound(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)i)];

    private static (RtpHeader Header, int Length) Parse(byte[] packet)
    {
        Assert.That(RtpHeader.TryParse(packet, out var header, out var payload), Is.True);
        return (header, payload.Length);
    }
}
