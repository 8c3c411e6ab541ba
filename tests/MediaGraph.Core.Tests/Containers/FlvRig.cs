using System.Collections.Concurrent;
using MediaGraph.Containers.Flv;
using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers;

/// <summary>What a subscriber saw of a packet.</summary>
internal sealed record Seen(string Track, Codec Codec, long DecodeTime, long PresentationTime, bool IsKeyframe, string Payload)
{
    public double Milliseconds => DecodeTime * 1000.0 / Codec.ClockRate;
}

/// <summary>FLV tags go into a hub, and packets come out at a subscriber by code. Time is fake.</summary>
internal sealed class FlvRig : IAsyncDisposable
{
    private readonly StreamHub _hub;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;

    public FlvRig()
    {
        // Time runs ahead of a reader whose thread has to wait; what it has not read by then must not be dropped.
        var queue = new PacketQueueOptions { MaxBytes = 1 << 30, MaxPackets = int.MaxValue, MaxAge = TimeSpan.FromDays(1) };
        _hub = new StreamHub(new StreamHubOptions { Queue = queue }, timeProvider: Time);
        Feed = _hub.Publish("test");
        Writer = new FlvFeedWriter(Feed);
        _reading = ReadAsync(); // runs until it waits: subscribed
    }

    public FakeTimeProvider Time { get; } = new();

    public Feed Feed { get; }

    public MediaStream Stream => _hub.Find(Feed.StreamName)!;

    public FlvFeedWriter Writer { get; }

    public PacketPool Pool => _hub.Pool;

    public ConcurrentQueue<Seen> Seen { get; } = new();

    public bool Write(FlvTagType type, long time, string body) => Write(type, time, Convert.FromHexString(body));

    public bool Write(FlvTagType type, long time, byte[] body)
    {
        // Not at the buffer's start: as a reader of messages may have it.
        var buffer = Pool.Rent(body.Length + 3);
        body.CopyTo(buffer.Span[3..]);
        return Writer.Write(type, time, buffer, 3, body.Length);
    }

    /// <summary>Moves time on by some milliseconds while somebody waits for that: it never runs ahead of a playback.</summary>
    public void Pass(int milliseconds)
    {
        if (Time.ActiveTimers > 0)
            Time.Advance(TimeSpan.FromMilliseconds(milliseconds));
    }

    /// <summary>Waits until so many packets have come.</summary>
    public async Task<List<Seen>> SeeAsync(int count, Action? meanwhile = null)
    {
        for (var start = Environment.TickCount64; Seen.Count < count && !_reading.IsCompleted;)
        {
            if (Environment.TickCount64 - start > 60_000)
                Assert.Fail($"Only {Seen.Count} packets of {count} came.");
            meanwhile?.Invoke();
            await Task.Yield();
        }

        return [.. Seen];
    }

    /// <summary>What somebody who joins now is given of what was before.</summary>
    public async Task<List<Seen>> JoinAsync()
    {
        const string Marker = "0200036F6E58" + "05"; // onX, null
        var seen = new List<Seen>();
        await using var batches = _hub.Subscribe("test", _stop.Token).GetAsyncEnumerator();
        var next = batches.MoveNextAsync(); // runs until it waits: subscribed
        Write(FlvTagType.Script, 0, Marker);
        while (await next)
        {
            using var batch = batches.Current;
            seen.AddRange(batch.Zip(batch.Tracks, See));
            if (seen[^1].Payload == Marker)
                return seen[..^1];
            next = batches.MoveNextAsync();
        }

        throw new InvalidOperationException("The stream has ended.");
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

    private static Seen See(MediaPacket packet, Track track) => new(
        track.Id, packet.Codec, packet.DecodeTime, packet.PresentationTime, packet.IsKeyframe, Convert.ToHexString(packet.Payload.Span));

    private async Task ReadAsync()
    {
        try
        {
            await foreach (var batch in _hub.Subscribe("test", _stop.Token))
            {
                using (batch)
                {
                    foreach (var packet in batch.Zip(batch.Tracks, See))
                        Seen.Enqueue(packet);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }
}
