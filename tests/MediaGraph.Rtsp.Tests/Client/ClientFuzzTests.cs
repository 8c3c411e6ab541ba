using System.Globalization;
using System.Text;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Client;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

// Rows: H4 (a hostile server).

/// <summary>
/// What a server says, mutated at random: the client has no fault, each call ends, and everything returns to its baseline.
/// <c>MEDIAGRAPH_FUZZ_SECONDS</c> makes it longer, <c>MEDIAGRAPH_FUZZ_SEED</c> another.
/// </summary>
internal sealed class ClientFuzzTests
{
    private const int RunsInCi = 400;
    private const int RunsAtOnce = 100;

    private static readonly byte[] Pulled = Bytes(
        TestServer.Reply(200, "Public: OPTIONS, GET_PARAMETER"),
        TestServer.Reply(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\""),
        TestServer.Described(TestServer.Head + TestServer.Video + TestServer.Audio, "Content-Base: rtsp://server.example/cam/"),
        TestServer.Reply(200, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 5;timeout=4"),
        TestServer.Reply(200, "Transport: RTP/AVP/TCP;unicast;interleaved=2-3", "Session: 5;timeout=4"),
        TestServer.Reply(200, "RTP-Info: url=rtsp://server.example/cam/trackID=0;seq=1;rtptime=2"));

    private static readonly byte[] Media =
    [
        .. TestServer.Frame(2, TestServer.Rtp(1, 0, 0, new byte[160])), .. TestServer.Frame(0, TestServer.Rtp(1, 96, 0, [0x65, 1, 2, 3])),
        .. TestServer.Frame(3, TestServer.Goodbye()), .. Encoding.ASCII.GetBytes("OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n"),
        .. TestServer.Frame(2, TestServer.Rtp(2, 0, 160, new byte[160])),
        .. Encoding.ASCII.GetBytes("REDIRECT * RTSP/1.0\r\nCSeq: 10\r\nLocation: /b\r\n\r\n"),
    ];

    private static readonly byte[] Pushed = Bytes(
        TestServer.Reply(200), TestServer.Reply(200), TestServer.Reply(200, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 5"),
        TestServer.Reply(200), "TEARDOWN * RTSP/1.0\r\nCSeq: 9\r\n\r\n");

    [Test]
    public async Task H4_A_server_that_says_anything_ends_at_most_its_own_connection()
    {
        var seconds = int.Parse(Environment.GetEnvironmentVariable("MEDIAGRAPH_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("MEDIAGRAPH_FUZZ_SEED") ?? "4713", CultureInfo.InvariantCulture);
        var started = TimeProvider.System.GetTimestamp();
        TestContext.Out.WriteLine($"seed {seed}");
        for (var run = 0; seconds > 0 ? TimeProvider.System.GetElapsedTime(started).TotalSeconds < seconds : run < RunsInCi; run += RunsAtOnce)
            await RunAsync(new Random(seed + run), $"seed {seed}, from run {run}");
    }

    private static async Task RunAsync(Random random, string where)
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(new Codec(MediaKind.Audio, CodecNames.Pcmu, 8000, 1)));
        for (var run = 0; run < RunsAtOnce; run++)
        {
            bench.ForgetDialed();
            using var cancel = new CancellationTokenSource();
            var isPush = random.Next(4) == 0;
            var url = ClientBench.Url("rtsp://me:pass@server.example/cam");
            var opening = isPush
                ? bench.Client.PushAsync("live/cam", url, cancel.Token)
                : bench.Client.PullAsync(url, "in/cam", cancel.Token);
            var (_, server) = await bench.AcceptBareAsync();
            byte[] session = isPush ? Pushed : [.. Pulled, .. Media];
            await AttackAsync(server, random, random.Next(8) == 0 ? session : Mutate(random, session));
            if (random.Next(3) == 0)
                await cancel.CancelAsync(); // also what a redirect waits for, whom nobody answers
            var ended = await bench.AdvanceUntilAsync(opening.ContinueWith(t => t, TaskScheduler.Default), step: 0.5);
            if (ended.IsCompletedSuccessfully)
            {
                var transfer = await ended;
                feed.Write(new byte[160], TimeSpan.FromMilliseconds(20 * run));
                transfer.Close(CloseReason.Requested);
                await bench.AdvanceUntilAsync(transfer.Completion, step: 0.5);
            }
            else
            {
                Assert.That(ended.Exception?.InnerException, Is.Null.Or.InstanceOf<RtspClientException>(), $"{where}, run {run}");
            }

            await Eventually.EqualAsync(() => bench.Client.Connections, 0, $"connections, {where}, run {run}");
            Assert.That(bench.Log.Of(3502), Is.Empty, $"{where}, run {run}");
            await server.DisposeAsync();
        }
    }

    private static async Task AttackAsync(MemoryTransport server, Random random, byte[] bytes)
    {
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                var count = Math.Min(bytes.Length - sent, random.Next(4) == 0 ? random.Next(1, 20) : random.Next(1, 1000));
                await server.SendAsync(bytes.AsMemory(sent, count), CancellationToken.None);
                sent += count;
            }
        }
        catch (IOException)
        {
            return; // cut in the middle
        }

        if (random.Next(2) == 0)
            server.CompleteOutput();
    }

    private static byte[] Mutate(Random random, byte[] session)
    {
        var bytes = session.ToList();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var position = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[position] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(position, Math.Min(random.Next(1, 60), bytes.Count - position));
                    break;
                case 2:
                    bytes.InsertRange(position, bytes.GetRange(position, Math.Min(random.Next(1, 200), bytes.Count - position)));
                    break;
                case 3:
                    bytes[position] = (byte)"0123456789-;,=\"\r\n $"[random.Next(19)];
                    break;
                default:
                    bytes.RemoveRange(position, bytes.Count - position);
                    break;
            }

            if (bytes.Count == 0)
                break;
        }

        return [.. bytes];
    }

    // All answers at once: without numbers they are taken one after the other.
    private static byte[] Bytes(params string[] answers) =>
        Encoding.Latin1.GetBytes(string.Concat(answers).Replace("CSeq: {CSeq}\r\n", "", StringComparison.Ordinal));
}
