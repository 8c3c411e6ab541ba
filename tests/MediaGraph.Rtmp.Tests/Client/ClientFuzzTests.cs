using System.Globalization;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Client;

// Rows: H4 (a hostile server).

/// <summary>
/// What a server says, mutated at random: the client has no fault, each call ends, and everything returns to its baseline.
/// <c>MEDIAGRAPH_FUZZ_SECONDS</c> makes it longer, <c>MEDIAGRAPH_FUZZ_SEED</c> another.
/// </summary>
internal sealed class ClientFuzzTests
{
    private const int RunsInCi = 600;
    private const int RunsAtOnce = 200;

    private static readonly byte[] Greeting =
    [
        3, .. new byte[3072],
        .. Message(RtmpMessageType.WindowAcknowledgementSize, 0, Chunks.UInt32(2_500_000)),
        .. Message(RtmpMessageType.SetPeerBandwidth, 0, [.. Chunks.UInt32(2_500_000), 2]),
    ];

    private static readonly byte[][] Sessions =
    [
        [
            .. Greeting,
            .. Answer(1, AmfValue.Null, ClientBench.Success),
            .. Answer(2, AmfValue.Null, 1d),
            .. Message(RtmpMessageType.UserControl, 0, Chunks.UserControl(UserControlEvent.StreamBegin, 1)),
            .. Status("NetStream.Play.Start"),
            .. Message(RtmpMessageType.DataAmf0, 1, Chunks.Amf("|RtmpSampleAccess", true, true)),
            .. Message(RtmpMessageType.DataAmf0, 1, Chunks.Amf("onMetaData", AmfObject.EcmaArray(new AmfProperty("width", 640d)))),
            .. Message(RtmpMessageType.Video, 1, Samples.VideoHeader),
            .. Message(RtmpMessageType.Audio, 1, Samples.AudioHeader),
            .. Message(RtmpMessageType.Video, 1, Samples.Keyframe(size: 300)),
            .. Message(RtmpMessageType.Audio, 1, Samples.Audio()),
            .. Message(RtmpMessageType.UserControl, 0, Chunks.UserControl(UserControlEvent.PingRequest, 7)),
            .. Message(RtmpMessageType.Video, 1, [0x91, .. "av01"u8, 1]),
            .. Message(RtmpMessageType.UserControl, 0, Chunks.UserControl(UserControlEvent.StreamEof, 1)),
        ],
        [
            .. Greeting,
            .. Answer(1, AmfValue.Null, ClientBench.Success),
            .. Answer(2, AmfValue.Null, AmfValue.Undefined),
            .. Answer(4, AmfValue.Null, 1d),
            .. Status("NetStream.Publish.Start"),
            .. Message(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32(1000)),
            .. Status("NetConnection.Connect.ReconnectRequest"),
        ],
        [
            .. Greeting,
            .. Message(
                RtmpMessageType.CommandAmf0, 0,
                Chunks.Command(
                    "_error", 1, AmfValue.Null,
                    new AmfObject(
                        new AmfProperty("code", "NetConnection.Connect.Rejected"),
                        new AmfProperty("description", "[ authmod=adobe ] : ?reason=needauth&user=me&salt=a&challenge=b&opaque=c"),
                        new AmfProperty(
                            "ex",
                            new AmfObject(new AmfProperty("code", 302d), new AmfProperty("redirect", "rtmp://server.example/b")))))),
        ],
    ];

    [Test]
    public async Task H4_A_server_that_says_anything_ends_at_most_its_own_connection()
    {
        var seconds = int.Parse(Environment.GetEnvironmentVariable("MEDIAGRAPH_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("MEDIAGRAPH_FUZZ_SEED") ?? "4712", CultureInfo.InvariantCulture);
        var started = TimeProvider.System.GetTimestamp();
        TestContext.Out.WriteLine($"seed {seed}");
        for (var run = 0; seconds > 0 ? TimeProvider.System.GetElapsedTime(started).TotalSeconds < seconds : run < RunsInCi; run += RunsAtOnce)
            await RunAsync(new Random(seed + run), $"seed {seed}, from run {run}");
    }

    private static async Task RunAsync(Random random, string where)
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Codec.FromAvcConfiguration(Samples.VideoHeader.AsSpan(5))));
        feed.Write(Samples.Keyframe().AsSpan(5), TimeSpan.Zero);
        for (var run = 0; run < RunsAtOnce; run++)
        {
            bench.ForgetDialed();
            var session = random.Next(Sessions.Length);
            using var cancel = new CancellationTokenSource();
            var url = ClientBench.Url("rtmp://me:pass@server.example/live/cam");
            var opening = session == 1
                ? bench.Client.PushAsync("live/cam", url, cancel.Token)
                : bench.Client.PullAsync(url, "in/cam", cancel.Token);
            await AttackAsync(await bench.AcceptAsync(), random, SessionMutations.Mutate(random, Sessions[session]));
            if (random.Next(3) == 0)
                await cancel.CancelAsync(); // also what a redirect waits for, whom nobody answers
            var ended = await bench.AdvanceUntilAsync(opening.ContinueWith(t => t, TaskScheduler.Default), step: 0.5);
            if (ended.IsCompletedSuccessfully)
            {
                var transfer = await ended;
                feed.Write(Samples.InterFrame().AsSpan(5), TimeSpan.FromMilliseconds(run + 1));
                transfer.Close(CloseReason.Requested);
                await bench.AdvanceUntilAsync(transfer.Completion, step: 0.5);
            }
            else
            {
                Assert.That(
                    ended.Exception?.InnerException, Is.Null.Or.InstanceOf<RtmpClientException>(), $"{where}, run {run}");
            }

            await Eventually.EqualAsync(() => bench.Client.Connections, 0, $"connections, {where}, run {run}");
            Assert.That(bench.Log.Of(2006), Is.Empty, $"{where}, run {run}");
        }
    }

    private static async Task AttackAsync(TestClient server, Random random, byte[] bytes)
    {
        server.StartReadingRaw();
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                var count = Math.Min(bytes.Length - sent, random.Next(4) == 0 ? random.Next(1, 20) : random.Next(1, 4000));
                await server.SendAsync(bytes.AsMemory(sent, count));
                sent += count;
            }
        }
        catch (IOException)
        {
            return; // cut in the middle
        }

        if (random.Next(2) == 0)
            server.HalfClose();
    }

    private static byte[] Answer(double transaction, params AmfValue[] values) =>
        Message(RtmpMessageType.CommandAmf0, 0, Chunks.Command("_result", transaction, values));

    private static byte[] Status(string code) => Message(
        RtmpMessageType.CommandAmf0, 1,
        Chunks.Command(
            "onStatus", 0, AmfValue.Null, new AmfObject(new AmfProperty("level", "status"), new AmfProperty("code", code))));

    private static byte[] Message(RtmpMessageType type, uint stream, byte[] payload) =>
        Chunks.Message(
            0,
            type switch { RtmpMessageType.Audio => 4, RtmpMessageType.Video => 6, RtmpMessageType.CommandAmf0 => 3, _ => 2 },
            0, type, stream, payload);
}
