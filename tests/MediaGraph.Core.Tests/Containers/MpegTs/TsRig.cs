using System.Collections.Concurrent;
using MediaGraph.Containers.MpegTs;
using MediaGraph.Packets;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers.MpegTs;

/// <summary>A transport stream goes into a hub, and packets come out at a subscriber by code. Time is fake.</summary>
internal sealed class TsRig : IAsyncDisposable
{
    private readonly StreamHub _hub;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Seen> _seen = new();
    private readonly Task _reading;

    public TsRig(int maxUnitBytes = MpegTsReader.DefaultMaxUnitBytes)
    {
        _hub = new StreamHub(timeProvider: Time);
        Feed = _hub.Publish("test");
        Writer = new MpegTsFeedWriter(Feed, maxUnitBytes);
        _reading = ReadAsync(); // runs until it waits: subscribed
    }

    public FakeTimeProvider Time { get; } = new();

    public Feed Feed { get; }

    public MpegTsFeedWriter Writer { get; }

    public PacketPool Pool => _hub.Pool;

    /// <summary>Waits until so many packets have come.</summary>
    public async Task<List<Seen>> SeeAsync(int count)
    {
        await Eventually.Async(() => _seen.Count >= count, $"{count} packets");
        return [.. _seen];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        await Feed.DisposeAsync();
        await _hub.DisposeAsync();
        _stop.Dispose();
        Assert.That(Pool.GetStatistics().OutstandingBuffers, Is.Zero, Pool.DescribeOutstanding());
    }

    private async Task ReadAsync()
    {
        try
        {
            await foreach (var batch in _hub.Subscribe("test", _stop.Token))
            {
                using (batch)
                {
                    foreach (var packet in batch.Zip(batch.Tracks, (packet, track) => new Seen(
                        track.Id, packet.Codec, packet.DecodeTime, packet.PresentationTime, packet.IsKeyframe,
                        Convert.ToHexString(packet.Payload.Span))))
                        _seen.Enqueue(packet);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }
}
