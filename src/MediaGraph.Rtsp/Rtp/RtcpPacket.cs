using System.Buffers.Binary;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>One packet of a compound RTCP packet (RFC 3550 §6). Accepts any bytes.</summary>
/// <param name="type">What it is.</param>
/// <param name="count">The five bits of its header: reports, chunks or sources.</param>
/// <param name="body">What follows the header, without padding.</param>
internal readonly ref struct RtcpPacket(RtcpPacketType type, int count, ReadOnlySpan<byte> body)
{
    private const int SenderReportLength = 24; // without report blocks
    private const int CanonicalName = 1;

    private readonly ReadOnlySpan<byte> _body = body;

    public RtcpPacketType Type { get; } = type;

    /// <summary>
    /// Whether a packet on a port, or channel, that carries both is RTCP (RFC 5761 §4): RTP's payload types stay clear of its types.
    /// </summary>
    public static bool IsRtcp(ReadOnlySpan<byte> packet) => packet.Length >= 4 && packet[0] >> 6 == 2 && packet[1] is >= 192 and <= 223;

    /// <summary>Takes the next packet off a compound.</summary>
    /// <returns>False when there is none left, or the rest is malformed.</returns>
    public static bool TryRead(ref ReadOnlySpan<byte> compound, out RtcpPacket packet)
    {
        packet = default;
        if (!IsRtcp(compound))
            return false;
        var length = 4 * (1 + BinaryPrimitives.ReadUInt16BigEndian(compound[2..]));
        if (length > compound.Length)
            return false;
        var padding = (compound[0] & 0x20) != 0 ? compound[length - 1] : 0;
        if (padding > length - 4)
            return false;
        packet = new RtcpPacket((RtcpPacketType)compound[1], compound[0] & 0x1F, compound[4..(length - padding)]);
        compound = compound[length..];
        return true;
    }

    /// <summary>Reads the sender's part of a sender report.</summary>
    public bool TryReadSenderReport(out SenderReport report)
    {
        report = default;
        if (Type != RtcpPacketType.SenderReport || _body.Length < SenderReportLength)
            return false;
        report = new SenderReport(
            BinaryPrimitives.ReadUInt32BigEndian(_body), BinaryPrimitives.ReadUInt64BigEndian(_body[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(_body[12..]), BinaryPrimitives.ReadUInt32BigEndian(_body[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(_body[20..]));
        return true;
    }

    /// <summary>Reads a report block of a sender report or receiver report.</summary>
    /// <param name="index">From 0 on.</param>
    /// <param name="report">The block.</param>
    /// <returns>False when there are not so many.</returns>
    public bool TryReadReport(int index, out ReceptionReport report)
    {
        report = default;
        var start = Type switch
        {
            RtcpPacketType.SenderReport => SenderReportLength,
            RtcpPacketType.ReceiverReport => 4,
            _ => -1,
        };
        if (start < 0 || index < 0 || index >= count || _body.Length < start + ((index + 1) * ReceptionReport.Length))
            return false;
        var block = _body[(start + (index * ReceptionReport.Length))..];
        report = new ReceptionReport(
            BinaryPrimitives.ReadUInt32BigEndian(block), block[4], BinaryPrimitives.ReadInt32BigEndian(block[4..]) << 8 >> 8,
            BinaryPrimitives.ReadUInt32BigEndian(block[8..]), BinaryPrimitives.ReadUInt32BigEndian(block[12..]),
            BinaryPrimitives.ReadUInt32BigEndian(block[16..]), BinaryPrimitives.ReadUInt32BigEndian(block[20..]));
        return true;
    }

    /// <summary>Whether a source says in this packet that it leaves (§6.6).</summary>
    public bool IsGoodbyeOf(uint ssrc)
    {
        if (Type != RtcpPacketType.Goodbye)
            return false;
        for (var i = 0; i < count && _body.Length >= (i + 1) * 4; i++)
        {
            if (BinaryPrimitives.ReadUInt32BigEndian(_body[(i * 4)..]) == ssrc)
                return true;
        }

        return false;
    }

    /// <summary>Finds a source's canonical name, in UTF-8, in its description (§6.5.1): the same for all tracks of a sender.</summary>
    public bool TryReadCanonicalName(uint ssrc, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (Type != RtcpPacketType.SourceDescription)
            return false;
        var position = 0;
        for (var chunk = 0; chunk < count && position + 4 <= _body.Length; chunk++)
        {
            var isWanted = BinaryPrimitives.ReadUInt32BigEndian(_body[position..]) == ssrc;
            position += 4;
            while (position < _body.Length && _body[position] != 0)
            {
                if (position + 2 > _body.Length || position + 2 + _body[position + 1] > _body.Length)
                    return false;
                if (isWanted && _body[position] == CanonicalName)
                {
                    name = _body.Slice(position + 2, _body[position + 1]);
                    return true;
                }

                position += 2 + _body[position + 1];
            }

            position = (position + 4) & ~3; // at least one zero ends the list, and the chunk ends on a word
        }

        return false;
    }
}
