using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: H5, J4.

/// <summary>Each limit: what is within it passes, what exceeds it is refused as its documentation says.</summary>
public sealed class LimitTests
{
    [Test]
    public async Task Connections_in_all_per_address_and_in_their_handshake_are_refused_beyond_their_limits_and_counted()
    {
        await using var bench = new Bench(new RtmpServerOptions
        {
            Connections = new ConnectionLimits { MaxConnections = 4, MaxPerAddress = 2, MaxHalfOpen = 3 },
        });
        static IPEndPoint From(int host) => new(new IPAddress([192, 0, 2, (byte)host]), 1000);
        await bench.ConnectAsync(address: From(1));
        await bench.ConnectAsync(address: From(1));
        await RefusedAsync(1, "the third of one address");
        await bench.OpenAsync(From(2));
        var last = await bench.OpenAsync(From(3));
        await RefusedAsync(4, "the fifth of all");
        Assert.That(bench.Server.Connections, Is.EqualTo(4));
        await last.DisposeAsync();
        await bench.AdvanceToConnectionsAsync(3);
        await bench.ConnectAsync(address: From(4)); // a place is free again

        async Task RefusedAsync(int host, string what)
        {
            var refused = bench.Server.RefusedConnections;
            var (client, server) = bench.Open(From(host));
            Assert.That(server.AbortReason?.Code, Is.EqualTo(CloseCode.LimitExceeded), what);
            Assert.That(bench.Server.RefusedConnections, Is.EqualTo(refused + 1));
            client.StartReading();
            await client.EndAsync();
        }
    }

    [Test]
    public async Task A1_Half_open_connections_have_a_limit_of_their_own()
    {
        await using var bench = new Bench(
            new RtmpServerOptions { Connections = new ConnectionLimits { MaxHalfOpen = 2 } });
        bench.Open();
        var (slow, _) = bench.Open();
        Assert.That(bench.Open().Server.AbortReason, Is.Not.Null);
        await slow.HandshakeAsync();
        await slow.PingAsync();
        Assert.That(bench.Open().Server.AbortReason, Is.Null, "whose handshake is done is not half-open");
        bench.Advance(6);
        await Eventually.EqualAsync(() => bench.Server.Connections, 1, "connections");
    }

    [Test]
    public async Task J4_A_hundred_silent_sockets_of_one_address_leave_room_for_others()
    {
        await using var bench = new Bench();
        var silent = 0;
        for (var i = 0; i < 100; i++)
            silent += bench.Open().Server.AbortReason is null ? 1 : 0;
        Assert.That((silent, bench.Server.RefusedConnections), Is.EqualTo((32, 68)));
        for (var i = 0; i < 50; i++)
            await bench.ConnectAsync(address: Bench.OtherAddress);
        Assert.That(bench.Server.RefusedConnections, Is.EqualTo(68));
        bench.Advance(6); // the silent ones' deadline: their address has its share again
        await Eventually.EqualAsync(() => bench.Server.Connections, 50, "connections");
        await bench.ConnectAsync();
    }

    [TestCase(9, 8 << 20)]
    [TestCase(8, 8 << 20)]
    [TestCase(22, 8 << 20)]
    [TestCase(20, 256 << 10)]
    [TestCase(18, 256 << 10)]
    [TestCase(99, 256 << 10)]
    public async Task H5_A_message_that_is_announced_too_long_ends_the_connection_and_takes_no_memory(int messageType, int limit)
    {
        var type = (RtmpMessageType)messageType;
        await using var bench = new Bench();
        var client = await bench.PublishAsync("cam");
        var before = bench.Hub.Pool.GetStatistics().OutstandingBytes;
        await client.SendAsync((byte[])[.. Chunks.Header(0, 20, 0, type, 1, limit), .. new byte[128]]);
        await client.PingAsync();
        Assert.That(bench.Hub.Pool.GetStatistics().OutstandingBytes - before, Is.LessThan(1024), "for the one chunk that came");
        await client.SendAsync(Chunks.Header(0, 21, 0, type, 1, limit + 1));
        await AssertCutAsync(bench, client, CloseCode.ProtocolError);
    }

