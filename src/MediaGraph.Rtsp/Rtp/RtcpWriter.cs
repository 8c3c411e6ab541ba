using System.Buffers.Binary;
using System.Text;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>Writes a compound RTCP packet (RFC 3550 §6.1): a report, then who sends it, then perhaps that it leaves.</summary>
internal static class RtcpWriter
{
    /// <summary>The most that one compound with a single report block takes, in bytes.</summary>
    public const int MaxLength = 28 + ReceptionReport.Length + 12 + MaxNameLength + 8;

    /// <summary>The longest canonical name, in bytes of UTF-8.</summary>
    public const int MaxNameLength = 255;

    /// <summary>Writes a sender report with its description, and a goodbye where the sender leaves.</summary>
    /// <param name="destination">At least <see cref="MaxLength"/> bytes.</param>
    /// <param name="report">The report.</param>
    /// <param name="canonicalName">The same for all tracks of a sender, at most <see cref="MaxNameLength"/> bytes of UTF-8.</param>
    /// <param name="isLeaving">Whether a goodbye follows.</param>
    /// <returns>The bytes written.</returns>
    public static int Write(Span<byte> destination, in SenderReport report, string canonicalName, bool isLeaving = false)
    {
        WriteHead(destination, RtcpPacketType.SenderReport, 0, 28);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], report.Ssrc);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], report.NtpTime);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], report.RtpTime);
        BinaryPrimitives.WriteUInt32BigEndian(destination[20..], report.Packets);
        BinaryPrimitives.WriteUInt32BigEndian(destination[24..], report.Bytes);
        return 28 + WriteTail(destination[28..], report.Ssrc, canonicalName, isLeaving);
    }

    /// <summary>Writes a receiver report.</summary>
    /// <param name="ssrc">Who reports.</param>
    /// <param name="report">Of whom; null before anything came.</param>
    /// <inheritdoc cref="Write(Span{byte}, in SenderReport, string, bool)"/>
    public static int Write(
        Span<byte> destination, uint ssrc, in ReceptionReport? report, string canonicalName, bool isLeaving = false)
    {
        var length = 8;
        if (report is { } block)
        {
            var rest = destination[8..];
            BinaryPrimitives.WriteUInt32BigEndian(rest, block.Ssrc);
            BinaryPrimitives.WriteInt32BigEndian(rest[4..], block.Lost & 0xFFFFFF);
            rest[4] = block.FractionLost;
            BinaryPrimitives.WriteUInt32BigEndian(rest[8..], block.HighestSequence);
            BinaryPrimitives.WriteUInt32BigEndian(rest[12..], block.Jitter);
            BinaryPrimitives.WriteUInt32BigEndian(rest[16..], block.LastSenderReport);
            BinaryPrimitives.WriteUInt32BigEndian(rest[20..], block.Delay);
            length += ReceptionReport.Length;
        }

        WriteHead(destination, RtcpPacketType.ReceiverReport, report is null ? 0 : 1, length);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], ssrc);
        return length + WriteTail(destination[length..], ssrc, canonicalName, isLeaving);
    }

    private static int WriteTail(Span<byte> destination, uint ssrc, string canonicalName, bool isLeaving)
    {
        var nameLength = Encoding.UTF8.GetByteCount(canonicalName);
        if (nameLength > MaxNameLength)
            throw new ArgumentException("A canonical name has at most 255 bytes.", nameof(canonicalName));
        var length = (10 + nameLength + 4) & ~3; // with at least one zero behind the item
        destination[..length].Clear();
        WriteHead(destination, RtcpPacketType.SourceDescription, 1, length);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], ssrc);
        (destination[8], destination[9]) = (1, (byte)nameLength);
        Encoding.UTF8.GetBytes(canonicalName, destination[10..]);
        if (!isLeaving)
            return length;
        WriteHead(destination[length..], RtcpPacketType.Goodbye, 1, 8);
        BinaryPrimitives.WriteUInt32BigEndian(destination[(length + 4)..], ssrc);
        return length + 8;
    }

    private static void WriteHead(Span<byte> destination, RtcpPacketType type, int count, int length)
    {
        destination[0] = (byte)(0x80 | count);
        destination[1] = (byte)type;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)((length / 4) - 1));
    }
}
