using MediaGraph.Codecs;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>H265 (RFC 7798): single NAL units, aggregation packets and fragmentation units, without decoding order numbers.</summary>
internal sealed class H265Packetizer(RtpSenderOptions options) : NalPacketizer(options)
{
    public const int AggregationPacket = 48;
    public const int FragmentationUnit = 49;

    protected override int HeaderLength => 2;

    protected override bool IsAggregate(ReadOnlySpan<byte> payload) => ((payload[0] >> 1) & 0x3F) == AggregationPacket;

    protected override NalRole RoleOf(ReadOnlySpan<byte> nalUnit) => H265Depacketizer.RoleOfNalUnit(nalUnit);

    protected override ReadOnlyMemory<byte>[] ReadSets(Codec codec) =>
        HevcConfiguration.TryParse(codec.Configuration.Span, out var configuration)
            ? [
                .. configuration.VideoParameterSets.Concat(configuration.SequenceParameterSets)
                    .Concat(configuration.PictureParameterSets).Where(set => set.Length > HeaderLength),
            ]
            : [];

    // §4.4.2: F of any, the lowest layer and the lowest temporal identifier of all.
    protected override void WriteAggregateHeader(Span<byte> destination, ReadOnlySpan<byte> firstHeader, ReadOnlySpan<byte> header)
    {
        var isFirst = destination[1] == 0;
        var before = isFirst ? firstHeader : destination;
        var layer = Math.Min(LayerOf(before), LayerOf(header));
        var temporal = Math.Min(before[1] & 7, header[1] & 7);
        var forbidden = (isFirst ? 0 : destination[0] & 0x80) | (header[0] & 0x80);
        destination[0] = (byte)(forbidden | (AggregationPacket << 1) | (layer >> 5));
        destination[1] = (byte)((layer << 3) | temporal);
    }

    protected override void WriteFragmentHeader(Span<byte> destination, ReadOnlySpan<byte> header, bool isFirst, bool isLast)
    {
        destination[0] = (byte)((header[0] & 0x81) | (FragmentationUnit << 1));
        destination[1] = header[1];
        destination[2] = (byte)((isFirst ? 0x80 : 0) | (isLast ? 0x40 : 0) | ((header[0] >> 1) & 0x3F));
    }

    private static int LayerOf(ReadOnlySpan<byte> header) => ((header[0] & 1) << 5) | (header[1] >> 3);
}
