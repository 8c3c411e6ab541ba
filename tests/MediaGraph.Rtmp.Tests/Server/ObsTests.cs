using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Support;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

/// <summary>
/// OBS with its librtmp, byte by byte: the first command has a type-0 header, the later ones type 1 without a message stream, and the
/// chunk size goes from 128 to 4096 before connect.
/// </summary>
public sealed class ObsTests
{
    private static readonly AmfObject ConnectProperties = new(
        new AmfProperty("app", "live"),
        new AmfProperty("type", "nonprivate"),
        new AmfProperty("flashVer", "FMLE/3.0 (compatible; FMSc/1.0)"),
        new AmfProperty("swfUrl", "rtmp://127.0.0.1/live"),
        new AmfProperty("tcUrl", "rtmp://127.0.0.1/live"));

    private static readonly AmfValue Metadata = AmfObject.EcmaArray(
        new AmfProperty("duration", 0d),
        new AmfProperty("fileSize", 0d),
        new AmfProperty("width", 1920d),
        new AmfProperty("height", 1080d),
        new AmfProperty("videocodecid", 7d),
        new AmfProperty("videodatarate", 2500d),
        new AmfProperty("framerate", 30d),
        new AmfProperty("audiocodecid", 10d),
        new AmfProperty("audiodatarate", 160d),
        new AmfProperty("audiosamplerate", 48000d),
        new AmfProperty("audiosamplesize", 16d),
        new AmfProperty("audiochannels", 2d),
        new AmfProperty("stereo", true),
        new AmfProperty("encoder", "obs-output module (libobs version 30.0.2)"));

    /// <summary>What OBS sends up to the first answer, up to the second, and so on.</summary>
    public static byte[][] Session { get; } =
    [
        [
            .. Chunks.Message(0, 2, 0, RtmpMessageType.SetChunkSize, 0, Chunks.UInt32(4096)),
            .. Command(0, 3, 0, "connect", 1, ConnectProperties),
        ],
        [
            .. Command(1, 3, 0, "releaseStream", 2, AmfValue.Null, "cam"),
            .. Command(1, 3, 0, "FCPublish", 3, AmfValue.Null, "cam"),
            .. Command(1, 3, 0, "createStream", 4, AmfValue.Null),
        ],
        Command(0, 4, 1, "publish", 5, AmfValue.Null, "cam", "live"),
        [
            .. Chunks.Message(1, 4, 0, RtmpMessageType.DataAmf0, 1, Chunks.Amf("@setDataFrame", "onMetaData", Metadata), 4096),
            .. Chunks.Message(1, 4, 0, RtmpMessageType.Audio, 1, Samples.OtherAudioHeader, 4096), // the sound's header comes first
            .. Chunks.Message(1, 4, 0, RtmpMessageType.Video, 1, Samples.LargeVideoHeader, 4096),
            .. Chunks.Message(1, 4, 0, RtmpMessageType.Video, 1, Samples.Keyframe(size: 9000, composition: 66), 4096),
            .. Chunks.Message(1, 4, 0, RtmpMessageType.Audio, 1, Samples.Audio(mark: 1), 4096),
            .. Chunks.Message(1, 4, 21, RtmpMessageType.Audio, 1, Samples.Audio(mark: 2), 4096),
            .. Chunks.Message(1, 4, 12, RtmpMessageType.Video, 1, Samples.InterFrame(size: 500, mark: 1), 4096),
            .. Chunks.Message(2, 4, 33, RtmpMessageType.Video, 1, Samples.InterFrame(size: 500, mark: 2), 4096),
            .. Chunks.Message(3, 4, 33, RtmpMessageType.Video, 1, Samples.InterFrame(size: 500, mark: 3), 4096),
        ],
        [
            .. Command(1, 3, 0, "FCUnpublish", 6, AmfValue.Null, "cam"),
            .. Command(1, 3, 0, "deleteStream", 7, AmfValue.Null, 1d),
        ],
    ];

    [Test]
    public async Task A_session_of_OBS_works_byte_by_byte([Values] bool byteByByte)
    {
        await using var bench = new Bench();
        var obs = await bench.OpenAsync();
        await obs.HandshakeAsync();
        await SendAsync(Session[0]);
        await obs.ExpectStatusAsync("NetConnection.Connect.Success");
        await SendAsync(Session[1]);
        await obs.ExpectAsync(m => m is { IsCommand: true, Name: "_result" } && m.Values[1].AsNumber == 4, "the answer to createStream");
        await SendAsync(Session[2]);
        await obs.ExpectStatusAsync("NetStream.Publish.Start", 1);
        var viewer = await bench.PlayAsync("cam");
        await SendAsync(Session[3]);
        await obs.SyncAsync();
        await viewer.SyncAsync();
        var late = await bench.PlayAsync("cam");
        await SendAsync(Session[4]);
        await obs.ExpectStatusAsync("NetStream.Unpublish.Success", 1);
        obs.HalfClose();
        await obs.EndAsync();
        Assert.That(obs.Golden.Where(m => !m.Contains("Ping", StringComparison.Ordinal)), Is.EqualTo(
        [
            "0 WindowAcknowledgementSize 2500000", "0 SetPeerBandwidth 2500000", "0 _result 1 NetConnection.Connect.Success",
            "0 _result 2 Undefined", "0 _result 3 Undefined", "0 onFCPublish 0 NetStream.Publish.Start", "0 _result 4 1", "0 StreamBegin 1",
            "1 status NetStream.Publish.Start", "0 _result 6 Undefined", "1 status NetStream.Unpublish.Success",
            "0 onFCUnpublish 0 NetStream.Unpublish.Success",
        ]));

        foreach (var client in new[] { viewer, late })
        {
            Assert.That(client.Messages.Single(m => m.Name == "onMetaData").Values[1], Is.EqualTo(Metadata));
            Assert.That(Media(client, RtmpMessageType.Video), Is.EqualTo(new[]
            {
                (0u, Convert.ToHexString(Samples.LargeVideoHeader)),
                (0u, Convert.ToHexString(Samples.Keyframe(size: 9000, composition: 66))),
                (33u, Convert.ToHexString(Samples.InterFrame(size: 500, mark: 1))),
                (66u, Convert.ToHexString(Samples.InterFrame(size: 500, mark: 2))),
                (99u, Convert.ToHexString(Samples.InterFrame(size: 500, mark: 3))),
            }));
            Assert.That(Media(client, RtmpMessageType.Audio), Is.EqualTo(new[]
            {
                (0u, Convert.ToHexString(Samples.OtherAudioHeader)),
                (0u, Convert.ToHexString(Samples.Audio(mark: 1))),
                (21u, Convert.ToHexString(Samples.Audio(mark: 2))),
            }));
        }

        async Task SendAsync(byte[] bytes)
        {
            var step = byteByByte ? 1 : bytes.Length;
            for (var i = 0; i < bytes.Length; i += step)
                await obs.SendAsync(bytes.AsMemory(i, step));
            obs.ChunkSize = 4096;
        }
    }

    private static IEnumerable<(uint Timestamp, string Payload)> Media(TestClient client, RtmpMessageType type) =>
        client.Media.Where(m => m.Type == type).Select(m => (m.Timestamp, Convert.ToHexString(m.Payload)));

    private static byte[] Command(
        int format, int chunkStreamId, uint streamId, string name, double transaction, params AmfValue[] values) =>
        Chunks.Message(format, chunkStreamId, 0, RtmpMessageType.CommandAmf0, streamId, Chunks.Command(name, transaction, values), 4096);
}
