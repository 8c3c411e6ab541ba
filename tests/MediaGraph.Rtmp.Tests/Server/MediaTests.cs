using System.Buffers.Binary;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Streams;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: H4, J3, M4, M5, M6, M9, P5, P6.

/// <summary>What goes in comes out: frames, times, parameters, metadata.</summary>
public sealed class MediaTests
{
    private static readonly AmfProperty[] TakesAll = [new("fourCcList", AmfValue.StrictArray("*"))];

    private static AmfObject Metadata(double width) => new(new AmfProperty("width", width), new AmfProperty("encoder", "test"));

    [Test]
    public async Task A_late_joiner_gets_metadata_headers_the_group_and_then_live_without_gap_or_duplicate()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("@setDataFrame", "onMetaData", Metadata(640)));
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0, frames: 25);
        await publisher.GroupAsync(1, 1000, frames: 5);
        await publisher.SyncAsync();
        var viewer = await bench.PlayAsync("cam");
        for (var i = 5; i < 10; i++)
            await publisher.VideoAsync(1, 1000 + (uint)(i * 40), Samples.InterFrame(mark: (byte)i));
        await publisher.SyncAsync();
        await viewer.SyncAsync();

        Assert.That(viewer.Messages.Single(m => m.Name == "onMetaData").Values[1].AsObject, Is.EqualTo(Metadata(640)));
        var video = viewer.Media.Where(m => m.Type == RtmpMessageType.Video).ToArray();
        Assert.That(video[0].Payload, Is.EqualTo(Samples.VideoHeader));
        Assert.That(video.Skip(1).Select(m => m.Timestamp), Is.EqualTo(Enumerable.Range(0, 10).Select(i => 1000u + (uint)(i * 40))));
        Assert.That(video[1].Payload, Is.EqualTo(Samples.Keyframe()));
        Assert.That(
            video.Skip(2).Select(m => m.Payload),
            Is.EqualTo(Enumerable.Range(1, 9).Select(i => Samples.InterFrame(mark: (byte)i))));
        Assert.That(viewer.Media.First(m => m.Type == RtmpMessageType.Audio).Payload, Is.EqualTo(Samples.AudioHeader));
        Assert.That(viewer.Media.Select(m => m.Timestamp), Is.Ordered);
    }

    [Test]
    public async Task Metadata_is_kept_for_late_joiners_without_a_group_cache_too()
    {
        await using var bench = new Bench(hubOptions: new StreamHubOptions { GroupCache = new GroupCacheOptions { IsEnabled = false } });
        var publisher = await bench.PublishAsync("cam");
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("@setDataFrame", "onMetaData", Metadata(640)));
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0);
        await publisher.SyncAsync();
        var viewer = await bench.PlayAsync("cam");
        Assert.That(viewer.Messages.Select(m => m.Name), Has.Some.EqualTo("onMetaData"));
        Assert.That(viewer.Media.Where(m => !m.IsSequenceHeader), Is.Empty);
        await publisher.VideoAsync(1, 120, Samples.InterFrame());
        await publisher.GroupAsync(1, 160, frames: 1);
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(
            viewer.Media.Where(m => m.Type == RtmpMessageType.Video).Select(m => m.Payload),
            Is.EqualTo(new[] { Samples.VideoHeader, Samples.Keyframe() }));
    }

    [Test]
    public async Task The_last_metadata_counts_with_setDataFrame_or_without_and_reaches_viewers_at_once()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var early = await bench.PlayAsync("cam");
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("@setDataFrame", "onMetaData", Metadata(640)));
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("onMetaData", Metadata(1920)), 100);
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("onCuePoint", Metadata(1)), 110);
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("@clearDataFrame"), 120);
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf(1d), 120);
        await publisher.MessageAsync(RtmpMessageType.DataAmf0, 1, [], 120);
        await publisher.SyncAsync();
        await early.SyncAsync();
        Assert.That(early.Messages.Where(m => m.Type == RtmpMessageType.DataAmf0).Skip(1).Select(m => m.Name),
            Is.EqualTo(["onMetaData", "onMetaData", "onCuePoint"]));
        var late = await bench.PlayAsync("cam");
        Assert.That(
            late.Messages.Where(m => m.Name.StartsWith("on", StringComparison.Ordinal) && !m.IsCommand).Select(m => m.Values[1].AsObject),
            Is.EqualTo(new[] { Metadata(1920) }));
    }

    [Test]
    public async Task A_viewer_with_another_message_stream_id_gets_the_same_media_with_its_own_id()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.SetChunkSizeAsync(1 << 20);
        var first = await bench.PlayAsync("cam");
        var other = await bench.ConnectAsync();
        for (var i = 0; i < 4; i++)
            await other.CreateStreamAsync();
        await other.PlayAsync("cam", 4);
        await publisher.HeadersAsync(1);
        await publisher.VideoAsync(1, 0, Samples.Keyframe(size: 200_000)); // several chunks
        await publisher.GroupAsync(1, 40);
        await publisher.SyncAsync();
        await first.SyncAsync();
        await other.SyncAsync();
        Assert.That(other.Media.Select(m => m.StreamId), Is.All.EqualTo(4));
        Assert.That(other.Media.Select(m => (m.Type, m.Timestamp, Convert.ToHexString(m.Payload))),
            Is.EqualTo(first.Media.Select(m => (m.Type, m.Timestamp, Convert.ToHexString(m.Payload)))));
    }

    [Test]
    public async Task New_parameters_in_mid_stream_reach_viewers_before_the_frame_they_are_for()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        var viewer = await bench.PlayAsync("cam");
        await publisher.GroupAsync(1, 0, frames: 2);
        await publisher.VideoAsync(1, 80, Samples.VideoHeader); // the same again is no change
        await publisher.VideoAsync(1, 80, Samples.InterFrame(mark: 2));
        await publisher.VideoAsync(1, 120, Samples.LargeVideoHeader);
        await publisher.VideoAsync(1, 120, Samples.Keyframe(mark: 3));
        await publisher.AudioAsync(1, 120, Samples.OtherAudioHeader);
        await publisher.AudioAsync(1, 120, Samples.Audio(mark: 3));
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        var late = await bench.PlayAsync("cam");
        byte[][] video =
        [
            Samples.VideoHeader, Samples.Keyframe(), Samples.InterFrame(mark: 1), Samples.InterFrame(mark: 2), Samples.LargeVideoHeader,
            Samples.Keyframe(mark: 3),
        ];
        byte[][] audio =
        [
            Samples.AudioHeader, Samples.Audio(mark: 0), Samples.Audio(mark: 1), Samples.OtherAudioHeader, Samples.Audio(mark: 3),
        ];
        Assert.That(Payloads(viewer, RtmpMessageType.Video), Is.EqualTo(video));
        Assert.That(Payloads(viewer, RtmpMessageType.Audio), Is.EqualTo(audio));
        Assert.That(Payloads(late, RtmpMessageType.Video), Is.EqualTo(video[^2..]));
        Assert.That(Payloads(late, RtmpMessageType.Audio), Is.EqualTo(audio[^2..]));
    }

    [Test]
    public async Task Composition_times_are_exact_also_negative_ones_and_at_the_24_bit_bounds()
    {
        int[] compositions = [0, 80, 0, -40, 1, -1, 0x7FFFFF, -0x800000, 33];
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1, 77);
        var viewer = await bench.PlayAsync("cam");
        for (var i = 0; i < compositions.Length; i++)
        {
            var body = i == 0 ? Samples.Keyframe(composition: compositions[i]) : Samples.InterFrame(composition: compositions[i]);
            await publisher.VideoAsync(1, 77 + (uint)(i * 33), body);
        }

        await publisher.SyncAsync();
        await viewer.SyncAsync();
        var video = viewer.Media.Where(m => m is { Type: RtmpMessageType.Video, IsSequenceHeader: false }).ToArray();
        Assert.That(video.Select(m => Composition(m.Payload)), Is.EqualTo(compositions));
        Assert.That(video.Select(m => m.Timestamp), Is.EqualTo(Enumerable.Range(0, compositions.Length).Select(i => (uint)(i * 33))));

        static int Composition(byte[] body) => ((body[2] << 24) | (body[3] << 16) | (body[4] << 8)) >> 8;
    }

    // Codes that nobody knows, and codecs of FLV 10.1 that are only passed on; each with its header (if it has one), keyframe and inter frame.
    [TestCase("90" + "64766831" + "0102030405", "91" + "64766831" + "000000AABB", "A3" + "64766831" + "CCDD", TestName = "Opaque dvh1")]
    [TestCase("90" + "00000001" + "0102030405", "91" + "00000001" + "AABB", "A1" + "00000001" + "CCDD", TestName = "Opaque code that is none")]
    [TestCase("", "14" + "AABB", "24" + "CCDD", TestName = "Opaque VP6")]
    [TestCase("", "12" + "AABB", "22" + "CCDD", TestName = "Opaque Sorenson")]
    public async Task Video_that_is_not_understood_passes_byte_by_byte_for_early_and_late_viewers(string header, string key, string inter)
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var early = await bench.PlayAsync("cam", TakesAll);
        byte[][] bodies = [.. new[] { header, key, inter, inter + "01" }.Where(h => h.Length > 0).Select(Convert.FromHexString)];
        for (var i = 0; i < bodies.Length; i++)
            await publisher.VideoAsync(1, (uint)(i * 40), bodies[i]);
        await publisher.SyncAsync();
        await early.SyncAsync();
        var late = await bench.PlayAsync("cam", TakesAll);
        Assert.That(Payloads(early, RtmpMessageType.Video), Is.EqualTo(bodies));
        Assert.That(Payloads(late, RtmpMessageType.Video), Is.EqualTo(bodies));

        await publisher.VideoAsync(1, 400, Convert.FromHexString(key));
        await publisher.SyncAsync();
        var later = await bench.PlayAsync("cam", TakesAll);
        byte[][] expected = header.Length > 0 ? [bodies[0], Convert.FromHexString(key)] : [Convert.FromHexString(key)];
        Assert.That(Payloads(later, RtmpMessageType.Video), Is.EqualTo(expected), "from the last keyframe on");
    }

    [TestCase("90" + "6D686D31" + "AABB", "91" + "6D686D31" + "AABBCC", TestName = "Opaque mhm1")]
    [TestCase("", "B6" + "AABBCC", TestName = "Opaque Speex")]
    [TestCase("", "2F" + "FFFB9064", TestName = "MP3")]
    [TestCase("", "72" + "D5D5", TestName = "A-law")]
    public async Task Audio_that_is_not_understood_passes_byte_by_byte_for_early_and_late_viewers(string header, string frame)
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var early = await bench.PlayAsync("cam", TakesAll);
        byte[][] bodies = [.. new[] { header, frame }.Where(h => h.Length > 0).Select(Convert.FromHexString)];
        foreach (var body in bodies)
            await publisher.AudioAsync(1, 0, body);
        await publisher.SyncAsync();
        await early.SyncAsync();
        var late = await bench.PlayAsync("cam", TakesAll);
        Assert.That(Payloads(early, RtmpMessageType.Audio), Is.EqualTo(bodies));
        Assert.That(Payloads(late, RtmpMessageType.Audio), Is.EqualTo(bodies));
    }

    [Test]
    public async Task M6_P6_Timestamps_pass_24_and_32_bits_on_both_sides_without_a_jump()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        var viewer = await bench.PlayAsync("cam");
        uint[] times =
        [
            0, 0xFFFFFE, 0xFFFFFF, 0x1000000, 0x1000028, 0x70000000, 0xE0000000, 0xFFFFFFF0, 0x10, 0x28, 0xFFFFFE, 0x1000001,
        ];
        foreach (var time in times)
            await publisher.VideoAsync(1, time, Samples.Keyframe(size: 300)); // continued in chunks of 128 bytes, each with its timestamp
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media.Where(m => !m.IsSequenceHeader).Select(m => m.Timestamp), Is.EqualTo(times));
        var track = bench.Snapshot("live/cam").Tracks.Single(t => t.Kind == Media.MediaKind.Video);
        Assert.That(track.LastTime, Is.EqualTo(TimeSpan.FromMilliseconds(0x1_0100_0001)));
    }

    [Test]
    public async Task M6_Deltas_beyond_24_bits_are_deltas()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        var viewer = await bench.PlayAsync("cam");
        await publisher.MessageAsync(RtmpMessageType.Video, 1, Samples.Keyframe(), 100, 6);
        await publisher.MessageAsync(RtmpMessageType.Video, 1, Samples.Keyframe(), 0x1000000, 6, format: 1);
        await publisher.MessageAsync(RtmpMessageType.Video, 1, Samples.Keyframe(), 0x1000000, 6, format: 2);
        await publisher.MessageAsync(RtmpMessageType.Video, 1, Samples.Keyframe(), 0x1000000, 6, format: 3);
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(
            viewer.Media.Where(m => !m.IsSequenceHeader).Select(m => m.Timestamp),
            Is.EqualTo(new uint[] { 0, 0x1000000, 0x2000000, 0x3000000 }), "the stream's time begins with its first frame");
    }

    [Test]
    public async Task An_aggregate_message_is_taken_apart_on_the_time_of_the_message()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var viewer = await bench.PlayAsync("cam");
        byte[] aggregate =
        [
            .. Tag(18, 5000, Chunks.Amf("onMetaData", Metadata(1))),
            .. Tag(9, 5000, Samples.VideoHeader), .. Tag(8, 5000, Samples.AudioHeader),
            .. Tag(9, 5000, Samples.Keyframe()), .. Tag(8, 5010, Samples.Audio()), .. Tag(9, 5040, Samples.InterFrame()),
        ];
        await publisher.MessageAsync(RtmpMessageType.Aggregate, 1, aggregate, 100, 6);
        await publisher.VideoAsync(1, 180, Samples.InterFrame(mark: 9));
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Messages.Count(m => m.Name == "onMetaData"), Is.EqualTo(1));
        Assert.That(Payloads(viewer, RtmpMessageType.Video), Is.EqualTo(new[]
        {
            Samples.VideoHeader, Samples.Keyframe(), Samples.InterFrame(), Samples.InterFrame(mark: 9),
        }));
        Assert.That(
            viewer.Media.Where(m => !m.IsSequenceHeader).Select(m => m.Timestamp), Is.EqualTo(new uint[] { 0, 10, 40, 80 }));

        static byte[] Tag(byte type, uint time, byte[] body)
        {
            var tag = new byte[11 + body.Length + 4];
            BinaryPrimitives.WriteInt32BigEndian(tag, body.Length);
            BinaryPrimitives.WriteUInt32BigEndian(tag.AsSpan(4), time << 8);
            tag[0] = type;
            body.CopyTo(tag, 11);
            BinaryPrimitives.WriteInt32BigEndian(tag.AsSpan(11 + body.Length), 11 + body.Length);
            return tag;
        }
    }

    [Test]
    public async Task M5_The_server_acknowledges_every_window_of_the_peer_and_counts_all_bytes()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.MessageAsync(RtmpMessageType.WindowAcknowledgementSize, 0, Chunks.UInt32(10_000));
        await publisher.PingAsync();
        for (var i = 0; i < 10; i++)
        {
            await publisher.VideoAsync(1, (uint)i, Samples.Keyframe(size: 4000));
            await publisher.PingAsync();
        }

        var acknowledged = publisher.Messages.Where(m => m.Type == RtmpMessageType.Acknowledgement)
            .Select(m => BinaryPrimitives.ReadUInt32BigEndian(m.Payload)).ToArray();
        Assert.That(acknowledged, Has.Length.InRange(3, 5));
        Assert.That(acknowledged.Zip(acknowledged.Skip(1), (a, b) => b - a), Is.All.InRange(10_000u, 15_000u));
    }

    [Test]
    public async Task J3_M5_A_player_may_acknowledge_in_every_chunk_format_and_set_any_bandwidth()
    {
        await using var bench = new Bench(new RtmpServerOptions { WindowAcknowledgementSize = 100_000 });
        var publisher = await bench.PublishAsync("cam");
        await publisher.SetChunkSizeAsync(1 << 20);
        await publisher.HeadersAsync(1);
        var viewer = await bench.PlayAsync("cam");
        for (var format = 0; format < 4; format++)
        {
            await viewer.MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(1), 0, 2, format);
            await viewer.MessageAsync(RtmpMessageType.Acknowledgement, 7, Chunks.UInt32(1), 0, 9, format);
        }

        await viewer.MessageAsync(RtmpMessageType.SetPeerBandwidth, 0, [.. Chunks.UInt32(5000), 0]);
        await viewer.SyncAsync();
        Assert.That(viewer.Golden[^1], Is.EqualTo("0 WindowAcknowledgementSize 5000"));
        await viewer.MessageAsync(RtmpMessageType.SetPeerBandwidth, 0, [.. Chunks.UInt32(5000), 2]);
        await viewer.SyncAsync();
        Assert.That(viewer.Golden.Count(m => m == "0 WindowAcknowledgementSize 5000"), Is.EqualTo(1), "the same again is no news");

        viewer.AcknowledgeEvery = 5000;
        for (var i = 0; i < 100; i++)
            await publisher.VideoAsync(1, (uint)i * 40, Samples.Keyframe(size: 200_000));
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media.Where(m => m.Type == RtmpMessageType.Video).Sum(m => m.Payload.Length), Is.GreaterThan(20_000_000));
    }

    [Test]
    public async Task M4_M5_Control_messages_between_the_chunks_of_a_frame_are_obeyed()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        var viewer = await bench.PlayAsync("cam");
        var frame = Samples.Keyframe(size: 400);
        var sound = Samples.Audio(size: 200);
        var video = Chunks.Message(0, 6, 0, RtmpMessageType.Video, 1, frame);
        var audio = Chunks.Message(0, 70, 0, RtmpMessageType.Audio, 1, sound);
        byte[] abort = Chunks.Message(0, 2, 0, RtmpMessageType.Abort, 0, Chunks.UInt32(6));
        byte[] ping = Chunks.Message(0, 2, 0, RtmpMessageType.UserControl, 0, Chunks.UserControl(UserControlEvent.PingRequest, 99));
        byte[] bytes =
        [
            .. video[..(12 + 128)], .. abort, // what was begun is forgotten
            .. video[..(12 + 128)], .. ping, .. audio[..(13 + 128)],
            .. Chunks.Message(0, 2, 0, RtmpMessageType.SetChunkSize, 0, Chunks.UInt32(64)),
        ];
        List<byte> rest = [];
        for (var position = 128; position < frame.Length; position += 64)
            rest.AddRange([0xC6, .. frame[position..Math.Min(frame.Length, position + 64)]]);
        for (var position = 128; position < sound.Length; position += 64)
            rest.AddRange([0xC0, 70 - 64, .. sound[position..Math.Min(sound.Length, position + 64)]]);
        foreach (var one in bytes.Concat(rest)) // and at every read boundary
            await publisher.SendAsync(new[] { one });
        publisher.ChunkSize = 64;
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media.Where(m => !m.IsSequenceHeader).Select(m => m.Payload), Is.EquivalentTo(new[] { frame, sound }));
        Assert.That(publisher.Golden, Has.Some.EqualTo("0 PingResponse 99"));
    }

    [Test]
    public async Task M4_A_message_that_starts_with_a_type_3_chunk_adds_the_last_delta()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        var viewer = await bench.PlayAsync("cam");
        await publisher.MessageAsync(RtmpMessageType.Audio, 1, Samples.Audio(), 1000, 4);
        await publisher.MessageAsync(RtmpMessageType.Audio, 1, Samples.Audio(), 23, 4, format: 1);
        for (var i = 0; i < 5; i++)
            await publisher.MessageAsync(RtmpMessageType.Audio, 1, Samples.Audio(), 23, 4, format: 3);
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(
            viewer.Media.Where(m => !m.IsSequenceHeader).Select(m => m.Timestamp), Is.EqualTo(new uint[] { 0, 23, 46, 69, 92, 115, 138 }));
    }

    [Test]
    public async Task A2_Media_and_data_from_a_player_into_the_stream_it_plays_go_nowhere()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0, frames: 1);
        await publisher.SyncAsync();
        var attacker = await bench.PlayAsync("cam");
        var victim = await bench.PlayAsync("cam");
        var before = victim.Messages.Count;
        await attacker.VideoAsync(1, 0, Samples.LargeVideoHeader);
        await attacker.VideoAsync(1, 0, Samples.Keyframe(mark: 66));
        await attacker.AudioAsync(1, 0, Samples.Audio(mark: 66));
        await attacker.MessageAsync(RtmpMessageType.DataAmf0, 1, Chunks.Amf("@setDataFrame", "onMetaData", Metadata(66)));
        await attacker.MessageAsync(RtmpMessageType.Aggregate, 1, [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        await attacker.CallAsync("FCUnpublish", AmfValue.Null, "cam");
        await attacker.CallAsync("releaseStream", AmfValue.Null, "cam");
        await attacker.SyncAsync();
        await victim.SyncAsync();
        Assert.That(victim.Messages, Has.Count.EqualTo(before));
        var late = await bench.PlayAsync("cam");
        Assert.That(Payloads(late, RtmpMessageType.Video), Is.EqualTo(new[] { Samples.VideoHeader, Samples.Keyframe() }));
        Assert.That(bench.Snapshot("live/cam").Feed!.Number, Is.EqualTo(1), "and nobody unpublishes for another");
    }

    [Test]
    public async Task H4_Empty_and_short_bodies_end_at_most_their_own_connection()
    {
        byte[][] bodies =
        [
            [], [0x17], [0x17, 1], [0x17, 0, 0, 0], [0x17, 0, 0, 0, 0], [0x17, 0, 0, 0, 0, 1], [0x27, 1, 0, 0, 0],
            [0x1C], [0x1C, 0], [0x90], [0x90, 1, 2, 3], [0x57, 0], [0xFF, 0xFF], [0x17, 9, 0, 0, 0, 0],
        ];
        byte[][] sounds = [[], [0xAF], [0xAF, 0], [0xAF, 1], [0xAF, 0, 0], [0xAF, 0, 0xF8], [0xAF, 0, 0x12], [0x90], [0x9F, 1, 2], [0x2F]];
        await using var bench = new Bench();
        var good = await bench.PublishAsync("good");
        var viewer = await bench.PlayAsync("good");
        foreach (var (type, body) in bodies.Select(b => (RtmpMessageType.Video, b)).Concat(sounds.Select(b => (RtmpMessageType.Audio, b))))
        {
            foreach (var withHeaders in new[] { false, true })
            {
                var client = await bench.ConnectAsync();
                await client.PublishAsync("bad");
                if (withHeaders)
                    await client.HeadersAsync(1);
                await client.MessageAsync(type, 1, body);
                await client.DisposeAsync();
                await bench.AdvanceToConnectionsAsync(2);
            }
        }

        await good.HeadersAsync(1);
        await good.GroupAsync(1, 0, frames: 2);
        await good.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(viewer.Media, Has.Count.EqualTo(6));
    }

    [Test]
    public async Task M9_Two_threads_that_write_audio_and_video_leave_each_viewer_whole_messages_in_the_order_of_each_track()
    {
        await using var bench = new Bench();
        await using var feed = bench.Hub.Publish(
            "live/cam",
            Media.Track.Of(Media.Codec.FromAvcConfiguration(Samples.VideoHeader.AsSpan(5))),
            Media.Track.Aac(Samples.AudioHeader.AsSpan(2)));
        var viewer = await bench.PlayAsync("cam");
        await Task.WhenAll(feed.Tracks.Select(track => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                var mark = (byte)i;
                var body = track.Track.Kind == Media.MediaKind.Video ? Samples.Keyframe(mark: mark)[5..] : Samples.Audio(mark: mark)[2..];
                Assert.That(track.Write(body, TimeSpan.FromMilliseconds(i * 10)));
            }
        })));
        await viewer.SyncAsync();
        foreach (var (type, at) in new[] { (RtmpMessageType.Video, 10), (RtmpMessageType.Audio, 2) })
        {
            var payloads = viewer.Media.Where(m => m.Type == type && !m.IsSequenceHeader).ToArray();
            Assert.That(payloads.Select(m => m.Payload[at]), Is.EqualTo(Enumerable.Range(0, 500).Select(i => (byte)i)));
            Assert.That(payloads.Select(m => m.Timestamp), Is.Ordered);
        }
    }

    private static IEnumerable<byte[]> Payloads(TestClient client, RtmpMessageType type) =>
        client.Media.Where(m => m.Type == type).Select(m => m.Payload);
}
