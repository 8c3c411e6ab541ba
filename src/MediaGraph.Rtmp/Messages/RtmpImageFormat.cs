using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Chunking;

namespace MediaGraph.Rtmp.Messages;

/// <summary>
/// A packet as one RTMP message in chunks, behind the message with its codec's parameters if that is wanted. Each message begins
/// with a type-0 header, so the image holds nothing that differs between viewers of one message stream id.
/// </summary>
internal sealed class RtmpImageFormat(uint messageStreamId, int chunkSize, FlvForm form, bool isPublished, bool withParameters) : ImageFormat
{
    // AMF0 strings.
    private static ReadOnlySpan<byte> SetDataFrame => "\u0002\0\r@setDataFrame"u8;

    private static ReadOnlySpan<byte> OnMetaData => "\u0002\0\nonMetaData"u8;

    // Nearly every viewer uses the first message stream; who opens sixteen does not get sixteen images kept.
    public override bool IsShared => messageStreamId == 1;

    public override int Measure(MediaPacket packet)
    {
        var timestamp = Timestamp(packet);
        var length = ChunkWriter.Measure(HeadLength(packet) + packet.Length, timestamp, chunkSize);
        var parameters = withParameters ? FlvTagBody.MeasureParameters(packet.Codec, form) : 0;
        return parameters == 0 ? length : length + ChunkWriter.Measure(parameters, timestamp, chunkSize);
    }

    public override int Write(MediaPacket packet, Span<byte> destination)
    {
        var timestamp = Timestamp(packet);
        var written = withParameters ? WriteParameters(packet.Codec, timestamp, destination) : 0;
        Span<byte> space = stackalloc byte[FlvTagBody.MaxHeadLength];
        var head = IsPublishedMetadata(packet) ? SetDataFrame : space[..FlvTagBody.WriteHead(packet, space, form)];
        var type = FlvTagBody.TypeOf(packet.Codec);
        return written + ChunkWriter.Write(
            destination[written..], ChunkStreamId(type), timestamp, (RtmpMessageType)type, messageStreamId, head, packet.Payload.Span, chunkSize);
    }

    /// <summary>The message with a codec's parameters alone; null for a codec that has none.</summary>
    public PooledBuffer? WriteParameters(PacketPool pool, Codec codec, TimeSpan time, out int length)
    {
        length = 0;
        var bodyLength = FlvTagBody.MeasureParameters(codec, form);
        if (bodyLength == 0)
            return null;
        var timestamp = unchecked((uint)(long)time.TotalMilliseconds);
        var buffer = pool.Rent(ChunkWriter.Measure(bodyLength, timestamp, chunkSize));
        length = WriteParameters(codec, timestamp, buffer.Span);
        return buffer;
    }

    // A server keeps what it is told to keep; players are given the metadata itself.
    private bool IsPublishedMetadata(MediaPacket packet) =>
        isPublished && packet.Codec.Name == CodecNames.RtmpData && packet.Payload.Span.StartsWith(OnMetaData);

    private int HeadLength(MediaPacket packet) => IsPublishedMetadata(packet) ? SetDataFrame.Length : FlvTagBody.MaxHeadLength;

    private int WriteParameters(Codec codec, uint timestamp, Span<byte> destination)
    {
        var length = FlvTagBody.MeasureParameters(codec, form);
        if (length == 0)
            return 0;
        var body = length <= 512 ? stackalloc byte[length] : new byte[length]; // a change of codec is rare
        FlvTagBody.WriteParameters(codec, body, form);
        var type = FlvTagBody.TypeOf(codec);
        return ChunkWriter.Write(destination, ChunkStreamId(type), timestamp, (RtmpMessageType)type, messageStreamId, body, [], chunkSize);
    }

    private static int ChunkStreamId(FlvTagType type) => type switch
    {
        FlvTagType.Audio => 4,
        FlvTagType.Video => 6,
        _ => 7,
    };

    private uint Timestamp(MediaPacket packet) => unchecked((uint)FlvTagBody.Milliseconds(packet, form));
}
