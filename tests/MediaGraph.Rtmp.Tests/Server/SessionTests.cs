using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Handshake;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Streams;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: J7, M3.

/// <summary>Commands and their answers, over the in-memory transport.</summary>
public sealed class SessionTests
{
    [Test]
    public async Task The_answer_to_connect_is_window_bandwidth_chunk_size_and_result_in_this_order([Values] bool digest)
    {
        await using var bench = new Bench();
        var client = await bench.OpenAsync();
        await client.ConnectAsync(kind: digest ? RtmpHandshakeKind.Digest : RtmpHandshakeKind.Simple);
        await client.SyncAsync();
        var expected = Convert.FromHexString(
            "020000000000040500000000" + "002625A0"
            + "020000000000050600000000" + "002625A002"
            + "020000000000040100000000" + "00010000"
            + "03000000");
        Assert.That(client.Raw.Take(expected.Length), Is.EqualTo(expected));
        var result = client.Messages[^1];
        Assert.That(result.ToString(), Is.EqualTo("0 _result 1 NetConnection.Connect.Success"));
        Assert.That(result.Values[2].AsObject!["fmsVer"].AsString, Is.EqualTo("FMS/3,0,1,123"));
        Assert.That(result.Values[3].AsObject!["objectEncoding"].AsNumber, Is.Zero);
    }

