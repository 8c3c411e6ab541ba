using System.Buffers.Binary;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>The header of an RTP packet (RFC 3550 §5.1), without its list of contributing sources and its extension.</summary>
/// <param name="PayloadType">What the payload is, 0 to 127.</param>
/// <param name="Marker">For video: the packet ends an access unit.</param>
/// <param name="SequenceNumber">Grows by one with each packet, and wraps.</param>
/// <param name="Timestamp">When the payload is presented, in ticks of the payload's clock from a random start; wraps.</param>
/// <param name="Ssrc">Who sends.</param>
internal readonly record struct RtpHeader(byte PayloadType, bool Marker, ushort SequenceNumber, uint Timestamp, uint Ssrc)
{
    /// <summary>Bytes that <see cref="Write"/> writes, and the least that a packet has.</summary>
    public const int Length = 12;

    private const int Version = 2;

    /// <summary>Parses a packet. Contributing sources, an extension of any profile, and padding are passed over.</summary>
    /// <param name="packet">The whole packet.</param>
    /// <param name="header">Its header.</param>
    /// <param name="payload">Its payload; may be empty.</param>
    /// <returns>False when it is of another version, or its lengths do not fit into it.</returns>
    public static bool TryParse(ReadOnlySpan<byte> packet, out RtpHeader header, out ReadOnlySpan<byte> payload)
    {
        header = default;
        payload = default;
        if (packet.Length < Length || packet[0] >> 6 != Version)
            return false;
        var start = Length + (4 * (packet[0] & 0xF));
        if ((packet[0] & 0x10) != 0)
        {
            if (packet.Length < start + 4)
                return false;
            start += 4 + (4 * BinaryPrimitives.ReadUInt16BigEndian(packet[(start + 2)..]));
        }

        // The padding counts its own last byte, so 0 is no count (§A.1).
        var padding = (packet[0] & 0x20) != 0 ? packet[^1] : 0;
        if (start + padding > packet.Length || (padding == 0 && (packet[0] & 0x20) != 0))
            return false;
        header = new RtpHeader(
            (byte)(packet[1] & 0x7F), (packet[1] & 0x80) != 0, BinaryPrimitives.ReadUInt16BigEndian(packet[2..]),
            BinaryPrimitives.ReadUInt32BigEndian(packet[4..]), BinaryPrimitives.ReadUInt32BigEndian(packet[8..]));
        payload = packet[start..(packet.Length - padding)];
        return true;
    }

    /// <summary>Writes the header, with no contributing sources, extension or padding.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        destination[0] = Version << 6;
        destination[1] = (byte)((PayloadType & 0x7F) | (Marker ? 0x80 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], SequenceNumber);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], Timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Ssrc);
    }
}
