using System.Buffers.Binary;
using System.Globalization;

namespace MediaGraph.LoadTest;

/// <summary>Writes one track's frames as interleaved RTP packets (RFC 2326, 10.12; RFC 6184; RFC 3640), and sender reports.</summary>
/// <param name="track">A bare one.</param>
/// <param name="index">Of the track: its packets are on channel 2 × index, its reports on the next.</param>
internal sealed class RtpWriter(SyntheticTrack track, int index)
{
    private const int PacketLength = 1400;
    private const int HeaderLength = 4 + 12; // with the four bytes of its channel and length
    private const int ReportLength = 4 + 28;

    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(5);

    // What the packets of a frame have before its bytes: FU-A's two, or AAC's length of headers and one header.
    private readonly int _overhead = track.IsVideo ? 2 : 4;

    private readonly int _clockRate = track.IsVideo ? 90_000 : 48_000;
    private ushort _sequence = (ushort)(0xFFF0 + index); // near its end, so that it starts anew in every run
    private uint _packets;
    private uint _bytes;
    private DateTimeOffset? _start; // when time was zero
    private TimeSpan _nextReport;

    /// <summary>What <see cref="Write"/> needs.</summary>
    public int LongestImage => ReportLength + track.LongestFrame + (((track.LongestFrame / PerPacket) + 1) * (HeaderLength + _overhead));

    private int PerPacket => PacketLength - 12 - _overhead;

    private uint Ssrc => 0x4C4F_4144 + (uint)index;

    private int PayloadType => 96 + index;

    /// <summary>The track in a session's description, RFC 8866.</summary>
    public string Describe()
    {
        var sets = track.ParameterSets;
        var format = track.IsVideo
            ? $"packetization-mode=1;profile-level-id={Convert.ToHexString(sets[0].AsSpan(1, 3))};"
                + $"sprop-parameter-sets={string.Join(',', sets.Select(Convert.ToBase64String))}"
            : $"profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config={Convert.ToHexString(sets[0])}";
        return string.Create(CultureInfo.InvariantCulture, $"""
            m={(track.IsVideo ? "video" : "audio")} 0 RTP/AVP {PayloadType}
            a=rtpmap:{PayloadType} {(track.IsVideo ? "H264/90000" : "MPEG4-GENERIC/48000/2")}
            a=fmtp:{PayloadType} {format}
            a=control:streamid={index}

            """).ReplaceLineEndings("\r\n");
    }

    /// <summary>Writes a frame and returns the length of its image.</summary>
    public int Write(TimeSpan time, ReadOnlySpan<byte> frame, Span<byte> image)
    {
        var timestamp = (uint)(long)Math.Round(time.TotalSeconds * _clockRate);
        var position = WriteReport(time, timestamp, image);
        if (!track.IsVideo || frame.Length <= PacketLength - 12)
        {
            if (!track.IsVideo)
            {
                var headers = image[(position + HeaderLength)..];
                BinaryPrimitives.WriteUInt16BigEndian(headers, 16);
                BinaryPrimitives.WriteUInt16BigEndian(headers[2..], (ushort)(frame.Length << 3));
            }

            return position + WritePacket(timestamp, isLast: true, track.IsVideo ? 0 : _overhead, frame, image[position..]);
        }

        var header = frame[0];
        for (var rest = frame[1..]; !rest.IsEmpty;)
        {
            var piece = rest[..Math.Min(PerPacket, rest.Length)];
            var isFirst = rest.Length == frame.Length - 1;
            rest = rest[piece.Length..];
            image[position + HeaderLength] = (byte)((header & 0xE0) | 28);
            image[position + HeaderLength + 1] = (byte)((header & 0x1F) | (isFirst ? 0x80 : 0) | (rest.IsEmpty ? 0x40 : 0));
            position += WritePacket(timestamp, rest.IsEmpty, _overhead, piece, image[position..]);
        }

        return position;
    }

    private int WritePacket(uint timestamp, bool isLast, int overhead, ReadOnlySpan<byte> bytes, Span<byte> packet)
    {
        var length = HeaderLength + overhead + bytes.Length;
        WriteChannel(packet, isReport: false, length);
        packet[4] = 0x80;
        packet[5] = (byte)(PayloadType | (isLast ? 0x80 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(packet[6..], _sequence++);
        BinaryPrimitives.WriteUInt32BigEndian(packet[8..], timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(packet[12..], Ssrc);
        bytes.CopyTo(packet[(HeaderLength + overhead)..]);
        _packets++;
        _bytes += (uint)(overhead + bytes.Length);
        return length;
    }

    // RFC 3550, 6.4.1; the wall clock is that of the frame's time, so that all tracks say the same.
    private int WriteReport(TimeSpan time, uint timestamp, Span<byte> report)
    {
        if (time < _nextReport)
            return 0;
        _nextReport = time + ReportInterval;
        _start ??= TimeProvider.System.GetUtcNow() - time;
        var wall = _start.Value + time - new DateTimeOffset(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);
        WriteChannel(report, isReport: true, ReportLength);
        report[4] = 0x80;
        report[5] = 200;
        BinaryPrimitives.WriteUInt16BigEndian(report[6..], 6);
        BinaryPrimitives.WriteUInt32BigEndian(report[8..], Ssrc);
        BinaryPrimitives.WriteUInt32BigEndian(report[12..], (uint)(wall.Ticks / TimeSpan.TicksPerSecond));
        BinaryPrimitives.WriteUInt32BigEndian(report[16..], (uint)((wall.Ticks % TimeSpan.TicksPerSecond << 32) / TimeSpan.TicksPerSecond));
        BinaryPrimitives.WriteUInt32BigEndian(report[20..], timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(report[24..], _packets);
        BinaryPrimitives.WriteUInt32BigEndian(report[28..], _bytes);
        return ReportLength;
    }

    private void WriteChannel(Span<byte> image, bool isReport, int length)
    {
        image[0] = (byte)'$';
        image[1] = (byte)((index * 2) + (isReport ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(image[2..], (ushort)(length - 4));
    }
}
