using System.Text;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Tests.Rtp;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

// Rows: R4, R6, R9, S9.

[TestFixture]
public sealed class PlayTests
{
    [Test]
    public async Task A_viewer_is_described_sets_up_and_plays_from_the_last_keyframe()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = bench.Open();
        var description = await client.ExpectAsync(200, "DESCRIBE", client.Url(), "Accept: application/sdp");
        var sdp = Encoding.UTF8.GetString(description.Body.Span);
        var setup = await client.SetUpAsync();
        var play = await client.ExpectAsync(200, "PLAY", client.Url(), "Range: npt=0.000-");
        await Eventually.Async(() => client.FramesOf(0).Count > 0 && client.FramesOf(1).Count > 0, "media and a report");
        var frame = client.FramesOf(0)[0];
        Assert.That(RtpHeader.TryParse(frame, out var header, out _), Is.True);
        var info = RtpInfo.ParseAll(play.Headers[RtspHeaderNames.RtpInfo]).Single();
        Assert.Multiple(() =>
        {
            Assert.That(description.Headers[RtspHeaderNames.ContentBase], Is.EqualTo("rtsp://server/live/cam/"));
            Assert.That(sdp, Does.Contain("a=rtpmap:96 H264/90000").And.Contain("a=control:trackID=0"));
            Assert.That(setup.Headers[RtspHeaderNames.Transport], Is.EqualTo("RTP/AVP/TCP;unicast;interleaved=0-1"));
            Assert.That(setup.Headers[RtspHeaderNames.Session], Does.Match("^[0-9a-f]{32};timeout=60$"));
            Assert.That(play.Headers[RtspHeaderNames.Range], Is.EqualTo("npt=now-"));
            Assert.That((info.Url, info.Sequence, info.RtpTime), Is.EqualTo(
                ("rtsp://server/live/cam/trackID=0", (ushort?)header.SequenceNumber, (uint?)header.Timestamp)));
            Assert.That(client.FramesOf(1)[0][1], Is.EqualTo(200), "a sender report");
        });
    }

    [Test]
    public async Task RTP_Info_names_one_moment_in_the_time_of_every_track()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish("live/cam", Track.Of(Vectors.H264), Track.Of(Vectors.Aac));
        ServerBench.WriteKeyframe(feed, 1000);
        feed.Tracks[1].Write("sound"u8, TimeSpan.FromMilliseconds(1010));
        var client = bench.Open();
        foreach (var track in new[] { 0, 1 })
        {
            await client.ExpectAsync(
                200, "SETUP", $"{client.Url()}/trackID={track}", $"Transport: RTP/AVP/TCP;unicast;interleaved={2 * track}-{(2 * track) + 1}");
        }

        var play = await client.ExpectAsync(200, "PLAY", client.Url());

        await Eventually.Async(() => client.FramesOf(0).Count > 0 && client.FramesOf(2).Count > 0, "media");
        var infos = RtpInfo.ParseAll(play.Headers[RtspHeaderNames.RtpInfo]);
        Assert.That(RtpHeader.TryParse(client.FramesOf(0)[0], out var picture, out _), Is.True);
        Assert.That(RtpHeader.TryParse(client.FramesOf(2)[0], out var heard, out _), Is.True);
        Assert.That(infos.Select(info => info.RtpTime), Is.EqualTo(new uint?[] { picture.Timestamp, unchecked(heard.Timestamp - 441) }));
        Assert.That(infos.Select(info => info.Sequence), Is.EqualTo(new ushort?[] { picture.SequenceNumber, heard.SequenceNumber }));
    }

    [Test]
    public async Task RTP_Info_of_a_stream_that_begins_lays_its_tracks_on_one_time()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Vectors.H264), Track.Of(Vectors.Aac));
        var client = bench.Open();
        foreach (var track in new[] { 0, 1 })
        {
            await client.ExpectAsync(
                200, "SETUP", $"{client.Url()}/trackID={track}", $"Transport: RTP/AVP/TCP;unicast;interleaved={2 * track}-{(2 * track) + 1}");
        }

        var play = await client.ExpectAsync(200, "PLAY", client.Url());
        ServerBench.WriteKeyframe(feed, 1000);
        feed.Tracks[1].Write("sound"u8, TimeSpan.FromMilliseconds(1010));
        await Eventually.Async(() => client.FramesOf(0).Count > 0 && client.FramesOf(2).Count > 0, "media");
        var infos = RtpInfo.ParseAll(play.Headers[RtspHeaderNames.RtpInfo]);
        Assert.That(RtpHeader.TryParse(client.FramesOf(0)[0], out var picture, out _), Is.True);
        Assert.That(RtpHeader.TryParse(client.FramesOf(2)[0], out var heard, out _), Is.True);
        Assert.That(infos.Select(info => info.RtpTime), Is.EqualTo(new uint?[] { picture.Timestamp, unchecked(heard.Timestamp - 441) }));
    }

    [Test]
    public async Task R4_no_media_byte_precedes_the_reply_to_PLAY()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            for (var at = 1; !stop.IsCancellationRequested && at < 2_000_000; at++)
            {
                if (at % 10 == 0)
                    ServerBench.WriteKeyframe(feed, at);
                else
                    ServerBench.WriteFrame(feed, at);
            }
        });
        try
        {
            for (var round = 0; round < 50; round++)
            {
                var client = await bench.PlayAsync();
                await Eventually.Async(() => client.FramesOf(0).Count > 0, "media");
                await client.ExpectAsync(200, "PAUSE", client.Url());
                var before = client.Items.Count;
                await client.ExpectAsync(200, "PLAY", client.Url());
                await Eventually.Async(() => client.Items.Skip(before).Any(item => item is { Response: null, Channel: 0 }), "media again");
                var items = client.Items;
                Assert.Multiple(() =>
                {
                    Assert.That(items.TakeWhile(item => item.Response is not null).Count(), Is.EqualTo(2), "SETUP and PLAY are answered first");
                    Assert.That(items[before].Response, Is.Not.Null, "PLAY after PAUSE is answered first");
                });
                await client.DisposeAsync();
            }
        }
        finally
        {
            await stop.CancelAsync();
            await writing;
        }
    }

    [Test]
    public async Task R9_TEARDOWN_is_answered_detaches_and_leaves_the_connection_usable()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = await bench.PlayAsync();
        await client.ExpectAsync(200, "TEARDOWN", client.Url());
        Assert.That(bench.Hub.Find("live/cam")!.GetSnapshot().Consumers, Is.Empty);
        var goodbye = client.Items.TakeWhile(item => item.Response is null || item.Response.CSeq != 3).Last();
        Assert.That((goodbye.Channel, Contains(goodbye.Payload, 203)), Is.EqualTo((1, true)), "BYE precedes the answer");
        await client.ExpectAsync(200, "TEARDOWN", client.Url());
        await client.SetUpAsync();
        await client.ExpectAsync(200, "PLAY", client.Url());
        Assert.That(bench.Hub.Find("live/cam")!.GetSnapshot().Consumers, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task S9_DESCRIBE_twice_and_while_playing_disturbs_nothing()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = bench.Open();
        await client.ExpectAsync(200, "DESCRIBE", client.Url());
        await client.ExpectAsync(200, "DESCRIBE", client.Url());
        await client.SetUpAsync();
        await client.ExpectAsync(200, "PLAY", client.Url());
        await client.ExpectAsync(200, "DESCRIBE", client.Url());
        await client.ExpectAsync(200, "PLAY", client.Url());
        var count = client.FramesOf(0).Count;
        ServerBench.WriteKeyframe(feed, 40);
        await Eventually.Async(() => client.FramesOf(0).Count > count, "media");
        Assert.That(bench.Hub.Find("live/cam")!.GetSnapshot().Consumers, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task A_stream_is_fanned_out_to_viewers_who_get_the_same_packets_on_channels_of_their_own()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var clients = new List<ServerClient>();
        for (var i = 0; i < 4; i++)
        {
            var client = bench.Open();
            await client.SetUpAsync(transport: $"RTP/AVP/TCP;unicast;interleaved={2 * i}-{(2 * i) + 1}");
            await client.ExpectAsync(200, "PLAY", client.Url());
            clients.Add(client);
        }

        for (var at = 40; at < 400; at += 40)
            ServerBench.WriteFrame(feed, at, 3000);
        var first = clients[0];
        await Eventually.Async(() => first.FramesOf(0).Count >= 28, "media");
        for (var i = 1; i < 4; i++)
        {
            var channel = 2 * i;
            await Eventually.EqualAsync(() => clients[i].FramesOf(channel).Count, first.FramesOf(0).Count, "packets");
            Assert.That(clients[i].FramesOf(channel), Is.EqualTo(first.FramesOf(0)), $"viewer {i}");
        }
    }

    [Test]
    public async Task R6_a_stalled_viewer_is_cut_after_10_s_and_its_framing_holds_until_then()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = await bench.PlayAsync();
        var other = await bench.PlayAsync();
        await Eventually.Async(() => client.FramesOf(0).Count > 0, "media");
        client.Server!.LimitSends(1000); // ends within a packet
        for (var at = 40; at < 4000; at += 40)
        {
            if (at % 400 == 0)
                ServerBench.WriteKeyframe(feed, at, 60_000);
            else
                ServerBench.WriteFrame(feed, at, 60_000);
        }

        bench.AdvanceBySteps(9);
        var had = client.FramesOf(0).Count;
        client.Server!.AllowSends(70_000);

        // When something of the next frame has come, the server knows that the one before it was taken.
        await Eventually.Async(() => client.FramesOf(0).Skip(had).Sum(packet => packet.Length) > 64_000, "what it takes");
        bench.AdvanceBySteps(9);
        Assert.That(client.HasEnded, Is.False);
        bench.AdvanceBySteps(3);
        await client.EndsAsync();
        await bench.AdvanceToConnectionsAsync(1);
        Assert.Multiple(() =>
        {
            Assert.That(client.Error, Is.Null);
            Assert.That(client.FramesOf(0), Has.All.Matches<byte[]>(packet => packet is [>= 0x80 and < 0xC0, ..]));
            Assert.That(other.HasEnded, Is.False);
            Assert.That(bench.Log.Of(3005).Single().ToString(), Does.Contain("the peer took nothing"));
        });
    }

    [Test]
    public async Task The_end_of_the_stream_is_told_with_BYE_and_the_connection_ends_after_a_moment()
    {
        await using var bench = new ServerBench(hubOptions: new StreamHubOptions { WaitForPublisher = TimeSpan.FromSeconds(1) });
        var feed = bench.Publish();
        var client = await bench.PlayAsync();
        await Eventually.Async(() => client.FramesOf(1).Count > 0, "a report");
        await feed.DisposeAsync();
        Assert.That(client.HasEnded, Is.False, "it waits for another publisher");
        bench.AdvanceBySteps(2);
        await Eventually.Async(() => client.FramesOf(1).Any(report => Contains(report, 203)), "BYE");
        Assert.That(client.HasEnded, Is.False);
        await client.ExpectAsync(200, "PAUSE", client.Url());
        await client.ExpectAsync(200, "TEARDOWN", client.Url());
        bench.AdvanceBySteps(6);
        await client.EndsAsync();
        Assert.That(bench.Log.Of(3010).Single().ToString(), Does.Contain("live/cam"));
    }

    [Test]
    public async Task Sender_reports_come_every_5_s()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = await bench.PlayAsync();
        await Eventually.EqualAsync(() => client.FramesOf(1).Count, 1, "reports at once");
        await Eventually.Async(() => client.FramesOf(0).Count > 0, "media");
        for (var i = 0; i < 11; i++)
        {
            bench.AdvanceBySteps(1);
            await client.ExpectAsync(200, "OPTIONS", "*"); // all before it is written: no writer is held up while time goes by
        }

        await Eventually.EqualAsync(() => client.FramesOf(1).Count, 3, "reports after 11 s");
    }

    [Test]
    public async Task H4_a_track_of_a_later_description_is_none_of_the_session()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish("live/cam", Track.Of(Vectors.H264), Track.Of(Vectors.Aac));
        var client = bench.Open();
        await client.ExpectAsync(200, "DESCRIBE", client.Url() + "?video=h264");
        await client.ExpectAsync(200, "SETUP", client.Url() + "/trackID=0", "Transport: RTP/AVP/TCP;interleaved=0-1");
        await client.ExpectAsync(200, "DESCRIBE", client.Url() + "?audio=aac");
        await client.ExpectAsync(404, "SETUP", client.Url() + "/trackID=1", "Transport: RTP/AVP/TCP;interleaved=2-3");
        await client.ExpectAsync(200, "PLAY", client.Url());
    }

    [Test]
    public async Task Metadata_go_beside_the_pictures_or_alone([Values] bool withPictures)
    {
        await using var bench = new ServerBench();
        var camera = bench.Open(ServerBench.OtherAddress);
        const string metadata = "m=application 0 RTP/AVP 98\r\na=rtpmap:98 vnd.onvif.metadata/90000\r\na=control:streamid=1\r\n";
        await camera.ExpectAsync(200, "ANNOUNCE", camera.Url(), "Content-Type: application/sdp", ServerClient.Sdp + metadata);
        foreach (var track in new[] { 0, 1 })
        {
            var transport = $"Transport: RTP/AVP/TCP;interleaved={2 * track}-{(2 * track) + 1};mode=record";
            await camera.ExpectAsync(200, "SETUP", $"{camera.Url()}/streamid={track}", transport);
        }

        await camera.ExpectAsync(200, "RECORD", camera.Url());
        var (pictures, documents) = ((byte)0, (byte)0);
        await SendAsync(0);
        bench.Advance(1); // reports were waited for
        await SendAsync(1);
        await SendPictureAsync(10);

        var viewer = bench.Open();
        if (withPictures)
            await viewer.SetUpAsync();
        await viewer.SetUpAsync(track: 1, transport: "RTP/AVP/TCP;unicast;interleaved=2-3");
        var play = await viewer.ExpectAsync(200, "PLAY", viewer.Url());
        await SendAsync(12);

        await Eventually.Async(() => viewer.FramesOf(2).Count > 0 && viewer.FramesOf(2)[^1][^1] == 12, "the document");
        Assert.That(viewer.FramesOf(2)[^1][RtpHeader.Length..], Is.EqualTo((byte[])[.. "<tt:MetadataStream/>"u8, 12]));
        Assert.That(viewer.FramesOf(2)[^1][1] & 0x80, Is.EqualTo(0x80), "a document ends with the marker");
        if (withPictures)
        {
            await Eventually.Async(() => viewer.FramesOf(0).Any(packet => packet[RtpHeader.Length] == 0x65), "pictures");
            Assert.That(RtpHeader.TryParse(viewer.FramesOf(0)[0], out var picture, out _), Is.True);
            Assert.That(RtpInfo.ParseAll(play.Headers[RtspHeaderNames.RtpInfo])[0].RtpTime, Is.EqualTo(picture.Timestamp), "not the document's time");
        }

        async Task SendAsync(int time)
        {
            await SendPictureAsync(time);
            await camera.SendFrameAsync(2, [
                0x80, 0x80 | 98, 0, documents++, 0, 0, (byte)(time * 20), 0, 5, 6, 7, 8, .. "<tt:MetadataStream/>"u8, (byte)time]);
            await camera.ExpectAsync(200, "OPTIONS", "*"); // they have come
        }

        async Task SendPictureAsync(int time)
        {
            await camera.SendFrameAsync(
                0, [0x80, 0x80 | 96, 0, pictures++, 0, 0, (byte)(time * 20), 0, 1, 2, 3, 4, 0x65, 0x88, 0x84, 0x21]);
            await camera.ExpectAsync(200, "OPTIONS", "*");
        }
    }

    [Test]
    public async Task A_query_selects_tracks()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish("live/cam", Track.Of(Vectors.H264), Track.Of(Vectors.Aac));
        var client = bench.Open();
        var both = Encoding.UTF8.GetString((await client.ExpectAsync(200, "DESCRIBE", client.Url())).Body.Span);
        var audio = Encoding.UTF8.GetString((await client.ExpectAsync(200, "DESCRIBE", client.Url() + "?audio=aac")).Body.Span);
        var refused = await client.ExpectAsync(415, "DESCRIBE", client.Url() + "?video=vp8");
        await client.ExpectAsync(404, "SETUP", client.Url() + "?audio=aac/trackID=7", "Transport: RTP/AVP/TCP;interleaved=0-1");
        await client.ExpectAsync(200, "SETUP", client.Url() + "?audio=aac/trackID=1", "Transport: RTP/AVP/TCP;interleaved=0-1");
        Assert.Multiple(() =>
        {
            Assert.That(both, Does.Contain("m=video").And.Contain("m=audio"));
            Assert.That(audio, Does.Not.Contain("m=video").And.Contain("m=audio").And.Contain("trackID=1"));
            Assert.That(refused.Reason, Is.EqualTo("codecs not matched: H264, AAC => VP8"));
        });
    }

    private static bool Contains(byte[] compound, byte type)
    {
        for (var at = 0; at + 4 <= compound.Length; at += 4 * (1 + ((compound[at + 2] << 8) | compound[at + 3])))
        {
            if (compound[at + 1] == type)
                return true;
        }

        return false;
    }
}