    [Test]
    public async Task H5_Memory_follows_what_has_arrived_on_every_chunk_stream()
    {
        await using var bench = new Bench();
        var client = await bench.PublishAsync("cam");
        for (var id = 8; id < 60; id++)
            await client.SendAsync((byte[])[.. Chunks.Header(0, id, 0, RtmpMessageType.Video, 1, 8 << 20), .. new byte[128]]);
        await client.PingAsync();
        Assert.That(bench.Hub.Pool.GetStatistics().OutstandingBytes, Is.LessThan(52 * 512));
    }

    [Test]
    public async Task Bytes_under_assembly_have_a_limit_over_all_chunk_streams()
    {
        await using var bench = new Bench(new RtmpServerOptions { Limits = new RtmpLimits { MaxAssemblyBytes = 100_000 } });
        var client = await bench.PublishAsync("cam");
        await client.SetChunkSizeAsync(60_000);
        byte[] Part(int id) => [.. Chunks.Header(0, id, 0, RtmpMessageType.Video, 1, 70_000), .. new byte[49_000]];
        await client.SendAsync(Part(10));
        await client.SendAsync(Part(11));
        await client.PingAsync();
        await client.SendAsync(Part(12));
        await AssertCutAsync(bench, client, CloseCode.ProtocolError);
    }

