using System.Collections.Concurrent;
using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Tapo.Tests.Client;

/// <summary>What a viewer saw of a packet.</summary>
internal sealed record Seen(string Track, Codec Codec, TimeSpan Time, bool IsKeyframe, int Length, byte Last);

/// <summary>Somebody who watches, by code, and comes again when told that there is nothing.</summary>
internal sealed class Viewer
{
    public ConcurrentQueue<Seen> Packets { get; } = new();

    public int Video => Packets.Count(packet => packet.Track == "video");

    public int Audio => Packets.Count(packet => packet.Track == "audio");

    public async Task RunAsync(StreamHub hub, CancellationToken stop)
    {
        using var lease = hub.Lease(Bench.Stream); // also between two visits
        while (!stop.IsCancellationRequested && hub.Find(Bench.Stream) is not null)
        {
            await WatchAsync(hub, stop);
            await Task.Yield();
        }
    }

    private async Task WatchAsync(StreamHub hub, CancellationToken stop)
    {
        try
        {
            await foreach (var batch in hub.Subscribe(Bench.Stream, stop))
            {
                using (batch)
                {
                    foreach (var (packet, track) in batch.Zip(batch.Tracks))
                    {
                        Packets.Enqueue(new Seen(
                            track.Id, packet.Codec, packet.DecodeTimestamp, packet.IsKeyframe, packet.Length, packet.Payload.Span[^1]));
                    }
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or StreamException)
        {
            // Stopped, or the source cannot be had.
        }
    }
}
