using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtmp.Client;
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
    public async Task The_streams_end_ends_the_push_and_the_server_is_told()
    {
        await using var bench = new ClientBench(hubOptions: new StreamHubOptions { WaitForPublisher = TimeSpan.Zero });
        var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptPublishAsync();
        var relay = await pushing;
        await feed.DisposeAsync();
        Assert.That((await bench.AdvanceUntilAsync(relay.Completion)).Code, Is.EqualTo(CloseCode.PublisherLeft));
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
        var relay = await pushing;
        await server.StatusAsync(1, "NetStream.Unpublish.Success");
        var reason = await bench.AdvanceUntilAsync(relay.Completion);
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
        var relay = await pushing;
        bench.ClientEnds[0].LimitSends(0);
        for (var i = 1; i < 200; i++)
            Write(feed, i + 5, i % 20 == 0);
        Assert.That(bench.Snapshot("live/cam").Consumers.Single().Packets.Queued, Is.LessThanOrEqualTo(9));
        var reason = await bench.AdvanceUntilAsync(relay.Completion, step: 1);
        Assert.That(reason, Is.EqualTo(new CloseReason(CloseCode.Deadline, "the peer took nothing")));
    }

    [Test]
    public async Task A_server_that_says_nothing_is_not_given_up_while_it_takes_what_is_sent()
    {
        await using var bench = new ClientBench();
        await using var feed = PublishSome(bench.Hub);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptPublishAsync();
        var relay = await pushing;
        for (var i = 0; i < 300; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            Write(feed, 25 * (i + 1), isKeyframe: true);
        }

        await server.ExpectAsync(m => m.IsMedia && m.Timestamp >= 299_000, "the newest frame");
        Assert.That(relay.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task A_push_can_be_made_to_a_whole_server_and_played_there()
    {
        await using var target = new Bench();
        await using var bench = new ClientBench { Server = target.Server };
        await using var feed = PublishSome(bench.Hub);
        var relay = await bench.Client.PushAsync("live/cam", ClientBench.Url("rtmp://server.example/live/copy"));
        await Eventually.Async(() => target.Hub.Find("live/copy")?.GetSnapshot().Tracks is [{ Packets: > 0 }], "the pushed stream");
        var viewer = await target.PlayAsync("copy");
        Write(feed, 7, isKeyframe: false);
        await viewer.ExpectAsync(m => m.Payload is [0x27, 1, ..] && m.Timestamp >= 40, "an inter frame");
        relay.Close(CloseReason.Requested);
        await bench.AdvanceUntilAsync(relay.Completion);
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
