using BenchmarkDotNet.Attributes;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Benchmarks;

/// <summary>
/// One frame of 16 KiB from the receiver to every viewer's transport, which takes it and does nothing: all that the graph adds to the
/// sends themselves, the image included.
/// </summary>
[MemoryDiagnoser]
public class FanOutBenchmarks
{
    private const int FrameLength = 16 << 10;

    private readonly PacketPool _pool = new(new PacketPoolOptions { Diagnostics = false });
    private readonly RtmpWireFormat _format = new(new RtmpImages(messageStreamId: 1, chunkSize: 64 << 10), RtmpCapabilities.Classic);
    private readonly Codec _codec = Codec.H264(
        Convert.FromHexString("67640028acd940780227e5c044000003000400000300c83c60c658"), Convert.FromHexString("68ebe3cb22c0"));

    private readonly byte[] _frame = new byte[FrameLength];
    private readonly List<ConnectionWriter> _writers = [];
    private Receiver _receiver = null!;
    private long _number;

    [Params(1, 10, 100, 1000)]
    public int Senders { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var track = Track.Of(_codec);
        _receiver = new Receiver(track);
        for (var i = 0; i < Senders; i++)
        {
            var writer = new ConnectionWriter(new NullTransport(), _pool, _ => { });
            _writers.Add(writer);
            _receiver.TryAttach(writer.CreateSender(track, _format));
        }

        for (var i = 0; i < 200; i++)
            FanOut();
    }

    [GlobalCleanup]
    public async Task CleanUpAsync()
    {
        _receiver.Close(CloseReason.Requested);
        foreach (var writer in _writers)
            await writer.DisposeAsync().ConfigureAwait(false);
        if (_writers.Exists(writer => writer.SentBytes < FrameLength * 200L))
            throw new InvalidOperationException("Not every viewer got every frame.");
    }

    [Benchmark]
    public long FanOut()
    {
        // A group of 60 frames, so that the group cache works as it does in a stream.
        var flags = _number % 60 == 0 ? PacketFlags.Keyframe | PacketFlags.StartsGroup : PacketFlags.None;
        var time = _number++ * 3000;
        var packet = _pool.CreatePacket(_frame, _codec, time, time, flags);
        _receiver.Push(packet);
        packet.Release();
        return _number;
    }
}
