using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

// Rows: R8, R10.

[TestFixture]
public sealed class RecordTests
{
    [Test]
    public async Task A_publisher_feeds_a_stream_that_others_play_from_it()
    {
        await using var bench = new ServerBench();
        var publisher = await RecordAsync(bench);
        await SendPictureAsync(publisher, 0);
        await publisher.ExpectAsync(200, "OPTIONS", "*"); // it has come
        bench.Advance(1);
        await SendPictureAsync(publisher, 1);
        await publisher.ExpectAsync(200, "OPTIONS", "*");
        var viewer = await bench.PlayAsync();
        await Eventually.Async(() => viewer.FramesOf(0).Count > 0, "media");
        await publisher.ExpectAsync(200, "TEARDOWN", publisher.Url());
        Assert.That(bench.Hub.Find("live/cam")!.IsPublished, Is.False);
        Assert.That(viewer.HasEnded, Is.False, "it waits for another publisher");
    }

    [Test]
    public async Task R10_a_second_publisher_is_refused_or_replaces_the_first_as_the_policy_says([Values] PublisherConflict policy)
    {
        await using var bench = new ServerBench(hubOptions: new StreamHubOptions { OnPublisherConflict = policy });
        var first = await RecordAsync(bench);
        await SendPictureAsync(first, 0);
        var second = bench.Open(ServerBench.OtherAddress);
        await second.AnnounceAsync();
        if (policy == PublisherConflict.Refuse)
        {
            var refusal = await second.ExpectAsync(403, "RECORD", second.Url());
            Assert.That(refusal.Reason, Is.Not.EqualTo(RtspStatus.ReasonOf(403)), "says why");
            await first.ExpectAsync(200, "RECORD", first.Url());
            return;
        }

        await second.ExpectAsync(200, "RECORD", second.Url());
        await Eventually.Async(() => bench.Log.Of(3008).Count == 1, "the first one's end");
        bench.AdvanceBySteps(6);
        await first.EndsAsync();
        Assert.That(second.HasEnded, Is.False);
    }

    [Test]
    public async Task R8_a_publisher_without_media_is_cut_after_10_s_however_often_it_asks()
    {
        await using var bench = new ServerBench();
        var publisher = await RecordAsync(bench);
        for (var i = 0; i < 5; i++)
        {
            await SendPictureAsync(publisher, i);
            await publisher.ExpectAsync(200, "OPTIONS", "*");
            bench.AdvanceBySteps(6);
        }

        Assert.That(publisher.HasEnded, Is.False);
        await publisher.ExpectAsync(200, "OPTIONS", "*");
        bench.AdvanceBySteps(5);
        await publisher.EndsAsync();
        await bench.AdvanceToConnectionsAsync(0);
        Assert.That(bench.Log.Of(3005).Single().ToString(), Does.Contain("the publisher sent no media"));
    }

    [Test]
    public async Task A_publisher_that_says_goodbye_ends_its_feed()
    {
        await using var bench = new ServerBench();
        var publisher = await RecordAsync(bench);
        await SendPictureAsync(publisher, 0);
        var report = new byte[RtcpWriter.MaxLength];
        await publisher.SendFrameAsync(1, report[..RtcpWriter.Write(report, 0x01020304, null, "name", isLeaving: true)]);
        await publisher.ExpectAsync(200, "OPTIONS", "*");
        bench.AdvanceBySteps(1);
        await Eventually.Async(() => bench.Log.Of(3008).Count == 1, "the feed's end");
        Assert.That(bench.Log.Of(3008)[0].ToString(), Does.Contain("goodbye"));
        await publisher.ExpectAsync(200, "TEARDOWN", publisher.Url());
    }

    [Test]
    public async Task A_publisher_is_sent_receiver_reports()
    {
        await using var bench = new ServerBench();
        var publisher = await RecordAsync(bench);
        await SendPictureAsync(publisher, 0);
        await publisher.ExpectAsync(200, "OPTIONS", "*");
        bench.AdvanceBySteps(7);
        await Eventually.Async(() => publisher.FramesOf(1).Count >= 2, "reports");
        Assert.That(publisher.FramesOf(1)[0][1], Is.EqualTo(201));
    }

