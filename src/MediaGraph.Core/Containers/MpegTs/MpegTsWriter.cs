using System.Buffers.Binary;
using System.Collections.Immutable;

namespace MediaGraph.Containers.MpegTs;

/// <summary>
/// Writes a transport stream with one program (ISO/IEC 13818-1): its tables, and a PES packet per unit. It has no clock references: whoever
/// reads it takes it as it comes. Not thread-safe.
/// </summary>
public sealed class MpegTsWriter
{
    /// <summary>Bytes of the tables: a packet each.</summary>
    public const int TablesLength = 2 * MpegTsReader.PacketLength;

    /// <summary>The streams of a program whose map still fits into one packet.</summary>
    public const int MaxStreams = 32;

    private const int PmtPid = 0x12;
    private const int HeaderLength = 4;
    private const int MaxPayload = MpegTsReader.PacketLength - HeaderLength;
    private const int PesHeaderLength = 14; // with a presentation time
    private const byte VideoStreamId = 0xE0;
    private const byte AudioStreamId = 0xC0;

    private readonly ImmutableArray<MpegTsStream> _streams;
    private readonly byte[] _counters;
    private byte _tablesCounter;

    /// <summary>Creates a writer.</summary>
    /// <param name="streams">The streams of the program: 1 to 32, with different PIDs. The clock's PID is the first one's.</param>
    /// <exception cref="ArgumentException">They are not so.</exception>
    public MpegTsWriter(params ReadOnlySpan<MpegTsStream> streams)
    {
        _streams = [.. streams];
        if (_streams.Length is < 1 or > MaxStreams || _streams.DistinctBy(stream => stream.Pid).Count() != _streams.Length ||
            _streams.Any(stream => stream.Pid is < 0x10 or PmtPid or > 0x1FFE))
            throw new ArgumentException("A program has 1 to 32 streams with PIDs of their own.", nameof(streams));
        _counters = new byte[_streams.Length];
    }

    /// <summary>How many bytes <see cref="WriteUnit"/> writes.</summary>
    /// <param name="length">Bytes of the unit.</param>
    public static int MeasureUnit(int length) => (PesHeaderLength + length + MaxPayload - 1) / MaxPayload * MpegTsReader.PacketLength;

    /// <summary>Writes the program's association and map: <see cref="TablesLength"/> bytes.</summary>
    public void WriteTables(Span<byte> destination)
    {
        // program_association_section (§2.4.4.3): program 1 has its map at its PID.
        Span<byte> section = stackalloc byte[MaxPayload];
        ((ReadOnlySpan<byte>)[0x00, 0xB0, 13, 0x00, 0x01, 0xC1, 0x00, 0x00, 0x00, 0x01, 0xE0 | (PmtPid >> 8), PmtPid]).CopyTo(section);
        WriteSection(destination[..MpegTsReader.PacketLength], 0, section, 12);

        // TS_program_map_section (§2.4.4.8).
        var length = 12;
        var sectionLength = (byte)(13 + (5 * _streams.Length));
        ((ReadOnlySpan<byte>)[0x02, 0xB0, sectionLength, 0x00, 0x01, 0xC1, 0x00, 0x00, 0, 0, 0xF0, 0x00]).CopyTo(section);
        BinaryPrimitives.WriteUInt16BigEndian(section[8..], (ushort)(0xE000 | _streams[0].Pid));
        foreach (var stream in _streams)
        {
            section[length] = stream.Type;
            BinaryPrimitives.WriteUInt16BigEndian(section[(length + 1)..], (ushort)(0xE000 | stream.Pid));
            BinaryPrimitives.WriteUInt16BigEndian(section[(length + 3)..], 0xF000);
            length += 5;
        }

        WriteSection(destination[MpegTsReader.PacketLength..TablesLength], PmtPid, section, length);
        _tablesCounter = (byte)((_tablesCounter + 1) & 0xF);
    }

    /// <summary>Writes a unit as one PES packet, and returns the bytes written.</summary>
    /// <param name="stream">Counts the streams from 0.</param>
    /// <param name="presentationTime">In ticks of 90 kHz; its lower 33 bits are written.</param>
    /// <param name="data">The unit.</param>
    /// <param name="destination">At least as long as <see cref="MeasureUnit"/> says; must not overlap the unit.</param>
    public int WriteUnit(int stream, long presentationTime, ReadOnlySpan<byte> data, Span<byte> destination)
    {
        Span<byte> header = stackalloc byte[PesHeaderLength];
        WritePesHeader(header, _streams[stream].Type, presentationTime, data.Length);
        var written = 0;
        do
        {
            var packet = destination.Slice(written, MpegTsReader.PacketLength);
            var payload = Math.Min(MaxPayload, header.Length + data.Length);
            BinaryPrimitives.WriteUInt32BigEndian(packet, Header(_streams[stream].Pid, isStart: written == 0, _counters[stream]));
            _counters[stream] = (byte)((_counters[stream] + 1) & 0xF);
            var stuffing = MaxPayload - payload;
            if (stuffing > 0)
            {
                packet[3] |= 0x20; // an adaptation field of its length, its flags, and nothing
                packet.Slice(HeaderLength, stuffing).Fill(0xFF);
                packet[HeaderLength] = (byte)(stuffing - 1);
                if (stuffing > 1)
                    packet[HeaderLength + 1] = 0;
            }

            var place = packet[(HeaderLength + stuffing)..];
            header.CopyTo(place);
            var taken = payload - header.Length;
            data[..taken].CopyTo(place[header.Length..]);
            header = default;
            data = data[taken..];
            written += MpegTsReader.PacketLength;
        }
        while (!data.IsEmpty);
        return written;
    }

    private static uint Header(int pid, bool isStart, byte counter) =>
        ((uint)MpegTsReader.Sync << 24) | (isStart ? 0x40_0000u : 0) | ((uint)pid << 8) | 0x10 | counter;

    private static void WritePesHeader(Span<byte> header, byte type, long time, int dataLength)
    {
        var isVideo = type is MpegTsStreamType.H264 or MpegTsStreamType.H265;
        var length = PesHeaderLength - 6 + dataLength;
        BinaryPrimitives.WriteUInt32BigEndian(header, 0x100u | (isVideo ? VideoStreamId : AudioStreamId));
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(length > ushort.MaxValue ? 0 : length)); // 0: up to the next one
        header[6] = 0x80;
        header[7] = 0x80; // a presentation time
        header[8] = 5;
        header[9] = (byte)(0x21 | ((time >> 29) & 0x0E));
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], (ushort)((time >> 14) | 1));
        BinaryPrimitives.WriteUInt16BigEndian(header[12..], (ushort)((time << 1) | 1));
    }

    private void WriteSection(Span<byte> packet, int pid, Span<byte> section, int length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(section[length..], MpegTsCrc.Of(section[..length]));
        BinaryPrimitives.WriteUInt32BigEndian(packet, Header(pid, isStart: true, _tablesCounter));
        packet[HeaderLength..].Fill(0xFF);
        packet[HeaderLength] = 0; // pointer_field
        section[..(length + SectionAssembler.CrcLength)].CopyTo(packet[(HeaderLength + 1)..]);
    }
}
