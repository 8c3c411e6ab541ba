using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>A depacketizer that is fed packets by hand, and what comes out of it.</summary>
internal sealed class DepacketizerBench : IDisposable
{
    private readonly List<ReceivedFrame> _frames = [];
    private readonly List<ReceivedFrame> _laterFrames = []; // made of the packets when they are asked for
    private readonly Depacketizer _later;
    private long _sequence = 65_530; // wraps soon, where it is not unwrapped

    public DepacketizerBench(
        Func<DepacketizerOptions, Depacketizer> make, int clockRate = 90_000, RtpTrackClock? clock = null, bool isTraced = true)
    {
        Pool = new PacketPool(new PacketPoolOptions { Diagnostics = isTraced });
        Depacketizer = make(new DepacketizerOptions(Pool, clockRate, Keep, clock));
        _later = make(new DepacketizerOptions(Pool, clockRate, KeepLater, clock, KeepsPackets: true));
    }

    public PacketPool Pool { get; }

    public Depacketizer Depacketizer { get; }

    public IReadOnlyList<ReceivedFrame> Frames
    {
        get
        {
            if (!_frames.Select(frame => frame with { Codec = null! }).SequenceEqual(_laterFrames.Select(frame => frame with { Codec = null! }))
                || !_frames.Zip(_laterFrames).All(pair => pair.First.Codec.HasSameParameters(pair.Second.Codec)))
                throw new InvalidOperationException("Frames that are made when they are asked for are others.");
            return _frames;
        }
    }

    public IEnumerable<string> Payloads => Frames.Select(frame => frame.Payload);

    public void Push(string payload, long timestamp = 1000, bool marker = false) => Push(Vectors.Hex(payload), timestamp, marker);

    public void Push(ReadOnlySpan<byte> payload, long timestamp, bool marker) => Push(_sequence++, timestamp, marker, payload);

    public void Push(long sequence, long timestamp, bool marker, ReadOnlySpan<byte> payload)
    {
        Depacketizer.Push(sequence, timestamp, marker, payload);
        _later.Push(sequence, timestamp, marker, payload);
    }

    /// <summary>Something is missing here, or the source starts over.</summary>
    public void Interrupt()
    {
        Depacketizer.Interrupt();
        _later.Interrupt();
    }

    /// <summary>Packets that never come.</summary>
    public void Lose(int count = 1) => _sequence += count;

    public void Clear()
    {
        _frames.Clear();
        _laterFrames.Clear();
    }

    /// <summary>Ends it; throws when memory is left over.</summary>
    public void Dispose()
    {
        Depacketizer.Dispose();
        _later.Dispose();
        if (Pool.GetStatistics().OutstandingBuffers != 0)
            throw new InvalidOperationException($"A buffer is left.\n{Pool.DescribeOutstanding()}");
    }

    private void KeepLater(in RtpFrame frame)
    {
        var source = frame.Format is { } format ? new FrameSource(format, frame.Length) : (FrameSource?)null;
        var packet = Pool.CreatePacket(
            frame.Buffer, 0, source is null ? frame.Length : frame.PacketsLength, frame.Codec, 0, 0, PacketFlags.None, source: source);
        if (packet.Payload.Length != frame.Length)
            throw new InvalidOperationException("A frame is not as long as was counted.");
        _laterFrames.Add(new ReceivedFrame(
            Convert.ToHexString(packet.Payload.Span), frame.Codec, frame.DecodeTime, frame.PresentationTime, frame.IsKeyframe,
            frame.FollowsLoss));
        packet.Release();
        frame.Packets?.Release();
    }

    private void Keep(in RtpFrame frame)
    {
        _frames.Add(new ReceivedFrame(
            Convert.ToHexString(frame.Buffer.Span[..frame.Length]), frame.Codec, frame.DecodeTime, frame.PresentationTime,
            frame.IsKeyframe, frame.FollowsLoss));
        frame.Buffer.Release();
    }
}
