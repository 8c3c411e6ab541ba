using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Chunking;

namespace MediaGraph.Rtmp.Messages;

/// <summary>
/// A packet as one RTMP message in chunks, behind the message with its codec's parameters if that is wanted. Each message begins
/// with a type-0 header, so the image holds nothing that differs between viewers of one message stream id.
/// </summary>
internal sealed class RtmpImageFormat(uint messageStreamId, int chunkSize, bool withParameters) : ImageFormat
{
    // Nearly every viewer uses the first message stream; who opens sixteen does not get sixteen images kept.
    public override bool IsShared => messageStreamId == 1;

    public override int Measure(MediaPacket packet)
    {
        var timestamp = Timestamp(packet);
        var length = ChunkWriter.Measure(FlvTagBody.MaxHeadLength + packet.Length, timestamp, chunkSize);
        var parameters = withParameters ? FlvTagBody.MeasureParameters(packet.Codec) : 0;
        return parameters == 0 ? length : length + ChunkWriter.Measure(parameters, timestamp, chunkSize);
    }

    public override int Write(MediaPacket packet, Span<byte> destination)
    {
        var timestamp = Timestamp(packet);
        var written = withParameters ? WriteParameters(packet.Codec, timestamp, messageStreamId, chunkSize, destination) : 0;
        Span<byte> head = stackalloc byte[FlvTagBody.MaxHeadLength];
        head = head[..FlvTagBody.WriteHead(packet, head)];
        var kind = packet.Codec.Kind;
        return written + ChunkWriter.Write(
            destination[written..], ChunkStreamId(kind), timestamp, (RtmpMessageType)FlvTagBody.TypeOf(kind), messageStreamId, head,
            packet.Payload.Span, chunkSize);
    }

    /// <summary>Writes the message with a codec's parameters; 0 bytes for a codec that has none.</summary>
    public static int WriteParameters(Codec codec, uint timestamp, uint messageStreamId, int chunkSize, Span<byte> destination)
    {
        var length = FlvTagBody.MeasureParameters(codec);
        if (length == 0)
            return 0;
        var body = length <= 512 ? stackalloc byte[length] : new byte[length]; // a change of codec is rare
        FlvTagBody.WriteParameters(codec, body);
        return ChunkWriter.Write(
            destination, ChunkStreamId(codec.Kind), timestamp, (RtmpMessageType)FlvTagBody.TypeOf(codec.Kind), messageStreamId, body,
            [], chunkSize);
    }

    private static int ChunkStreamId(MediaKind kind) => kind switch
    {
        MediaKind.Audio => 4,
        MediaKind.Video => 6,
        _ => 7,
    };

    private static uint Timestamp(MediaPacket packet) => unchecked((uint)FlvTagBody.Milliseconds(packet));
}
