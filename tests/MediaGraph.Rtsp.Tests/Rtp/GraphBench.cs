using System.Buffers;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>A hub on fake time whose streams go over RTP, in and out, without the messages of RTSP.</summary>
internal sealed class GraphBench : IAsyncDisposable
{
    private readonly List<Viewer> _viewers = [];

    public GraphBench(StreamHubOptions? options = null) =>
        Hub = new StreamHub((options ?? new StreamHubOptions()) with { Pool = new PacketPoolOptions { Diagnostics = true } }, timeProvider: Time);

    public FakeTimeProvider Time { get; } = new();

    public StreamHub Hub { get; }

    /// <summary>What a description says of a codec.</summary>
    public static SdpFormat FormatOf(Codec codec, int payloadType = 96)
    {
        var offer = new SdpOffer([(payloadType, codec)], "x");
        return SdpSession.TryParse(SdpWriter.Write("x", 1, [offer]), new RtspLimits(), out var session, out _)
            ? session.Medias[0].Format!
            : throw new InvalidOperationException("The description cannot be read.");
    }

    /// <summary>A viewer of all tracks, interleaved from channel 0 on, that has joined.</summary>
    public Viewer Join(string stream = "a")
    {
        var viewer = new Viewer(this, stream);
        _viewers.Add(viewer);
        return viewer;
    }

    /// <summary>Ends it; throws when memory is left over.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var viewer in _viewers)
            await viewer.DisposeAsync();
        await Hub.DisposeAsync();
        if (Hub.Pool.GetStatistics().OutstandingBuffers != 0)
            throw new InvalidOperationException($"A buffer is left.\n{Hub.Pool.DescribeOutstanding()}");
    }

    internal sealed class Viewer : IAsyncDisposable
    {
        private readonly MemoryTransport _client;
        private readonly ConnectionWriter _writer;
        private readonly List<byte> _bytes = [];
        private CloseReason? _failure;

        public Viewer(GraphBench bench, string stream)
        {
            (var server, _client) = MemoryTransport.CreatePair();
            _writer = new ConnectionWriter(server, bench.Hub.Pool, reason => _failure = reason, timeProvider: bench.Time);
            Output = new RtpOutput(bench.Hub.Pool, "viewer");
            Stream = bench.Hub.Find(stream)!;
            foreach (var offer in RtpOffer.Of(Stream))
                Output.Add(offer, (byte)(2 * Output.Offers.Count));
            Subscription = bench.Hub.Subscribe(new SubscribeRequest(stream), _writer, Output.Format);
            _writer.Hold();
            Subscription.Start();
        }

        public MediaStream Stream { get; }

        public RtpOutput Output { get; }

        public Subscription Subscription { get; }

        public CloseReason? Failure => Volatile.Read(ref _failure);

        public RtpConverter Converter(int track = 0) => Output.Offers[track].Receiver.Children.OfType<RtpConverter>().Single();

        /// <summary>Lets the media go.</summary>
        public Viewer Release()
        {
            _writer.ReleaseHold();
            return this;
        }

        /// <summary>The RTP packets that came so far on a channel, once nothing waits.</summary>
        public async Task<List<byte[]>> PacketsAsync(byte channel = 0)
        {
            Release();
            await Eventually.Async(() => _writer.GetStatistics().Depth == 0, "the queue is empty");
            while (_client.Input.TryRead(out var result))
            {
                _bytes.AddRange(result.Buffer.ToArray());
                _client.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted || result.Buffer.IsEmpty)
                    break;
            }

            var packets = new List<byte[]>();
            var all = _bytes.ToArray();
            for (var position = 0; position < all.Length;)
            {
                var length = (all[position + 2] << 8) | all[position + 3];
                if (all[position] != '$')
                    throw new InvalidOperationException("The framing is torn.");
                if (all[position + 1] == channel)
                    packets.Add(all[(position + 4)..(position + 4 + length)]);
                position += 4 + length;
            }

            return packets;
        }

        public async ValueTask DisposeAsync()
        {
            await Subscription.DisposeAsync();
            await _writer.DisposeAsync();
            await _client.DisposeAsync();
        }
    }
}
