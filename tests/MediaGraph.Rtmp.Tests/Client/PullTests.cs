using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Client;

// Rows: M3, M8 (client halves), M5, S4.
internal sealed class PullTests
{
    [Test]
    public async Task A_pull_asks_as_players_do()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url("rtmp://server.example/live/cam?token=1"), "in/cam");
        var (server, connect) = await bench.AcceptConnectAsync("rtmp://server.example/live/***");
        Assert.That(connect.Values[2].AsObject!["app"].AsString, Is.EqualTo("live"));
        Assert.That(connect.Values[2].AsObject!["tcUrl"].AsString, Is.EqualTo("rtmp://server.example/live"));
        await server.AnswerAsync(connect, AmfValue.Null, ClientBench.Success);
        await server.AnswerAsync(await server.ExpectAsync(m => m.Name == "createStream", "createStream"), AmfValue.Null, 1d);
        var play = await server.ExpectAsync(m => m.Name == "play", "play");
        Assert.That((play.StreamId, play.Values[3].AsString), Is.EqualTo((1u, "cam?token=1")));
        Assert.That(pulling.IsCompleted, Is.False, "the server has not agreed");
        Assert.That(bench.Hub.Find("in/cam"), Is.Null);
        await server.StatusAsync(1, "NetStream.Play.Start");
        var transfer = await pulling;
        await server.ExpectAsync(m => m.ToString() == "0 SetBufferLength 1", "the last that it says");
        Assert.That(
            server.Golden,
            Is.EqualTo(
            [
                "0 connect 1 ", "0 WindowAcknowledgementSize 2500000", "0 createStream 2 ", "1 play 3 ",
                "0 SetBufferLength 1",
            ]));
        Assert.That(bench.Snapshot("in/cam").Feed!.Protocol, Is.EqualTo("rtmp"));
    }

    [Test]
    public async Task What_the_server_sends_is_published()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptPlayAsync();
        var transfer = await pulling;
        var packets = CollectAsync(bench.Hub, "in/cam", 6);
        await server.HeadersAsync(1);
        await server.GroupAsync(1, timestamp: 5000);
        Assert.That(await packets, Is.EqualTo(["V0", "A0", "V40", "A40", "V80", "A80"]));
    }

    [Test]
    public async Task A_server_that_sends_before_it_agrees_is_taken_at_its_word()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptStreamAsync();
        await server.ExpectAsync(m => m.Name == "play", "play");
        await server.HeadersAsync(1);
        var transfer = await pulling;
        await Eventually.Async(() => bench.Snapshot("in/cam").Tracks.Length == 2, "both tracks");
    }

    [Test]
    public async Task What_is_said_to_players_begins_no_stream()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptStreamAsync();
        var play = await server.ExpectAsync(m => m.Name == "play", "play");
        await server.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("|RtmpSampleAccess", true, true));
        await server.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("onMetaData", AmfObject.EcmaArray()));
        await server.SyncAsync();
        Assert.That(bench.Hub.Find("in/cam"), Is.Null);
        await server.RefuseAsync(play, "NetStream.Play.StreamNotFound", "No.");
        Assert.That((await FailAsync(bench, pulling)).StatusCode, Is.EqualTo("NetStream.Play.StreamNotFound"), "of an _error too");
    }

    [Test]
    public async Task A_first_frame_may_be_large_whatever_was_said_before()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptStreamAsync();
        await server.ExpectAsync(m => m.Name == "play", "play");
        await server.SetChunkSizeAsync(1 << 20);
        await server.VideoAsync(1, 0, Samples.VideoHeader);
        await server.VideoAsync(1, 0, Samples.Keyframe(size: 500_000));
        await pulling;
        await Eventually.Async(() => bench.Snapshot("in/cam").Tracks is [{ Packets: 1 }], "the frame");
    }

    [TestCase("NetStream.Play.StreamNotFound")]
    [TestCase("NetStream.Play.Failed")]
    public async Task M8_a_refusal_reaches_the_caller_with_the_servers_code(string code)
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptStreamAsync();
        await server.ExpectAsync(m => m.Name == "play", "play");
        await server.StatusAsync(1, code, "error");
        var failure = await FailAsync(bench, pulling);
        Assert.That((failure.StatusCode, failure.Reason.Code), Is.EqualTo((code, CloseCode.Refused)));
        Assert.That(failure.Message, Is.EqualTo($"the server refused: {code} (As it is.)"));
        Assert.That(bench.ClientEnds.Single().AbortReason, Is.Not.Null, "M3: the socket is closed before the caller hears of it");
    }

    [Test]
    public async Task A_stream_of_the_hub_that_has_a_publisher_is_not_replaced()
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("in/cam");
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptPlayAsync();
        var failure = await FailAsync(bench, pulling);
        Assert.That(failure.Message, Is.EqualTo("the stream has a publisher"));
        await server.EndAsync();
    }

    [Test]
    public async Task The_end_of_the_servers_stream_ends_the_pull([Values] bool byStatus)
    {
        await using var bench = new ClientBench(hubOptions: new StreamHubOptions { WaitForPublisher = TimeSpan.Zero });
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptPlayAsync();
        var transfer = await pulling;
        if (byStatus)
            await server.StatusAsync(1, "NetStream.Play.UnpublishNotify");
        else
            await server.MessageAsync(RtmpMessageType.UserControl, 0, Chunks.UserControl(UserControlEvent.StreamEof, 1));
        await server.ExpectAsync(m => m.Name == "deleteStream", "deleteStream"); // before time goes by, of which a goodbye has little
        var reason = await bench.AdvanceUntilAsync(transfer.Completion);
        Assert.That(reason.Code, Is.EqualTo(CloseCode.PublisherLeft));
        await Eventually.Async(() => bench.Hub.Find("in/cam") is null, "the stream's end");
    }

    [Test]
    public async Task A_lost_connection_ends_the_pull_with_a_reason()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptPlayAsync();
        var transfer = await pulling;
        server.Reset();
        Assert.That((await bench.AdvanceUntilAsync(transfer.Completion)).Code, Is.EqualTo(CloseCode.ConnectionLost));
    }

    [Test]
    public async Task Another_publisher_that_takes_the_stream_over_ends_the_pull()
    {
        await using var bench = new ClientBench(hubOptions: new StreamHubOptions { OnPublisherConflict = PublisherConflict.Replace });
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        await bench.AcceptPlayAsync();
        var transfer = await pulling;
        await using var feed = bench.Hub.Publish("in/cam");
        Assert.That((await bench.AdvanceUntilAsync(transfer.Completion)).Code, Is.EqualTo(CloseCode.Replaced));
        Assert.That(bench.Hub.Find("in/cam")!.IsPublished, Is.True);
    }

    [Test]
    public async Task M5_the_servers_pings_are_answered_and_its_bytes_acknowledged()
    {
        await using var bench = new ClientBench(new RtmpClientOptions { WindowAcknowledgementSize = 2000 });
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptPlayAsync();
        var transfer = await pulling;
        await server.SyncAsync(); // by a ping
        await server.HeadersAsync(1);
        await server.VideoAsync(1, 0, Samples.Keyframe(size: 4000));
        await server.ExpectAsync(m => m.Type == RtmpMessageType.Acknowledgement, "an acknowledgement");
    }

    [Test]
    public async Task Disposing_a_pull_tells_the_server_and_leaves_nothing()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var server = await bench.AcceptPlayAsync();
        var transfer = await pulling;
        var disposing = transfer.DisposeAsync().AsTask();
        await server.ExpectAsync(m => m.Name == "deleteStream", "deleteStream");
        await bench.AdvanceUntilAsync(transfer.Completion);
        await disposing;
        Assert.That(bench.Client.Connections, Is.Zero);
    }

    [Test]
    public async Task A_whole_server_can_be_pulled_from()
    {
        await using var origin = new Bench();
        var publisher = await origin.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 1000);
        await publisher.SyncAsync();
        await using var bench = new ClientBench { Server = origin.Server };
        var transfer = await bench.Client.PullAsync(ClientBench.Url(), "in/cam");
        var packets = CollectAsync(bench.Hub, "in/cam", 4);
        await publisher.GroupAsync(1, 1120, frames: 2);
        Assert.That((await packets).Where(p => p[0] == 'V').Take(2), Is.Not.Empty);
        transfer.Close(CloseReason.Requested);
        await bench.AdvanceUntilAsync(transfer.Completion);
        await origin.AdvanceToConnectionsAsync(1);
    }

    internal static async Task<RtmpClientException> FailAsync(ClientBench bench, Task<RtmpTransfer> opening)
    {
        var ended = await bench.AdvanceUntilAsync(opening.ContinueWith(t => t, TaskScheduler.Default));
        return (RtmpClientException)ended.Exception!.InnerException!;
    }

    internal static async Task<List<string>> CollectAsync(StreamHub hub, string stream, int count)
    {
        var packets = new List<string>();
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        await foreach (var batch in hub.Subscribe(stream, limit.Token))
        {
            using (batch)
            {
                foreach (var packet in batch)
                    packets.Add($"{packet.Codec.Kind.ToString()[0]}{packet.DecodeTimestamp.TotalMilliseconds:0}");
            }

            if (packets.Count >= count)
                break;
        }

        return packets;
    }
}
