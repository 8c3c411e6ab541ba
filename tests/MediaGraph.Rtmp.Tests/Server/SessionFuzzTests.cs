using System.Globalization;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Support;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: H4.

/// <summary>
/// Valid sessions, mutated at random: whatever comes in, the server has no fault, another connection's stream stays what it is, and
/// everything returns to its baseline. <c>MEDIAGRAPH_FUZZ_SECONDS</c> makes it longer, <c>MEDIAGRAPH_FUZZ_SEED</c> another.
/// </summary>
public sealed class SessionFuzzTests
{
    private const int RunsInCi = 2000;
    private const int ClientsAtOnce = 8;

    private static readonly byte[][] Sessions =
    [
        [.. Handshake(), .. ObsTests.Session.SelectMany(part => part)],
        [
            .. Handshake(),
            .. Command(0, "connect", 1, TestClient.ConnectProperties("live")),
            .. Command(0, "createStream", 2, AmfValue.Null),
            .. Command(0, "getStreamLength", 3, AmfValue.Null, "good"),
            .. Command(1, "play", 0, AmfValue.Null, "good", -2000d),
            .. Message(RtmpMessageType.UserControl, 0, [0, 3, 0, 0, 0, 1, 0, 0, 0x0B, 0xB8]),
            .. Message(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(1000)),
            .. Command(1, "pause", 0, AmfValue.Null, true, 0d),
            .. Command(1, "pause", 0, AmfValue.Null, false, 0d),
            .. Command(1, "seek", 0, AmfValue.Null, 1d),
            .. Message(RtmpMessageType.WindowAcknowledgementSize, 0, Chunks.UInt32(500)),
            .. Message(RtmpMessageType.SetPeerBandwidth, 0, [.. Chunks.UInt32(600), 1]),
            .. Command(0, "createStream", 4, AmfValue.Null),
            .. Command(2, "publish", 0, AmfValue.Null, "another", "live"),
            .. Message(
                RtmpMessageType.DataAmf0, 2, Chunks.Amf("@setDataFrame", "onMetaData", AmfObject.EcmaArray(new AmfProperty("a", 1d)))),
            .. Message(RtmpMessageType.Video, 2, Samples.VideoHeader),
            .. Message(RtmpMessageType.Audio, 2, Samples.AudioHeader),
            .. Message(RtmpMessageType.Video, 2, Samples.Keyframe(size: 300)),
            .. Message(RtmpMessageType.Aggregate, 2, [8, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, .. Samples.AudioHeader, 0, 0, 0, 15]),
            .. Message(RtmpMessageType.Audio, 2, [0x9F, .. "Opus"u8, 1]),
            .. Message(RtmpMessageType.Video, 2, [0x91, .. "av01"u8, 1]),
            .. Message(RtmpMessageType.Abort, 0, Chunks.UInt32(6)),
            .. Command(2, "play", 0, AmfValue.Null, "another"),
            .. Command(1, "closeStream", 0, AmfValue.Null),
            .. Command(0, "deleteStream", 0, AmfValue.Null, 2d),
        ],
    ];

    [Test]
    public async Task H4_Mutated_sessions_end_at_most_themselves()
    {
        var seconds = int.Parse(Environment.GetEnvironmentVariable("MEDIAGRAPH_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("MEDIAGRAPH_FUZZ_SEED") ?? "4711", CultureInfo.InvariantCulture);
        var started = TimeProvider.System.GetTimestamp();
        TestContext.Out.WriteLine($"seed {seed}");
        for (var run = 0; seconds > 0 ? TimeProvider.System.GetElapsedTime(started).TotalSeconds < seconds : run < RunsInCi; run += 500)
            await RunAsync(new Random(seed + run), 500, $"seed {seed}, from run {run}");
    }

    private static async Task RunAsync(Random random, int runs, string where)
    {
        await using var bench = new Bench { WaitsForQueues = false };
        var good = await bench.PublishAsync("good");
        await good.HeadersAsync(1);
        await good.GroupAsync(1, 0, frames: 2);
        await good.PingAsync();
        var viewer = await bench.PlayAsync("good");
        bench.WaitsForQueues = true;
        await viewer.SyncAsync();
        bench.WaitsForQueues = false;
        var start = viewer.Media.Count;
        for (var run = 0; run < runs; run += ClientsAtOnce)
        {
            var clients = new List<TestClient>();
            for (var i = 0; i < ClientsAtOnce; i++)
                clients.Add(await AttackAsync(bench, random));
            await good.VideoAsync(1, 1000 + (uint)run, Samples.InterFrame(mark: (byte)run));
            await good.PingAsync();
            foreach (var client in clients)
                await client.DisposeAsync();
            await bench.AdvanceToConnectionsAsync(2);
            Assert.That(bench.Log.Of(2006), Is.Empty, where);
        }

        await viewer.PingAsync();
        Assert.That(
            viewer.Media.Skip(start).Select(m => (m.Timestamp, m.Payload[10])),
            Is.EqualTo(Enumerable.Range(0, runs).Where(run => run % ClientsAtOnce == 0).Select(run => ((uint)(1000 + run), (byte)run))),
            where);
        await good.DisposeAsync();
        await viewer.DisposeAsync();
    }

    private static async Task<TestClient> AttackAsync(Bench bench, Random random)
    {
        var bytes = SessionMutations.Mutate(random, Sessions[random.Next(Sessions.Length)]);
        var (client, server) = bench.Open(Bench.OtherAddress);
        client.StartReadingRaw();
        if (random.Next(8) == 0)
            server.LimitSends(random.Next(5000));
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                var count = Math.Min(bytes.Length - sent, random.Next(4) == 0 ? random.Next(1, 20) : random.Next(1, 4000));
                await client.SendAsync(bytes.AsMemory(sent, count));
                sent += count;
                if (random.Next(20) == 0)
                    await Task.Yield();
            }
        }
        catch (IOException)
        {
            return client; // cut in the middle
        }

        switch (random.Next(3))
        {
            case 0:
                client.HalfClose();
                break;
            case 1:
                client.Transport.Abort(CloseReason.Requested);
                break;
        }

        return client;
    }

    private static byte[] Handshake() => [.. Chunks.C0C1(), .. new byte[1536]];

    private static byte[] Command(uint stream, string name, double transaction, params AmfValue[] values) =>
        Message(RtmpMessageType.CommandAmf0, stream, Chunks.Command(name, transaction, values));

    private static byte[] Message(RtmpMessageType type, uint stream, byte[] payload) =>
        Chunks.Message(
            0,
            type switch { RtmpMessageType.Audio => 4, RtmpMessageType.Video => 6, RtmpMessageType.CommandAmf0 => 3, _ => 2 },
            0, type, stream, payload);
}
