using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>AV1 (RTP Payload Format For AV1, v1.0): units without their sizes, several in a packet or one in several.</summary>
internal sealed class Av1Packetizer(RtpSenderOptions options) : Packetizer(options)
{
    private const int MaxCounted = 3; // elements that W can count; with more, each has its length
    private const int LeastFragment = 16; // a shorter beginning of a unit waits for the next packet

    private readonly List<(Av1Unit Unit, int Start, int Length)> _elements = []; // of the packet, with the part of the unit
    private readonly List<Av1Unit> _units = [];

    protected override void Cut(ReadOnlySpan<byte> frame, Codec codec, bool isKeyframe)
    {
        if (!TryRead(frame))
            return;
        var startsSequence = isKeyframe && Av1Unit.TypeOf(frame[_units[0].Start]) == Av1Unit.SequenceHeader;
        var offset = 0; // in the unit whose turn it is
        for (var i = 0; i < _units.Count;)
        {
            _elements.Clear();
            var isContinued = offset > 0;
            for (var room = Room - 1; i < _units.Count;)
            {
                var left = _units[i].ElementLength - offset;
                var needed = Av1Unit.MeasureSize(left) + left;
                if (needed <= room)
                {
                    _elements.Add((_units[i++], offset, left));
                    room -= needed;
                    offset = 0;
                    continue;
                }

                var part = room - Av1Unit.MeasureSize(room);
                if (part >= LeastFragment || _elements.Count == 0)
                {
                    _elements.Add((_units[i], offset, part));
                    offset += part;
                }

                break;
            }

            Emit(frame, isContinued, goesOn: offset > 0, startsSequence);
            startsSequence = false;
        }
    }

    private bool TryRead(ReadOnlySpan<byte> frame)
    {
        _units.Clear();
        var hasPicture = false;
        for (var position = 0; position < frame.Length;)
        {
            if (!Av1Unit.TryRead(frame, position, out var unit))
                return false;
            position = unit.PayloadStart + unit.PayloadLength;
            var type = Av1Unit.TypeOf(frame[unit.Start]);
            if (type is Av1Unit.TemporalDelimiter or Av1Unit.TileList)
                continue; // §5: shall not be sent
            hasPicture |= type is Av1Unit.Frame or Av1Unit.FrameHeader or Av1Unit.TileGroup;
            _units.Add(unit);
        }

        return hasPicture;
    }

    private void Emit(ReadOnlySpan<byte> frame, bool isContinued, bool goesOn, bool startsSequence)
    {
        var count = _elements.Count <= MaxCounted ? _elements.Count : 0;
        var total = 1;
        for (var i = 0; i < _elements.Count; i++)
            total += _elements[i].Length + (i + 1 == count ? 0 : Av1Unit.MeasureSize(_elements[i].Length));
        var packet = Append(total);
        packet[0] = (byte)((isContinued ? 0x80 : 0) | (goesOn ? 0x40 : 0) | (count << 4) | (startsSequence ? 0x08 : 0));
        var rest = packet[1..];
        for (var i = 0; i < _elements.Count; i++)
        {
            var (unit, start, length) = _elements[i];
            if (i + 1 != count)
            {
                Av1Unit.WriteSize(rest, length);
                rest = rest[Av1Unit.MeasureSize(length)..];
            }

            for (var j = 0; j < length; j++)
            {
                // The header, without what says that a size follows, and then the payload behind that size.
                var position = start + j;
                if (position >= unit.HeaderLength)
                {
                    frame.Slice(unit.PayloadStart + position - unit.HeaderLength, length - j).CopyTo(rest[j..]);
                    break;
                }

                rest[j] = position == 0 ? (byte)(frame[unit.Start] & ~Av1Unit.SizeFlag) : frame[unit.Start + 1];
            }

            rest = rest[length..];
        }
    }
}
