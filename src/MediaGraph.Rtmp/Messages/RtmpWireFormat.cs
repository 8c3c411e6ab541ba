using MediaGraph.Containers.Flv;
using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Chunking;

namespace MediaGraph.Rtmp.Messages;

/// <summary>How all viewers with the same message stream id get their packets.</summary>
internal sealed class RtmpWireFormat(uint messageStreamId, int chunkSize) : WireFormat
{
    public override string CodecNames => FlvTagBody.CodecNames;

    public override bool CanCarry(Codec codec) => FlvTagBody.CanCarry(codec);

    public override ImageFormat Frame { get; } = new RtmpImageFormat(messageStreamId, chunkSize, withParameters: false);

    public override ImageFormat FrameWithParameters { get; } = new RtmpImageFormat(messageStreamId, chunkSize, withParameters: true);

    public override PooledBuffer? WriteParameters(PacketPool pool, Codec codec, TimeSpan time, out int length)
    {
        length = 0;
        var bodyLength = FlvTagBody.MeasureParameters(codec);
        if (bodyLength == 0)
            return null;
        var timestamp = unchecked((uint)(long)time.TotalMilliseconds);
        var buffer = pool.Rent(ChunkWriter.Measure(bodyLength, timestamp, chunkSize));
        length = RtmpImageFormat.WriteParameters(codec, timestamp, messageStreamId, chunkSize, buffer.Span);
        return buffer;
    }
}
