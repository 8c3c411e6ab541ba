using MediaGraph.Codecs;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// AV1 (RTP Payload Format For AV1, v1.0): temporal units of open bitstream units with sizes (AV1 §5.2), without temporal delimiters.
/// </summary>
internal sealed class Av1Depacketizer(Codec codec, DepacketizerOptions options) : VideoDepacketizer(codec, options)
{
    private int _unitStart = -1; // where the unit in fragments starts in the frame
    private bool _hasPicture;
    private byte[] _sequenceHeader = [];

    // A fragment that is waited for belongs to the frame as well.
    protected override bool HasPicture => _hasPicture || _unitStart >= 0;

    protected override bool TryAdd(ReadOnlySpan<byte> payload)
    {
        // §4.4: Z, Y, W of two bits, N.
        var head = payload[0];
        var (isContinued, goesOn, count) = ((head & 0x80) != 0, (head & 0x40) != 0, (head >> 4) & 3);
        if (isContinued != (_unitStart >= 0))
            return false;
        var position = 1;
        for (var i = 1; position < payload.Length; i++)
        {
            var length = payload.Length - position;
            if (i != count && (!Av1Unit.TryReadSize(payload, ref position, out length) || length > payload.Length - position))
                return false;
            if (count != 0 && i > count)
                return false;
            if (_unitStart < 0)
                _unitStart = Frame.Length;
            if (!Frame.TryAppend(payload.Slice(position, length)))
                return false;
            position += length;
            var isUnfinished = goesOn && position == payload.Length;
            if (!isUnfinished && !TryEndUnit())
                return false;
        }

        return true;
    }

    protected override bool IsCertainStart(ReadOnlySpan<byte> payload)
    {
        var position = 1;
        if ((payload[0] & 0x80) != 0)
            return false;
        if (((payload[0] >> 4) & 3) != 1 && !Av1Unit.TryReadSize(payload, ref position, out _))
            return false;
        return position < payload.Length && Av1Unit.TypeOf(payload[position]) is Av1Unit.TemporalDelimiter or Av1Unit.SequenceHeader;
    }

    protected override bool TryFinish(out bool isKeyframe)
    {
        isKeyframe = Codec!.IsKeyframe(Frame.Span);
        return _unitStart < 0 && Frame.Length > 0;
    }

    protected override void Reset()
    {
        _unitStart = -1;
        _hasPicture = false;
    }

    // Gives the unit its size.
    private bool TryEndUnit()
    {
        var start = _unitStart;
        _unitStart = -1;
        if (Frame.Length == start)
            return true; // an element of no length
        var element = Frame.Span[start..];
        if (!Av1Unit.TryRead(element, 0, out var unit) || unit.PayloadStart + unit.PayloadLength != element.Length)
            return false;
        var type = Av1Unit.TypeOf(element[0]);
        if (type is Av1Unit.TemporalDelimiter or Av1Unit.TileList)
        {
            Frame.Truncate(start);
            return true;
        }

        if (type == Av1Unit.SequenceHeader)
            Update([(byte)(element[0] & ~Av1Unit.SizeFlag), .. element[1..unit.HeaderLength], .. element[unit.PayloadStart..]]);
        _hasPicture |= type is Av1Unit.Frame or Av1Unit.FrameHeader or Av1Unit.TileGroup;
        if ((element[0] & Av1Unit.SizeFlag) != 0)
            return true;

        var sizeLength = Av1Unit.MeasureSize(unit.PayloadLength);
        Span<byte> size = stackalloc byte[sizeLength];
        Av1Unit.WriteSize(size, unit.PayloadLength);
        if (!Frame.TryAppend(size)) // makes the room; what it says is moved to where it belongs
            return false;
        element = Frame.Span[start..];
        element[unit.PayloadStart..^sizeLength].CopyTo(element[(unit.PayloadStart + sizeLength)..]);
        size.CopyTo(element[unit.HeaderLength..]);
        element[0] |= Av1Unit.SizeFlag;
        return true;
    }

    private void Update(ReadOnlySpan<byte> sequenceHeader)
    {
        if (sequenceHeader.SequenceEqual(_sequenceHeader) || !Av1Configuration.TryBuild(sequenceHeader, out var record))
            return;
        _sequenceHeader = sequenceHeader.ToArray();
        var built = new Codec(MediaKind.Video, CodecNames.Av1, MediaGraph.Media.Codec.VideoClockRate, configuration: record);
        if (!built.HasSameParameters(Codec!))
            Codec = built;
    }
}