    [Test]
    public async Task Chunk_streams_have_a_limit()
    {
        await using var bench = new Bench();
        var client = await bench.OpenAsync();
        await client.HandshakeAsync();
        for (var id = 3; id < 66; id++) // with stream 2 of the pings they are 64
            await client.MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(0), 0, id * 11 % 2000 + 3);
        await client.PingAsync();
        await client.MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(0), 0, 5000);
        await AssertCutAsync(bench, client, CloseCode.ProtocolError);
    }

    [Test]
    public async Task Message_streams_have_a_limit_and_the_command_is_refused()
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync();
        for (var i = 1; i <= 16; i++)
            Assert.That(await client.CreateStreamAsync(), Is.EqualTo(i));
        var refusal = await client.CallAsync("createStream", AmfValue.Null);
        Assert.That(refusal.Code, Is.EqualTo("NetConnection.Call.Failed"));
        await AssertCutAsync(bench, client, CloseCode.LimitExceeded);
    }

    [Test]
    public async Task Commands_per_second_have_a_limit()
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync();
        for (var second = 0; second < 3; second++)
        {
            for (var i = 0; i < 99; i++)
                await client.CommandAsync(0, "_checkbw");
            await client.PingAsync();
            bench.Advance(1);
        }

        for (var i = 0; i < 101; i++)
            await client.CommandAsync(0, "_checkbw");
        await AssertCutAsync(bench, client, CloseCode.LimitExceeded);
    }

    [TestCase("depth")]
    [TestCase("values")]
    [TestCase("array count")]
    [TestCase("string")]
    public async Task A1_AMF_bombs_before_connect_end_their_own_connection(string kind)
    {
        byte[] bomb = kind switch
        {
            "depth" => [.. Enumerable.Range(0, 5000).SelectMany(_ => new byte[] { 3, 0, 1, (byte)'a' })],
            "values" => [.. Enumerable.Repeat((byte)5, 5000)],
            "array count" => [10, 0xFF, 0xFF, 0xFF, 0xFF],
            _ => [12, 0, 2, 0, 0, .. new byte[2 << 16]],
        };
        await using var bench = new Bench();
        var client = await bench.OpenAsync();
        await client.HandshakeAsync();
        var before = GC.GetTotalAllocatedBytes();
        await client.MessageAsync(RtmpMessageType.CommandAmf0, 0, [.. Chunks.Command("connect", 1), .. bomb]);
        await AssertCutAsync(bench, client, CloseCode.ProtocolError);
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(64 << 20));
    }

    [Test]
    public async Task Metadata_that_is_too_long_is_not_kept_and_parameters_that_are_too_long_end_the_connection()
    {
        await using var bench = new Bench();
        var client = await bench.PublishAsync("cam");
        await client.MessageAsync(
            RtmpMessageType.DataAmf0, 1, Chunks.Amf("onMetaData", new string('a', 60_000), new string('b', 10_000)));
        await client.PingAsync();
        Assert.That(bench.Snapshot("live/cam").Tracks, Is.Empty);
        await client.VideoAsync(1, 0, [0x90, .. "av01"u8, .. new byte[64 << 10]]);
        await AssertCutAsync(bench, client, CloseCode.ProtocolError);
    }

    [TestCase("depth")]
    [TestCase("values")]
    [TestCase("string")]
    [TestCase("parameters")]
    public async Task The_AMF_limits_are_those_of_the_options(string kind)
    {
        var limits = new RtmpLimits { MaxAmfDepth = 2, MaxAmfValues = 20, MaxAmfStringBytes = 300, MaxParameterBytes = 256 };
        await using var bench = new Bench(new RtmpServerOptions { Limits = limits });
        var client = await bench.PublishAsync("cam");
        AmfValue[] fits = ["onMetaData", new AmfObject(new AmfProperty("a", new AmfObject()))];
        await client.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf(fits));
        await client.PingAsync();
        Assert.That(bench.Snapshot("live/cam").Tracks, Has.Length.EqualTo(1));
        if (kind == "parameters")
        {
            await client.VideoAsync(1, 0, [0x90, .. "av01"u8, .. new byte[300]]);
        }
        else
        {
            await client.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf(kind switch
            {
                "depth" => ["onMetaData", new AmfObject(new AmfProperty("a", new AmfObject(new AmfProperty("b", new AmfObject()))))],
                "values" => [.. Enumerable.Repeat<AmfValue>("a", 21)],
                _ => [new string('a', 301)],
            }));
        }

        await AssertCutAsync(bench, client, CloseCode.ProtocolError);
    }

    [Test]
    public async Task H5_Media_messages_are_as_short_as_others_before_something_is_published()
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync();
        await client.SetChunkSizeAsync(1 << 20);
        await client.SendAsync((byte[])[.. Chunks.Header(0, 6, 0, RtmpMessageType.Video, 1, 300_000), .. new byte[10]]);
        await AssertCutAsync(bench, client, CloseCode.ProtocolError);
        var publisher = await bench.PublishAsync("cam");
        await publisher.SetChunkSizeAsync(1 << 20);
        await publisher.HeadersAsync(1);
        await publisher.VideoAsync(1, 0, Samples.Keyframe(size: 300_000));
        await publisher.PingAsync();
        Assert.That(bench.Snapshot("live/cam").Tracks.Single(t => t.Id == "video").Bytes, Is.GreaterThan(300_000));
    }

    [Test]
    public async Task Messages_in_an_aggregate_have_a_limit_and_a_small_one_does_not_keep_all_of_it()
    {
        await using var bench = new Bench();
        var client = await bench.PublishAsync("cam");
        await client.SetChunkSizeAsync(1 << 20);
        await client.HeadersAsync(1);
        byte[] Part(byte[] body) =>
            [(byte)RtmpMessageType.Video, 0, 0, (byte)body.Length, 0, 0, 0, 0, 0, 0, 0, .. body, 0, 0, 0, (byte)(body.Length + 11)];
        byte[] script = [18, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. new byte[3 << 16], 0, 0, 0, 0]; // no name: ignored
        var before = bench.Hub.Pool.GetStatistics().OutstandingBytes;
        for (var i = 0; i < 20; i++)
            await client.MessageAsync(RtmpMessageType.Aggregate, 1, (byte[])[.. Part(Samples.Keyframe()), .. script]);
        await client.PingAsync();
        Assert.That(bench.Snapshot("live/cam").Tracks.Single(t => t.Id == "video").Packets, Is.EqualTo(20));
        Assert.That(bench.Hub.Pool.GetStatistics().OutstandingBytes - before, Is.LessThan(64 << 10), "one small frame is cached");
        await client.MessageAsync(
            RtmpMessageType.Aggregate, 1, (byte[])[.. Enumerable.Repeat(Part(Samples.InterFrame()), 1025).SelectMany(part => part)]);
        await AssertCutAsync(bench, client, CloseCode.LimitExceeded);
    }

    [Test]
    public async Task Viewers_on_other_message_streams_get_their_frames_without_an_image_of_their_own()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.SyncAsync();
        var viewer = await bench.ConnectAsync();
        for (var i = 1; i <= 4; i++)
            await viewer.PlayAsync("cam");
        await publisher.GroupAsync(1, 0, frames: 5);
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media.Count(m => !m.IsSequenceHeader), Is.EqualTo(4 * 10));
        Assert.That(
            bench.Hub.Pool.GetStatistics().OutstandingBuffers, Is.LessThanOrEqualTo(3 * 10),
            "of each packet its payload, and the images that streams 1 share");
    }

    [Test]
    public async Task A_stream_name_has_128_characters_at_most()
    {
        await using var bench = new Bench();
        var client = await bench.ConnectAsync();
        await client.PublishAsync(new string('a', 123));
        var other = await bench.ConnectAsync();
        await other.CreateStreamAsync();
        await other.CommandAsync(1, "publish", AmfValue.Null, new string('a', 124));
        await other.ExpectStatusAsync("NetStream.Publish.BadName");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_queue_beyond_its_bytes_or_its_age_drops_to_the_next_keyframe(bool byBytes)
    {
        await using var bench = new Bench(new RtmpServerOptions
        {
            Queue = byBytes ? new PacketQueueOptions { MaxBytes = 10_000 } : new PacketQueueOptions { MaxAge = TimeSpan.FromSeconds(1) },
        })
        { WaitsForQueues = false };
        var (publisher, viewer, transport) = await StalledViewerAsync(bench);
        for (var i = 1; i < 12; i++)
            await publisher.VideoAsync(1, (uint)i * 40, Samples.InterFrame(size: 1000, mark: (byte)i));
        await publisher.PingAsync();
        if (!byBytes)
            bench.Advance(1.5);
        await publisher.VideoAsync(1, 480, Samples.InterFrame(size: 1000, mark: 12));
        await publisher.AudioAsync(1, 480, Samples.Audio(mark: 12));
        await publisher.VideoAsync(1, 520, Samples.InterFrame(size: 1000, mark: 13));
        await publisher.VideoAsync(1, 560, Samples.Keyframe(size: 1000, mark: 14));
        await publisher.VideoAsync(1, 600, Samples.InterFrame(size: 1000, mark: 15));
        await publisher.PingAsync();
        var packets = bench.Snapshot("live/cam").Consumers[0].Packets;
        Assert.That(packets.DroppedByOverflow, Is.GreaterThan(5));
        transport.AllowSends(long.MaxValue / 2);
        bench.WaitsForQueues = true;
        await viewer.SyncAsync();
        packets = bench.Snapshot("live/cam").Consumers[0].Packets;
        Assert.That(
            packets.Delivered + packets.DroppedByOverflow + packets.DroppedAwaitingKeyframe, Is.EqualTo(packets.Offered), "conservation");
        var marks = viewer.Media.Where(m => m is { Type: RtmpMessageType.Video, IsSequenceHeader: false })
            .Select(m => (m.Payload[0] >> 4, m.Payload[10])).ToArray();
        Assert.That(marks[^2..], Is.EqualTo(new[] { (1, (byte)14), (2, (byte)15) }), "a keyframe is the first after the gap");
        Assert.That(marks.Select(m => m.Item2), Is.Ordered.And.Unique.And.None.EqualTo(13));
        Assert.That(viewer.Media.Count(m => m.Type == RtmpMessageType.Audio && m.Payload[2] == 12), Is.EqualTo(1), "sound goes on");
    }

    [Test]
    public async Task A_queue_that_is_told_to_disconnect_does()
    {
        await using var bench = new Bench(new RtmpServerOptions
        {
            Queue = new PacketQueueOptions { MaxBytes = 10_000, OnOverflow = OverflowPolicy.Disconnect },
        })
        { WaitsForQueues = false };
        var (publisher, viewer, _) = await StalledViewerAsync(bench);
        for (var i = 1; i < 20; i++)
            await publisher.VideoAsync(1, (uint)i * 40, Samples.InterFrame(size: 1000, mark: (byte)i));
        await publisher.PingAsync();
        await AssertCutAsync(bench, viewer, CloseCode.TooSlow, left: 1);
        await publisher.PingAsync();
    }

    [Test]
    public async Task Replies_for_a_peer_that_does_not_read_have_a_limit()
    {
        await using var bench = new Bench(new RtmpServerOptions { Queue = new PacketQueueOptions { MaxReplyBytes = 4096 } });
        var (client, transport) = bench.Open();
        await client.ConnectAsync();
        transport.LimitSends(0);
        for (var i = 0; i < 400; i++)
            await client.MessageAsync(RtmpMessageType.UserControl, 0, Chunks.UserControl(UserControlEvent.PingRequest, 1));
        await AssertCutAsync(bench, client, CloseCode.LimitExceeded);
    }

    [Test]
    public async Task A_unit_above_the_in_place_limit_is_sent_by_the_drain_task_and_arrives_all_the_same()
    {
        await using var bench = new Bench(new RtmpServerOptions { Queue = new PacketQueueOptions { MaxInPlaceBytes = 1000 } });
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        var viewer = await bench.PlayAsync("cam");
        byte[][] frames = [Samples.Keyframe(size: 100), Samples.InterFrame(size: 50_000), Samples.InterFrame(size: 10)];
        foreach (var frame in frames)
            await publisher.VideoAsync(1, 0, frame);
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media.Where(m => !m.IsSequenceHeader).Select(m => m.Payload), Is.EqualTo(frames));
    }

    [Test]
    public async Task A3_The_group_cache_is_bounded_in_bytes_and_in_time(
        [Values] bool byBytes)
    {
        await using var bench = new Bench(hubOptions: new StreamHubOptions
        {
            GroupCache = byBytes
                ? new GroupCacheOptions { MaxBytes = 5000 }
                : new GroupCacheOptions { MaxDuration = TimeSpan.FromMilliseconds(500) },
        });
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        for (var i = 0; i < 50; i++)
            await publisher.VideoAsync(1, (uint)i * 40, i == 0 ? Samples.Keyframe(size: 1000) : Samples.InterFrame(size: 1000));
        await publisher.SyncAsync();
        Assert.That(bench.Hub.Pool.GetStatistics().OutstandingPackets, Is.Zero);
        var viewer = await bench.PlayAsync("cam");
        Assert.That(viewer.Media.Select(m => m.IsSequenceHeader), Is.All.True, "nothing to decode until the next keyframe");
        await publisher.VideoAsync(1, 2000, Samples.Keyframe());
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media[^1].Payload, Is.EqualTo(Samples.Keyframe()));
    }

    [Test]
    public async Task Options_that_are_out_of_their_range_are_reported_all_at_once()
    {
        await using var hub = new StreamHub();
        var options = new RtmpServerOptions
        {
            HandshakeTimeout = TimeSpan.Zero,
            ChunkSize = 1,
            WindowAcknowledgementSize = 1,
            Queue = new PacketQueueOptions { MaxReplyBytes = 1 },
            Limits = new RtmpLimits { MaxChunkStreams = 1 },
            Connections = new ConnectionLimits { MaxHalfOpen = 0, MaxHalfOpenPerAddress = 0 },
        };
        var errors = options.Validate("MediaGraph:Rtmp:").ToArray();
        Assert.That(errors, Has.Length.EqualTo(7).And.All.StartsWith("MediaGraph:Rtmp:"));
        Assert.That(
            () => new RtmpServer(hub, options),
            Throws.ArgumentException.With.Message.Contains("MaxHalfOpen").And.Message.Contains("ChunkSize"));
        Assert.That(new RtmpServerOptions().Validate(), Is.Empty);
    }

    // A viewer that has the headers and a keyframe, and takes nothing more.
    private static async Task<(TestClient Publisher, TestClient Viewer, MemoryTransport Transport)> StalledViewerAsync(Bench bench)
    {
        var publisher = await bench.PublishAsync("cam");
        await publisher.SetChunkSizeAsync(1 << 16);
        await publisher.HeadersAsync(1);
        await publisher.PingAsync();
        var (viewer, transport) = bench.Open(Bench.OtherAddress);
        await viewer.ConnectAsync();
        await viewer.PlayAsync("cam");
        await publisher.VideoAsync(1, 0, Samples.Keyframe());
        await publisher.PingAsync();
        await viewer.PingAsync();
        transport.LimitSends(0);
        return (publisher, viewer, transport);
    }

    private static async Task AssertCutAsync(Bench bench, TestClient client, CloseCode code, int left = 0)
    {
        await client.EndAsync();
        await client.DisposeAsync();
        await bench.AdvanceToConnectionsAsync(left);
        Assert.That(bench.TakeEvents().OfType<ConnectionClosed>().Single().Reason.Code, Is.EqualTo(code));
    }
}