    [Test]
    public async Task Frames_on_channels_that_nothing_was_set_up_for_go_nowhere()
    {
        await using var bench = new ServerBench();
        var publisher = await RecordAsync(bench);
        for (var channel = 2; channel < 200; channel += 40)
            await publisher.SendFrameAsync((byte)channel, [0x80, 96, 0, 1]);
        await publisher.ExpectAsync(200, "OPTIONS", "*");
    }

    [Test]
    public async Task A_publisher_that_drops_its_connection_ends_its_feed_at_once()
    {
        await using var bench = new ServerBench();
        var publisher = await RecordAsync(bench);
        await SendPictureAsync(publisher, 0);
        await publisher.DisposeAsync();
        await bench.AdvanceToConnectionsAsync(0);
        Assert.That(bench.Hub.Find("live/cam")?.IsPublished ?? false, Is.False);
    }

    [Test]
    public async Task No_more_tracks_are_set_up_than_the_limit_says()
    {
        await using var bench = new ServerBench(new RtspServerOptions { MaxSetups = 1 });
        var client = bench.Open();
        var two = ServerClient.Sdp + "m=audio 0 RTP/AVP 0\r\na=control:streamid=1\r\n";
        await client.ExpectAsync(200, "ANNOUNCE", client.Url(), "Content-Type: application/sdp", two);
        await client.ExpectAsync(200, "SETUP", client.Url() + "/streamid=0", "Transport: RTP/AVP/TCP;interleaved=0-1;mode=record");
        await client.ExpectAsync(453, "SETUP", client.Url() + "/streamid=1", "Transport: RTP/AVP/TCP;interleaved=2-3;mode=record");
        await client.ExpectAsync(404, "SETUP", client.Url() + "/streamid=2", "Transport: RTP/AVP/TCP;interleaved=2-3;mode=record");
    }

    [Test]
    public async Task What_was_announced_in_vain_may_be_announced_anew()
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        await client.ExpectAsync(
            200, "ANNOUNCE", client.Url(), "Content-Type: application/sdp",
            "v=0\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 FLAC/48000\r\na=control:streamid=0\r\n");
        await client.ExpectAsync(415, "SETUP", client.Url() + "/streamid=0", "Transport: RTP/AVP/TCP;interleaved=0-1;mode=record");
        await client.AnnounceAsync();
        await client.ExpectAsync(200, "RECORD", client.Url());
    }

    [Test]
    public async Task Behind_the_publishers_goodbye_the_connection_can_publish_again_or_play()
    {
        await using var bench = new ServerBench();
        var client = await RecordAsync(bench);
        await SendPictureAsync(client, 0);
        await EndByGoodbyeAsync(1);
        await client.ExpectAsync(455, "RECORD", client.Url());
        await client.AnnounceAsync();
        bench.AdvanceBySteps(6); // nobody waits for its end any more
        await client.ExpectAsync(200, "RECORD", client.Url());
        await SendPictureAsync(client, 1);
        await EndByGoodbyeAsync(2);

        await using var feed = bench.Publish("live/other");
        await client.SetUpAsync("live/other");
        await client.ExpectAsync(200, "PLAY", client.Url("live/other"));

        async Task EndByGoodbyeAsync(int times)
        {
            var report = new byte[RtcpWriter.MaxLength];
            await client.SendFrameAsync(1, report[..RtcpWriter.Write(report, 0x01020304, null, "name", isLeaving: true)]);
            await client.ExpectAsync(200, "OPTIONS", "*"); // it has come
            bench.AdvanceBySteps(1);
            await Eventually.Async(() => bench.Log.Of(3008).Count == times, "the feed's end");
        }
    }

    private static async Task<ServerClient> RecordAsync(ServerBench bench)
    {
        var client = bench.Open();
        await client.AnnounceAsync();
        await client.ExpectAsync(200, "RECORD", client.Url(), "Range: npt=0.000-");
        return client;
    }

    // One keyframe in one packet.
    private static Task SendPictureAsync(ServerClient client, int number) => client.SendFrameAsync(
        0, [0x80, 0x80 | 96, 0, (byte)number, 0, 0, (byte)(number * 20), 0, 1, 2, 3, 4, 0x65, 0x88, 0x84, 0x21]);
}
