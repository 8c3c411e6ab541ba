using MediaGraph.Codecs;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>H264 in packetization mode 1 (RFC 6184 §6.3): single NAL units, STAP-A and FU-A.</summary>
internal sealed class H264Packetizer(RtpSenderOptions options) : NalPacketizer(options)
{
    public const int AggregationPacket = 24;
    public const int FragmentationUnit = 28;

    protected override int HeaderLength => 1;

    protected override bool IsAggregate(ReadOnlySpan<byte> payload) => (payload[0] & 0x1F) == AggregationPacket;

    protected override NalRole RoleOf(ReadOnlySpan<byte> nalUnit) => H264Depacketizer.RoleOfNalUnit(nalUnit);

    protected override ReadOnlyMemory<byte>[] ReadSets(Codec codec) =>
        AvcConfiguration.TryParse(codec.Configuration.Span, out var configuration)
            ? [.. configuration.SequenceParameterSets, .. configuration.PictureParameterSets]
            : [];

    // §5.7: forbidden_zero_bit of any, the highest nal_ref_idc of all.
    protected override void WriteAggregateHeader(Span<byte> destination, ReadOnlySpan<byte> firstHeader, ReadOnlySpan<byte> header) =>
        destination[0] = (byte)(
            ((destination[0] | header[0]) & 0x80) | Math.Max(destination[0] & 0x60, header[0] & 0x60) | AggregationPacket);

    protected override void WriteFragmentHeader(Span<byte> destination, ReadOnlySpan<byte> header, bool isFirst, bool isLast)
    {
        destination[0] = (byte)((header[0] & 0xE0) | FragmentationUnit);
        destination[1] = (byte)((isFirst ? 0x80 : 0) | (isLast ? 0x40 : 0) | (header[0] & 0x1F));
    }
}