    [Test]
    public async Task A_publish_and_a_play_are_answered_as_the_specification_says()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.SyncAsync();
        Assert.That(publisher.Golden.Skip(2), Is.EqualTo(
        [
            "0 _result 1 NetConnection.Connect.Success", "0 _result 2 1", "0 StreamBegin 1", "1 status NetStream.Publish.Start",
        ]));

        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0, frames: 2);
        await publisher.SyncAsync();
        var viewer = await bench.PlayAsync("cam");
        Assert.That(viewer.Golden.Skip(2), Is.EqualTo(
        [
            "0 _result 1 NetConnection.Connect.Success", "0 _result 2 1", "0 StreamBegin 1", "1 status NetStream.Play.Reset",
            "1 status NetStream.Play.Start", "1 data |RtmpSampleAccess", "1 Video 0 170000000001", "1 Video 0 170100000000",
            "1 Audio 0 AF001210", "1 Audio 0 AF0100090C0F", "1 Video 40 270100000000", "1 Audio 40 AF0101090C0F",
        ]));
        Assert.That(viewer.Media.Where(m => !m.IsSequenceHeader).Select(m => m.Payload), Is.EqualTo(new[]
        {
            Samples.Keyframe(mark: 0), Samples.Audio(mark: 0), Samples.InterFrame(mark: 1), Samples.Audio(mark: 1),
        }));
        Assert.That(viewer.Media.Where(m => m.IsSequenceHeader).Select(m => m.Payload), Is.EqualTo(new[]
        {
            Samples.VideoHeader, Samples.AudioHeader,
        }));
    }

    [Test]
    public async Task A_viewer_sees_dry_begin_unpublish_and_end()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var viewer = await bench.PlayAsync("cam");
        var before = viewer.Messages.Count;

        await publisher.CallAsync("FCUnpublish", AmfValue.Null, "cam");
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Golden.Skip(before), Is.EqualTo(["0 StreamDry 1"]));
        Assert.That(bench.Snapshot("live/cam").Consumers[0].State, Is.EqualTo(Streams.SubscriptionState.Waiting), "visibly waiting");

        await publisher.PublishAsync("cam");
        await viewer.SyncAsync();
        Assert.That(viewer.Golden.Skip(before + 1), Is.EqualTo(["0 StreamBegin 1"]));

        await publisher.CommandAsync(0, "deleteStream", AmfValue.Null, 2d);
        await publisher.ExpectStatusAsync("NetStream.Unpublish.Success", 2);
        bench.Advance(10);
        await viewer.SyncAsync();
        Assert.That(viewer.Golden.Skip(before + 2), Is.EqualTo(
            ["0 StreamDry 1", "1 status NetStream.Play.UnpublishNotify", "0 StreamEof 1"]));
    }

    [Test]
    public async Task A_viewer_whose_stream_ended_can_play_on_when_it_is_published_again()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var viewer = await bench.PlayAsync("cam");
        await publisher.CommandAsync(0, "deleteStream", AmfValue.Null, 1d);
        await publisher.SyncAsync();
        bench.Advance(10);
        await viewer.ExpectStatusAsync("NetStream.Play.UnpublishNotify");
        var other = await bench.PublishAsync("cam");
        await other.HeadersAsync(1);
        await other.GroupAsync(1, 0);
        await other.SyncAsync();
        await viewer.CommandAsync(1, "pause", AmfValue.Null, false, 0d);
        await viewer.ExpectStatusAsync("NetStream.Unpause.Notify", 1);
        await viewer.SyncAsync();
        Assert.That(viewer.Media.Count(m => !m.IsSequenceHeader), Is.EqualTo(6), "told that it plays, and fed");
    }

    [Test]
    public async Task A_stream_that_has_ended_cannot_be_paused()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var viewer = await bench.PlayAsync("cam");
        await publisher.CommandAsync(0, "deleteStream", AmfValue.Null, 1d);
        await publisher.SyncAsync();
        bench.Advance(10);
        await viewer.ExpectStatusAsync("NetStream.Play.UnpublishNotify");
        await viewer.CommandAsync(1, "pause", AmfValue.Null, true, 0d);
        await viewer.ExpectStatusAsync("NetStream.Play.StreamNotFound", 1);
    }

    [Test]
    public async Task Who_is_replaced_on_one_stream_keeps_the_others_of_its_connection()
    {
        await using var bench = new Bench(hubOptions: new() { OnPublisherConflict = PublisherConflict.Replace });
        var first = await bench.PublishAsync("cam");
        var second = await first.PublishAsync("other");
        await bench.PublishAsync("cam");
        await first.ExpectStatusAsync("NetStream.Unpublish.Success", 1);
        await first.HeadersAsync(second);
        await first.GroupAsync(second, 0);
        await first.SyncAsync();
        Assert.That(bench.Snapshot("live/other").Feed!.VideoPackets, Is.EqualTo(3));
        Assert.That(bench.Server.Connections, Is.EqualTo(2));
    }

    [Test]
    public async Task A_publisher_that_is_replaced_is_told_why()
    {
        await using var bench = new Bench(hubOptions: new() { OnPublisherConflict = PublisherConflict.Replace });
        var first = await bench.PublishAsync("cam");
        await bench.PublishAsync("cam");
        await first.ExpectStatusAsync("NetStream.Unpublish.Success", 1);
    }

    [Test]
    public async Task A_refused_unpause_ends_what_is_played_and_not_the_connection_that_publishes()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("other");
        await publisher.PublishAsync("cam");
        var client = await bench.PublishAsync("mine");
        var stream = await client.PlayAsync("cam");
        await client.CommandAsync(stream, "pause", AmfValue.Null, true);
        await client.ExpectStatusAsync("NetStream.Pause.Notify", stream);
        await publisher.CommandAsync(0, "deleteStream", AmfValue.Null, 2d);
        await publisher.SyncAsync();
        await client.CommandAsync(stream, "pause", AmfValue.Null, false);
        await client.ExpectStatusAsync("NetStream.Play.StreamNotFound", stream);
        await client.CommandAsync(stream, "play", AmfValue.Null, "other");
        await client.ExpectStatusAsync("NetStream.Play.Start", stream);
        await client.SyncAsync();
    }

    [Test]
    public async Task A_publisher_is_told_of_each_step_of_its_end()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var before = publisher.Messages.Count;
        await publisher.CallAsync("FCUnpublish", AmfValue.Null, "cam");
        await publisher.CommandAsync(0, "deleteStream", AmfValue.Null, 1d);
        await publisher.SyncAsync();
        Assert.That(publisher.Golden.Skip(before), Is.EqualTo(
            ["0 _result 3 Undefined", "1 status NetStream.Unpublish.Success", "0 onFCUnpublish 0 NetStream.Unpublish.Success"]));
        Assert.That(bench.Hub.Find("live/cam"), Is.Null);
    }

    [TestCase("releaseStream", "0 _result 1 Undefined")]
    [TestCase("FCPublish", "0 _result 1 Undefined", "0 onFCPublish 0 NetStream.Publish.Start")]
    [TestCase("FCSubscribe", "0 _result 1 Undefined", "0 onFCSubscribe 0 NetStream.Play.Start")]
    [TestCase("_checkbw", "0 _result 1 Undefined")]
    [TestCase("getStreamLength", "0 _result 1 0")]
    [TestCase("receiveAudio", "0 _error 1 NetConnection.Call.Failed")]
    [TestCase("no such", "0 _error 1 NetConnection.Call.Failed")]
    public async Task A_command_has_its_answer(string command, params string[] answers)
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync();
        var before = client.Messages.Count;
        await client.MessageAsync(RtmpMessageType.CommandAmf0, 0, Chunks.Command(command, 1, AmfValue.Null, "cam"));
        await client.SyncAsync();
        Assert.That(client.Golden.Skip(before), Is.EqualTo(answers));

        await client.MessageAsync(RtmpMessageType.CommandAmf0, 0, Chunks.Command(command, 0, AmfValue.Null, "cam"));
        await client.SyncAsync();
        Assert.That(
            client.Golden.Skip(before + answers.Length), Is.EqualTo(answers.Skip(1)), "without a transaction there is no result");
    }

    [Test]
    public async Task Play2_pause_unpause_seek_and_close_are_answered()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0);
        await publisher.SyncAsync();
        var viewer = await bench.ConnectAsync();
        var stream = await viewer.CreateStreamAsync();
        await viewer.CommandAsync(stream, "play2", AmfValue.Null, new AmfObject(new AmfProperty("streamName", "cam")));
        await viewer.ExpectStatusAsync("NetStream.Play.Start", stream);
        await viewer.CommandAsync(stream, "seek", AmfValue.Null, 1000d);
        await viewer.ExpectStatusAsync("NetStream.Seek.Failed", stream);

        await viewer.CommandAsync(stream, "pause", AmfValue.Null, true, 0d);
        await viewer.ExpectStatusAsync("NetStream.Pause.Notify", stream);
        var paused = viewer.Media.Count;
        await publisher.GroupAsync(1, 120);
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media, Has.Count.EqualTo(paused), "media while paused");
        Assert.That(bench.Snapshot("live/cam").Consumers, Is.Empty);

        await viewer.CommandAsync(stream, "pause", AmfValue.Null, false, 0d);
        await viewer.ExpectStatusAsync("NetStream.Unpause.Notify", stream);
        await viewer.SyncAsync();
        var resumed = viewer.Media.Skip(paused).Where(m => !m.IsSequenceHeader).ToArray();
        Assert.That(resumed[0].Payload, Is.EqualTo(Samples.Keyframe()), "playing goes on at a keyframe");
        Assert.That(resumed[0].Timestamp, Is.EqualTo(120));

        await viewer.CommandAsync(stream, "closeStream", AmfValue.Null);
        await viewer.ExpectStatusAsync("NetStream.Play.Stop", stream);
        Assert.That(bench.Snapshot("live/cam").Consumers, Is.Empty);
        await viewer.CommandAsync(0, "deleteStream", AmfValue.Null, (double)stream);
        await viewer.CommandAsync(0, "deleteStream", AmfValue.Null, double.NaN);
        await viewer.CommandAsync(0, "deleteStream", AmfValue.Null, -1d);
        Assert.That(await viewer.CreateStreamAsync(), Is.EqualTo(stream), "a deleted message stream's id is used again");
    }

    [Test]
    public async Task Commands_and_data_in_AMF3_envelopes_are_understood([Values] bool withLeadingByte)
    {
        byte[] Envelope(byte[] values) => withLeadingByte ? [0, .. values] : values;
        await using var bench = new Bench();
        var client = await bench.OpenAsync();
        await client.HandshakeAsync();
        Task Command(uint stream, string name, double transaction, params AmfValue[] values) => client.MessageAsync(
            RtmpMessageType.CommandAmf3, stream, Envelope(Chunks.Command(name, transaction, values))).AsTask();
        await Command(0, "connect", 1, TestClient.ConnectProperties("live"));
        await client.ExpectStatusAsync("NetConnection.Connect.Success");
        await Command(0, "createStream", 2, AmfValue.Null);
        await Command(1, "publish", 0, AmfValue.Null, "cam", "live");
        await client.ExpectStatusAsync("NetStream.Publish.Start", 1);
        await client.MessageAsync(
            RtmpMessageType.DataAmf3,
            1,
            Envelope(Chunks.Amf("@setDataFrame", "onMetaData", new AmfObject(new AmfProperty("width", 640d)))));
        await client.SyncAsync();
        var viewer = await bench.PlayAsync("cam");
        var metadata = viewer.Messages.Single(m => m.Name == "onMetaData");
        Assert.That(metadata.Values[1].AsObject!["width"].AsNumber, Is.EqualTo(640));
    }

    [Test]
    public async Task J7_streams_of_one_connection_are_independent_and_every_key_is_freed()
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync();
        var (a, b, c) = (await client.PublishAsync("a"), await client.PublishAsync("b"), await client.CreateStreamAsync());
        Assert.That((a, b, c), Is.EqualTo((1u, 2u, 3u)));
        await client.HeadersAsync(a);
        await client.HeadersAsync(b);
        await client.PlayAsync("a", c);
        await client.VideoAsync(a, 0, Samples.Keyframe(mark: 1));
        await client.VideoAsync(b, 0, Samples.Keyframe(mark: 2));
        await client.SyncAsync();
        var frames = client.Media.Where(m => !m.IsSequenceHeader).ToArray();
        Assert.That(frames.Select(m => (m.StreamId, m.Payload)), Is.EqualTo(new[] { (c, Samples.Keyframe(mark: 1)) }));

        await client.DisposeAsync();
        await bench.AdvanceToConnectionsAsync(0);
        Assert.That(bench.Hub.GetSnapshot().Streams, Is.Empty);
        var other = await bench.PublishAsync("a");
        await other.PublishAsync("b");
    }

    [Test]
    public async Task A_second_play_on_a_message_stream_replaces_the_first()
    {
        await using var bench = new Bench();
        var publisher = await bench.ConnectAsync();
        var (a, b) = (await publisher.PublishAsync("a"), await publisher.PublishAsync("b"));
        await publisher.HeadersAsync(a);
        await publisher.HeadersAsync(b);
        await publisher.SyncAsync();
        var viewer = await bench.PlayAsync("a");
        await viewer.PlayAsync("b", 1);
        var before = viewer.Media.Count;
        await publisher.VideoAsync(a, 0, Samples.Keyframe(mark: 1));
        await publisher.VideoAsync(b, 0, Samples.Keyframe(mark: 2));
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(
            viewer.Media.Skip(before).Where(m => !m.IsSequenceHeader).Select(m => m.Payload),
            Is.EqualTo(new[] { Samples.Keyframe(mark: 2) }));
        Assert.That(bench.Snapshot("live/a").Consumers, Is.Empty);
        Assert.That(bench.Snapshot("live/b").Consumers, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task M3_A_busy_name_gives_BadName_an_unknown_one_StreamNotFound_and_both_end_the_connection()
    {
        await using var bench = new Bench();
        var first = await bench.PublishAsync("cam");
        var second = await bench.ConnectAsync(address: Bench.OtherAddress);
        await second.CreateStreamAsync();
        await second.CommandAsync(1, "publish", AmfValue.Null, "cam", "live");
        await second.ExpectStatusAsync("NetStream.Publish.BadName", 1);
        await second.EndAsync();
        Assert.That(second.Failure, Is.Null, "FIN, not a reset");

        var viewer = await bench.ConnectAsync();
        await viewer.CreateStreamAsync();
        await viewer.CommandAsync(1, "play", AmfValue.Null, "nothing");
        await viewer.ExpectStatusAsync("NetStream.Play.StreamNotFound", 1);
        await viewer.EndAsync();
        Assert.That(viewer.Failure, Is.Null);
        await first.SyncAsync();
        Assert.That(bench.Snapshot("live/cam").Feed!.Number, Is.EqualTo(1), "the first goes on");
    }

    [Test]
    public async Task A_refused_stream_does_not_end_a_connection_that_has_another()
    {
        await using var bench = new Bench();
        var client = await bench.PublishAsync("cam");
        await client.CreateStreamAsync();
        await client.CommandAsync(2, "play", AmfValue.Null, "nothing");
        await client.ExpectStatusAsync("NetStream.Play.StreamNotFound", 2);
        await client.CommandAsync(1, "publish", AmfValue.Null, "cam2");
        await client.ExpectStatusAsync("NetStream.Publish.BadName", 1);
        await client.SyncAsync();
    }

    [TestCase("")]
    [TestCase("a/../b")]
    [TestCase("a b")]
    [TestCase("a\nb")]
    public async Task A3_A_name_that_is_none_is_refused_and_appears_in_no_log(string key)
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync(app: key.Length == 0 ? "" : "live");
        await client.CreateStreamAsync();
        await client.CommandAsync(1, "publish", AmfValue.Null, key, "live");
        await client.ExpectStatusAsync("NetStream.Publish.BadName", 1);
        await client.EndAsync();
        Assert.That(bench.Log.Entries.Select(e => e.Message), Has.None.Contains("\n"));
    }

    [Test]
    public async Task A_stream_key_with_a_query_is_the_key_and_its_secrets_reach_no_log()
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync(app: "live?token=hunter2");
        await client.PublishAsync("cam?user=u&pass=hunter3");
        Assert.That(bench.Hub.Find("live/cam"), Is.Not.Null);
        await client.DisposeAsync();
        await bench.AdvanceToConnectionsAsync(0);
        Assert.That(bench.Log.Entries.Select(e => e.Message), Has.None.Contains("hunter"));
        Assert.That(bench.TakeEvents().Select(e => e.ToString()), Has.None.Contains("hunter"));
    }

    [Test]
    public async Task A_second_connect_and_a_connect_without_application_are_refused()
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync();
        Assert.That((await client.CallAsync("connect", TestClient.ConnectProperties("live"))).ToString(),
            Is.EqualTo("0 _error 2 NetConnection.Connect.Rejected"));
        await client.EndAsync();

        var other = await bench.OpenAsync();
        await other.HandshakeAsync();
        await other.CallAsync("connect", new AmfObject());
        Assert.That(other.Messages[^1].Code, Is.EqualTo("NetConnection.Connect.Rejected"));
        await other.EndAsync();
    }

    [TestCase("createStream")]
    [TestCase("publish")]
    [TestCase("play")]
    [TestCase("deleteStream")]
    public async Task A1_A_command_before_connect_ends_the_connection(string command)
    {
        await using var bench = new Bench();
        var client = await bench.OpenAsync();
        await client.HandshakeAsync();
        await client.CommandAsync(1, command, AmfValue.Null, "cam");
        await client.EndAsync();
        await bench.AdvanceToConnectionsAsync(0);
    }

    [TestCase(null)]
    [TestCase("rtmp://other.example/live")]
    public async Task Who_can_reconnect_is_asked_to(string? tcUrl)
    {
        await using var bench = new Bench();
        var old = await bench.PublishAsync("old");
        var able = await bench.OpenAsync();
        await able.HandshakeAsync();
        var answer = await able.CallAsync(
            "connect", new AmfObject(new AmfProperty("app", "live"), new AmfProperty("capsEx", 1d)));
        Assert.That((int)answer.Values[3].AsObject!["capsEx"].AsNumber!.Value & 1, Is.EqualTo(1), "the server says that it asks");
        await able.PublishAsync("able");

        Assert.That(bench.Server.RequestReconnect(tcUrl), Is.EqualTo(1));
        var request = await able.ExpectStatusAsync("NetConnection.Connect.ReconnectRequest", stream: 0);
        Assert.That(request.Values[3].AsObject!["tcUrl"].AsString, Is.EqualTo(tcUrl));
        await able.HeadersAsync(1); // the connection goes on
        await able.SyncAsync();
        await old.SyncAsync();
        Assert.That(old.Golden, Has.None.Contains("ReconnectRequest"));
        Assert.That(bench.Snapshot("live/able").Tracks, Has.Length.EqualTo(2));
    }
}
