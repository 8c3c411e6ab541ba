using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>A depacketizer that is fed packets by hand, and what comes out of it.</summary>
internal sealed class DepacketizerBench : IDisposable
{
    private readonly List<ReceivedFrame> _frames = [];
    private long _sequence = 65_530; // wraps soon, where it is not unwrapped

    public DepacketizerBench(
        Func<DepacketizerOptions, Depacketizer> make, int clockRate = 90_000, RtpTrackClock? clock = null, bool isTraced = true)
    {
        Pool = new PacketPool(new PacketPoolOptions { Diagnostics = isTraced });
        Depacketizer = make(new DepacketizerOptions(Pool, clockRate, Keep, clock));
    }

    public PacketPool Pool { get; }

    public Depacketizer Depacketizer { get; }

    public IReadOnlyList<ReceivedFrame> Frames => _frames;

    public IEnumerable<string> Payloads => _frames.Select(frame => frame.Payload);

    public void Push(string payload, long timestamp = 1000, bool marker = false) => Push(Vectors.Hex(payload), timestamp, marker);

    public void Push(ReadOnlySpan<byte> payload, long timestamp, bool marker) =>
        Depacketizer.Push(_sequence++, timestamp, marker, payload);

    /// <summary>Packets that never come.</summary>
    public void Lose(int count = 1) => _sequence += count;

    public void Clear() => _frames.Clear();

    /// <summary>Ends it; throws when memory is left over.</summary>
    public void Dispose()
    {
        Depacketizer.Dispose();
        if (Pool.GetStatistics().OutstandingBuffers != 0)
            throw new InvalidOperationException($"A buffer is left.\n{Pool.DescribeOutstanding()}");
    }

    private void Keep(in RtpFrame frame)
    {
        _frames.Add(new ReceivedFrame(
            Convert.ToHexString(frame.Buffer.Span[..frame.Length]), frame.Codec, frame.DecodeTime, frame.PresentationTime,
            frame.IsKeyframe, frame.FollowsLoss));
        frame.Buffer.Release();
    }
}
