using System.Buffers.Binary;

namespace MediaGraph.LoadTest;

/// <summary>
/// One track's RTP packets as one viewer gets them: what they carry goes to the check as it is, piece by piece, and a frame ends with the
/// marker or where the timestamp changes. A frame with a packet missing in its middle is torn: corruption over TCP, loss over UDP.
/// </summary>
internal sealed class RtpTrack(TrackCheck check, bool isUdp)
{
    private PacketFaults _faults;
    private bool _hasStarted;
    private ushort _next; // the sequence number that must come
    private bool _isOpen; // a frame is under way
    private uint _timestamp; // its
    private int _length; // what has come of it
    private bool _isTorn;
    private bool _isSlice; // the NAL unit that comes in fragments

    public PacketFaults Faults => _faults;

    /// <exception cref="InvalidDataException">It is no RTP packet.</exception>
    public void Take(ReadOnlySpan<byte> packet)
    {
        var payload = PayloadOf(packet);
        var sequence = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        var timestamp = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]);
        var jump = _hasStarted ? (short)(sequence - _next) : 0;
        if (jump < 0)
        {
            _faults.Late++;
            if (isUdp || (!_isOpen && timestamp == _timestamp))
                return; // a network may do that; what belongs to a frame that has ended begins none
        }

        _faults.Lost += Math.Max((int)jump, 0);
        _hasStarted = true;
        _next = (ushort)(sequence + 1);
        _isTorn |= _isOpen && jump != 0;
        if (_isOpen && timestamp != _timestamp)
            EndFrame();
        if (!_isOpen)
            Start(timestamp, isTorn: isUdp && jump != 0 && !IsStart(payload));
        if (!_isTorn && !payload.IsEmpty)
        {
            if (check.Track.IsVideo)
                TakeVideo(payload);
            else
                TakeAudio(payload);
        }

        if ((packet[1] & 0x80) != 0)
            EndFrame();
    }

    // RFC 3550, 5.1: sources, an extension and padding may stand around it.
    private static ReadOnlySpan<byte> PayloadOf(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < 12 || packet[0] >> 6 != 2)
            throw new InvalidDataException("This is no RTP packet.");
        var start = 12 + ((packet[0] & 0x0F) * 4);
        if ((packet[0] & 0x10) != 0 && packet.Length >= start + 4)
            start += 4 + (BinaryPrimitives.ReadUInt16BigEndian(packet[(start + 2)..]) * 4);
        var end = packet.Length - ((packet[0] & 0x20) != 0 ? packet[^1] : 0);
        return start <= end ? packet[start..end] : throw new InvalidDataException("An RTP packet is shorter than its header says.");
    }

    // All but the second and later fragments of a NAL unit, RFC 6184, 5.8.
    private bool IsStart(ReadOnlySpan<byte> payload) =>
        !check.Track.IsVideo || payload is not [_, _, ..] || (payload[0] & 0x1F) != 28 || (payload[1] & 0x80) != 0;

    private void Start(uint timestamp, bool isTorn)
    {
        _isOpen = true;
        _timestamp = timestamp;
        _isTorn = isTorn;
        _length = 0;
        _isSlice = true; // if its first fragment is missing, and no number, all else shows that
    }

    private void EndFrame()
    {
        _isOpen = false;
        if (_isTorn && isUdp)
            check.Abandon();
        else if (_isTorn)
            check.End(-1);
        else if (_length > 0)
            check.End(_length);
        _isTorn = false;
    }

    // RFC 6184: single NAL units, several in a packet (STAP-A), fragments of one (FU-A).
    private void TakeVideo(ReadOnlySpan<byte> payload)
    {
        switch (payload[0] & 0x1F)
        {
            case 24:
                for (var rest = payload[1..]; rest.Length >= 2;)
                {
                    var length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(rest), rest.Length - 2);
                    TakeNalUnit(rest.Slice(2, length));
                    rest = rest[(2 + length)..];
                }

                break;
            case 28 when payload.Length >= 2:
                if ((payload[1] & 0x80) != 0)
                {
                    var header = (byte)((payload[0] & 0xE0) | (payload[1] & 0x1F));
                    _isSlice = IsSlice(header);
                    if (_isSlice)
                        Append([header]);
                }

                if (_isSlice)
                    Append(payload[2..]);
                break;
            default:
                TakeNalUnit(payload);
                break;
        }
    }

    private void TakeNalUnit(ReadOnlySpan<byte> unit)
    {
        if (unit.IsEmpty)
            return;
        if (IsSlice(unit[0]))
            Append(unit);
        else if ((unit[0] & 0x1F) is 7 or 8)
            check.TakeParameterSet(unit);
    }

    // RFC 3640, 3.2.1 and 3.3.6: the length of all headers in bits; a header has 13 bits of length and 3 of index.
    private void TakeAudio(ReadOnlySpan<byte> payload)
    {
        var data = payload.Length < 2 ? -1 : 2 + (BinaryPrimitives.ReadUInt16BigEndian(payload) / 8);
        if (data < 4 || data > payload.Length)
            throw new InvalidDataException("An RTP packet has no header of AAC.");
        var rest = payload[data..];
        var headers = payload[2..data];
        if (headers.Length == 2 && Size(headers) > rest.Length)
        {
            Append(rest); // a fragment
            return;
        }

        for (; headers.Length >= 2; headers = headers[2..])
        {
            var size = Math.Min(Size(headers), rest.Length);
            Append(rest[..size]);
            check.End(_length);
            _length = 0;
            rest = rest[size..];
        }

        static int Size(ReadOnlySpan<byte> headers) => BinaryPrimitives.ReadUInt16BigEndian(headers) >> 3;
    }

    private static bool IsSlice(byte header) => (header & 0x1F) is 1 or 5;

    private void Append(ReadOnlySpan<byte> bytes)
    {
        check.Take(_length, bytes);
        _length += bytes.Length;
    }
}
