using CustomProtocol;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>The sample of a protocol as others write them, with ffmpeg as its server.</summary>
[Category("Socket")]
public sealed class CustomProtocolTests
{
    // Of three seconds: a transport stream tells of a frame's end with the next one's beginning, so that the last is never complete.
    private const int Frames = 74;

    [Test]
    public async Task A_protocol_of_ones_own_brings_every_frame_and_comes_back_when_its_server_does()
    {
        await using var server = await LiveServer.StartAsync();
        server.Hub.AddSourceProtocol(new TsOverTcpProtocol());
        var (port, clip) = (FreePort.Find(), await Clips.SilentAsync());
        await server.Hub.SetStreamAsync(new StreamDefinition("cam") { Sources = [$"ts+tcp://127.0.0.1:{port}"] });
        var reading = ReadAsync(server.Hub, frames: 2 * Frames);
        for (var round = 0; round < 2; round++)
        {
            await Eventually.Async(() => server.Hub.GetSnapshot().Streams[0].Sources[0].Failures > round, "it is not there");
            var sender = server.Start("ffmpeg", [
                "-nostdin", "-loglevel", "error", "-re", "-i", clip, "-c", "copy", "-f", "mpegts", $"tcp://127.0.0.1:{port}?listen=1"]);
            await sender.WaitAsync(); // it serves one client
        }

        var (keyframes, lengths) = await reading;
        Assert.That(keyframes, Is.EqualTo(6), "a group of 25 in each second, twice three seconds");
        Assert.That(lengths.Take(Frames), Is.EqualTo(lengths.Skip(Frames)), "the same clip twice");
        await server.Hub.RemoveStreamAsync("cam");
    }

    private static async Task<(int Keyframes, int[] Lengths)> ReadAsync(StreamHub hub, int frames)
    {
        var (keyframes, lengths) = (0, new List<int>());
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        await foreach (var batch in hub.Subscribe("cam", limit.Token))
        {
            using (batch)
            {
                foreach (var packet in batch)
                {
                    keyframes += packet.IsKeyframe ? 1 : 0;
                    lengths.Add(packet.Length);
                }
            }

            if (lengths.Count >= frames)
                break;
        }

        return (keyframes, [.. lengths]);
    }
}
