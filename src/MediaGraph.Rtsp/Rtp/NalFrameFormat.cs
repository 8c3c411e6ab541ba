using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Makes a frame of H264 or H265 of the packets that a <see cref="NalDepacketizer"/> has looked through and found whole: for those who want
/// frames, when they want them.
/// </summary>
internal sealed class NalFrameFormat : ImageFormat
{
    private const int FirstFragment = 0x80;
    private const int LastFragment = 0x40;

    private readonly bool _isH265;
    private readonly int _headerLength;

    private NalFrameFormat(bool isH265) => (_isH265, _headerLength) = (isH265, isH265 ? 2 : 1);

    public static NalFrameFormat H264 { get; } = new(isH265: false);

    public static NalFrameFormat H265 { get; } = new(isH265: true);

    public override int Measure(MediaPacket packet) => packet.Length;

    public override int Write(MediaPacket packet, Span<byte> destination)
    {
        var run = packet.Stored.Span;
        var position = 0;
        var start = 0; // of the NAL unit in fragments
        while (RtpRun.TryReadInterleaved(ref run, out var rtp))
        {
            var payload = rtp[RtpHeader.Length..];
            if (payload.Length < _headerLength)
                continue; // a unit may be nothing but its header
            var type = _isH265 ? (payload[0] >> 1) & 0x3F : payload[0] & 0x1F;
            if (type == (_isH265 ? H265Packetizer.AggregationPacket : H264Packetizer.AggregationPacket))
            {
                for (var rest = payload[_headerLength..]; rest.Length >= 2;)
                {
                    var length = BinaryPrimitives.ReadUInt16BigEndian(rest);
                    WriteUnit(rest.Slice(2, length), destination, ref position);
                    rest = rest[(2 + length)..];
                }
            }
            else if (type == (_isH265 ? H265Packetizer.FragmentationUnit : H264Packetizer.FragmentationUnit))
            {
                var head = payload[_headerLength];
                if ((head & FirstFragment) != 0)
                {
                    start = position;
                    position += NalUnits.LengthSize;
                    WriteHeader(payload, destination, ref position);
                }

                Append(payload[(_headerLength + 1)..], destination, ref position);
                if ((head & LastFragment) != 0)
                    BinaryPrimitives.WriteInt32BigEndian(destination[start..], position - start - NalUnits.LengthSize);
            }
            else
            {
                WriteUnit(payload, destination, ref position);
            }
        }

        return position;
    }

    private static void Append(ReadOnlySpan<byte> bytes, Span<byte> destination, ref int position)
    {
        bytes.CopyTo(destination[position..]);
        position += bytes.Length;
    }

    private void WriteHeader(ReadOnlySpan<byte> payload, Span<byte> destination, ref int position)
    {
        if (_isH265)
        {
            destination[position++] = (byte)((payload[0] & 0x81) | ((payload[2] & 0x3F) << 1));
            destination[position++] = payload[1];
        }
        else
        {
            destination[position++] = (byte)((payload[0] & 0xE0) | (payload[1] & 0x1F));
        }
    }

    private void WriteUnit(ReadOnlySpan<byte> nalUnit, Span<byte> destination, ref int position)
    {
        if (nalUnit.Length < _headerLength)
            return;
        var role = _isH265 ? H265Depacketizer.RoleOfNalUnit(nalUnit) : H264Depacketizer.RoleOfNalUnit(nalUnit);
        if (role is NalRole.Nothing or NalRole.ParameterSet)
            return; // parameter sets are the codec's
        BinaryPrimitives.WriteInt32BigEndian(destination[position..], nalUnit.Length);
        position += NalUnits.LengthSize;
        Append(nalUnit, destination, ref position);
    }
}
