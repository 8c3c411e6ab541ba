using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Client;

// Rows: M6, M7, M8 (client halves).
internal sealed class PushTests
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(40);

    [Test]
    public async Task A_push_asks_as_encoders_do_and_sends_what_late_joiners_get()
    {
        await using var bench = new ClientBench();
        await using var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url("rtmp://server.example/app/key?a=b"));
        var server = await bench.AcceptStreamAsync("rtmp://server.example/app/***");
        var publish = await server.ExpectAsync(m => m.Name == "publish", "publish");
        Assert.That((publish.StreamId, publish.Values[3].AsString, publish.Values[4].AsString), Is.EqualTo((1u, "key?a=b", "live")));
        Assert.That(
            server.Messages.Where(m => m.IsCommand).Select(m => m.Name),
            Is.EqualTo(["connect", "releaseStream", "FCPublish", "createStream", "publish"]));
        await server.StatusAsync(1, "NetStream.Publish.Start");
        await pushing;
        await server.ExpectAsync(m => m.Payload is [0x27, 1, ..], "an inter frame");
        Assert.That(server.Media.Select(m => m.Payload[..2]), Is.EqualTo(new byte[][] { [0x17, 0], [0x17, 1], [0x27, 1] }));
        Assert.That(bench.Snapshot("live/cam").Consumers.Single().Protocol, Is.EqualTo("rtmp"));
    }

    [Test]
    public async Task M7_nothing_is_queued_before_the_server_agrees_and_one_packet_is_one_message()
    {
        await using var bench = new ClientBench();
        await using var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptStreamAsync();
        await server.ExpectAsync(m => m.Name == "publish", "publish");
        for (var i = 0; i < 100; i++)
            Write(feed, 10 + i, i % 50 == 0);
        Assert.That(bench.Snapshot("live/cam").Consumers, Is.Empty, "attached before the server agreed");
        await server.StatusAsync(1, "NetStream.Publish.Start");
        await pushing;
        await server.ExpectAsync(m => m.IsMedia && m.Timestamp == 109 * 40, "the newest frame");
        Assert.That(server.Media.Skip(1).Select(m => m.Timestamp), Is.EqualTo(Enumerable.Range(60, 50).Select(i => (uint)i * 40)));
    }

    [Test]
    public async Task M6_timestamps_beyond_24_bits_go_out_whole()
    {
        await using var bench = new ClientBench();
        await using var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptPublishAsync();
        await pushing;
        bench.Time.Advance(TimeSpan.FromHours(5));
        var hours = (int)(TimeSpan.FromHours(5) / Frame);
        Write(feed, hours, isKeyframe: true);
        await server.ExpectAsync(m => m.IsMedia && m.Timestamp == hours * 40, "a frame after 5 hours");
    }

    [TestCase("NetStream.Publish.BadName")]
    [TestCase("NetStream.Publish.Denied")]
    public async Task M8_a_refusal_reaches_the_caller_with_the_servers_code(string code)
    {
        await using var bench = new ClientBench();
        await using var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptStreamAsync();
        await server.ExpectAsync(m => m.Name == "publish", "publish");
        await server.StatusAsync(1, code, "error");
        var failure = await PullTests.FailAsync(bench, pushing);
        Assert.That((failure.StatusCode, failure.Reason.Code), Is.EqualTo((code, CloseCode.Refused)));
        Assert.That(bench.ClientEnds.Single().AbortReason, Is.Not.Null);
        Assert.That(bench.Snapshot("live/cam").Consumers, Is.Empty);
    }

    [Test]
    public async Task A_stream_that_nobody_publishes_is_not_even_dialled()
    {
        await using var bench = new ClientBench();
        var failure = await PullTests.FailAsync(bench, bench.Client.PushAsync("live/none", ClientBench.Url()));
        Assert.That(failure.Message, Is.EqualTo("nobody publishes this stream"));
        Assert.That(bench.ClientEnds, Is.Empty);
    }

    [Test]
    public async Task Metadata_is_given_to_the_server_to_keep()
    {
        await using var origin = new Bench();
        var publisher = await origin.PublishAsync("cam");
        var metadata = Chunks.Amf("onMetaData", AmfObject.EcmaArray(new AmfProperty("width", 640d)));
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, [.. Chunks.Amf("@setDataFrame"), .. metadata]);
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0);
        await publisher.SyncAsync();
        await using var middle = new ClientBench { Server = origin.Server };
        var pull = await middle.Client.PullAsync(ClientBench.Url(), "live/cam");
        await Eventually.Async(() => middle.Hub.Find("live/cam")!.GetSnapshot().Tracks.Length == 3, "picture, sound and metadata");

        middle.Server = null;
        var pushing = middle.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await middle.AcceptPublishAsync();
        await pushing;
        var kept = await server.ExpectAsync(m => m.Type == RtmpMessageType.DataAmf0, "metadata");
        Assert.That(kept.Payload, Is.EqualTo((byte[])[.. Chunks.Amf("@setDataFrame"), .. metadata]));
        await server.ExpectAsync(m => m.Payload is [0x17, 1, ..], "a keyframe");
        pull.Close(CloseReason.Requested);
        await middle.AdvanceUntilAsync(pull.Completion);
        await publisher.DisposeAsync();
    }

    [Test]
    public async Task The_streams_end_ends_the_push_and_the_server_is_told()
    {
        await using var bench = new ClientBench(hubOptions: new StreamHubOptions { WaitForPublisher = TimeSpan.Zero });
        var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptPublishAsync();
        var transfer = await pushing;
        await feed.DisposeAsync();
        await server.ExpectAsync(m => m.Name == "deleteStream", "deleteStream"); // before time goes by, of which a goodbye has little
        Assert.That((await bench.AdvanceUntilAsync(transfer.Completion)).Code, Is.EqualTo(CloseCode.PublisherLeft));
        Assert.That(
            server.Messages.Where(m => m.IsCommand).TakeLast(2).Select(m => m.Name), Is.EqualTo(["FCUnpublish", "deleteStream"]));
    }

    [Test]
    public async Task A_server_that_ends_the_stream_ends_the_push()
    {
        await using var bench = new ClientBench();
        await using var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptPublishAsync();
        var transfer = await pushing;
        await server.StatusAsync(1, "NetStream.Unpublish.Success");
        var reason = await bench.AdvanceUntilAsync(transfer.Completion);
        Assert.That(reason, Is.EqualTo(new CloseReason(CloseCode.PeerClosed, "the server ended the stream (As it is.)")));
        Assert.That(bench.Snapshot("live/cam").Consumers, Is.Empty);
    }

    [Test]
    public async Task A_server_that_does_not_read_costs_a_bounded_queue_and_ends_by_its_deadline()
    {
        var options = new RtmpClientOptions { Queue = new PacketQueueOptions { MaxPackets = 8 }, WriteTimeout = TimeSpan.FromSeconds(10) };
        await using var bench = new ClientBench(options);
        await using var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        await bench.AcceptPublishAsync();
        var transfer = await pushing;
        bench.ClientEnds[0].LimitSends(0);
        for (var i = 1; i <= 200; i++)
            Write(feed, i + 5, i % 20 == 0); // the last one is a keyframe, which waits
        Assert.That(bench.Snapshot("live/cam").Consumers.Single().Packets.Queued, Is.LessThanOrEqualTo(9));
        var reason = await bench.AdvanceUntilAsync(transfer.Completion, step: 1);
        Assert.That(reason, Is.EqualTo(new CloseReason(CloseCode.Deadline, "the peer took nothing")));
    }

    [Test]
    public async Task A_server_that_says_nothing_is_not_given_up_while_it_takes_what_is_sent()
    {
        await using var bench = new ClientBench();
        await using var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptPublishAsync();
        var transfer = await pushing;
        await server.ExpectAsync(m => m.IsMedia, "the first frame");
        for (var i = 0; i < 300; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            Write(feed, 25 * (i + 1), isKeyframe: true);
            if (i % 10 == 9) // nobody holds it up for as long as a write may take
                await server.ExpectAsync(m => m.IsMedia && m.Timestamp >= 1000 * i, "the newest frame");
        }

        Assert.That(transfer.Completion.IsCompleted, Is.False);
    }

    [TestCase("hvc1", "93" + "68766331", TestName = "A push goes by what the server says: hvc1")]
    [TestCase("*", "93" + "68766331", TestName = "A push goes by what the server says: everything")]
    [TestCase("av01", null, TestName = "A push goes by what the server says: another codec")]
    [TestCase(null, null, TestName = "A push goes by what the server says: nothing")]
    public async Task A_push_goes_by_what_the_server_says(string? fourCc, string? expected)
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(new Codec(MediaKind.Video, CodecNames.H265, Codec.VideoClockRate)));
        feed.Tracks[0].Write([0, 0, 0, 2, 0x26, 1], TimeSpan.Zero, isKeyframe: true);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var (server, connect) = await bench.AcceptConnectAsync();
        var said = connect.Values[2].AsObject!;
        Assert.That(said["fourCcList"].AsArray!.Select(v => v.AsString), Has.Member("av01").And.Member("Opus"));
        Assert.That(said["capsEx"].AsNumber, Is.EqualTo(0x0F), "Reconnect, Multitrack, ModEx, TimestampNanoOffset");
        AmfProperty[] says = fourCc is null ? [] : [new("videoFourCcInfoMap", new AmfObject(new AmfProperty(fourCc, 4d)))];
        await server.AnswerAsync(connect, AmfValue.Null, new AmfObject([.. ClientBench.Success.AsObject!.Properties, .. says]));
        await server.AnswerAsync(await server.ExpectAsync(m => m.Name == "createStream", "createStream"), AmfValue.Null, 1d);
        await server.ExpectAsync(m => m.Name == "publish", "publish");
        await server.StatusAsync(1, "NetStream.Publish.Start");
        if (expected is null)
        {
            var failure = await PullTests.FailAsync(bench, pushing);
            Assert.That(failure.Reason.Code, Is.EqualTo(CloseCode.CodecMismatch));
            Assert.That(failure.Message, Does.StartWith("codecs not matched: H265 ⇒ "));
            return;
        }

        await pushing;
        var frame = await server.ExpectAsync(m => m.IsMedia, "a frame");
        Assert.That(Convert.ToHexString(frame.Payload), Does.StartWith(expected));
    }

    [Test]
    public async Task A_push_can_be_made_to_a_whole_server_and_played_there()
    {
        await using var target = new Bench();
        await using var bench = new ClientBench { Server = target.Server };
        await using var feed = PublishSome(bench.Hub);
        var transfer = await bench.Client.PushAsync("live/cam", ClientBench.Url("rtmp://server.example/live/copy"));
        await Eventually.Async(() => target.Hub.Find("live/copy")?.GetSnapshot().Tracks is [{ Packets: > 0 }], "the pushed stream");
        var viewer = await target.PlayAsync("copy");
        Write(feed, 7, isKeyframe: false);
        await viewer.ExpectAsync(m => m.Payload is [0x27, 1, ..] && m.Timestamp >= 40, "an inter frame");
        transfer.Close(CloseReason.Requested);
        await bench.AdvanceUntilAsync(transfer.Completion);
        await target.AdvanceToConnectionsAsync(1);
    }

    private static Feed PublishSome(StreamHub hub)
    {
        var header = Samples.VideoHeader;
        var feed = hub.Publish("live/cam", Track.Of(Codec.FromAvcConfiguration(header.AsSpan(5))));
        Write(feed, 0, isKeyframe: true);
        Write(feed, 1, isKeyframe: false);
        return feed;
    }

    private static void Write(Feed feed, int number, bool isKeyframe) =>
        feed.Write((isKeyframe ? Samples.Keyframe() : Samples.InterFrame()).AsSpan(5), number * Frame);
}
