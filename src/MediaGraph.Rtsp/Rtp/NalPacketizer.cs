using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What is common to H264 and H265: pictures go by themselves or in fragments, what is small before them together; a keyframe that
/// brings no parameter sets is given the codec's, so that who joins there has them.
/// </summary>
internal abstract class NalPacketizer(RtpSenderOptions options) : Packetizer(options)
{
    private readonly List<(int Start, int Length)> _pending = []; // small units that may share a packet
    private Codec? _known; // whose sets these are
    private ReadOnlyMemory<byte>[] _sets = [];

    /// <summary>Bytes of a NAL unit's header; as many has that of a packet with several.</summary>
    protected abstract int HeaderLength { get; }

    protected abstract NalRole RoleOf(ReadOnlySpan<byte> nalUnit);

    /// <summary>The codec's parameter sets in the order in which they are sent.</summary>
    protected abstract ReadOnlyMemory<byte>[] ReadSets(Codec codec);

    /// <summary>Writes the header of a packet with several units.</summary>
    protected abstract void WriteAggregateHeader(Span<byte> destination, ReadOnlySpan<byte> firstHeader, ReadOnlySpan<byte> header);

    /// <summary>Writes what stands in place of the unit's header in each fragment, one byte longer than it.</summary>
    protected abstract void WriteFragmentHeader(Span<byte> destination, ReadOnlySpan<byte> header, bool isFirst, bool isLast);

    /// <summary>Whether a payload has several units in it.</summary>
    protected abstract bool IsAggregate(ReadOnlySpan<byte> payload);

    /// <summary>Whether the payloads of a frame, as they came, have parameter sets before its pictures.</summary>
    /// <param name="run">The packets, interleaved.</param>
    public bool HasSets(ReadOnlySpan<byte> run)
    {
        while (RtpRun.TryReadInterleaved(ref run, out var packet))
        {
            var payload = packet[RtpHeader.Length..];
            if (payload.Length >= HeaderLength && IsAggregate(payload))
                payload = payload.Length > HeaderLength + 2 ? payload[(HeaderLength + 2)..] : [];
            if (payload.Length < HeaderLength)
                continue;
            var role = RoleOf(payload);
            if (role == NalRole.ParameterSet)
                return true;
            if (role is NalRole.Picture or NalRole.Leading or NalRole.Keyframe)
                return false;
        }

        return false;
    }

    protected sealed override void CutSets(Codec codec)
    {
        ReadSetsOf(codec);
        AppendSets();
    }

    protected sealed override void Cut(ReadOnlySpan<byte> frame, Codec codec, bool isKeyframe)
    {
        ReadSetsOf(codec);
        if (!HasPicture(frame, out var hasSets))
            return;
        if (isKeyframe && !hasSets)
            AppendSets();

        _pending.Clear();
        for (var position = 0; TryNext(frame, ref position, out var start, out var length);)
        {
            var nalUnit = frame.Slice(start, length);
            switch (length < HeaderLength ? NalRole.Nothing : RoleOf(nalUnit))
            {
                case NalRole.Nothing:
                    break;
                case NalRole.ParameterSet or NalRole.Supplement:
                    Pend(frame, start, length);
                    break;
                default:
                    FlushPending(frame);
                    AppendUnit(nalUnit);
                    break;
            }
        }

        FlushPending(frame);
    }

    private void ReadSetsOf(Codec codec)
    {
        if (ReferenceEquals(codec, _known))
            return;
        _sets = ReadSets(codec);
        _known = codec;
    }

    private void AppendSets()
    {
        var bytes = 0;
        foreach (var set in _sets)
            bytes += set.Length;
        Span<byte> joined = bytes <= 1024 ? stackalloc byte[bytes] : new byte[bytes];
        _pending.Clear();
        var position = 0;
        foreach (var set in _sets)
        {
            set.Span.CopyTo(joined[position..]);
            Pend(joined, position, set.Length);
            position += set.Length;
        }

        FlushPending(joined);
    }

    private static bool TryNext(ReadOnlySpan<byte> frame, ref int position, out int start, out int length)
    {
        var rest = frame[position..];
        (start, length) = (0, 0);
        if (!NalUnits.TryReadLengthPrefixed(ref rest, NalUnits.LengthSize, out var nalUnit))
            return false;
        position = frame.Length - rest.Length;
        (start, length) = (position - nalUnit.Length, nalUnit.Length);
        return true;
    }

    // Also whether the frame is whole to its end.
    private bool HasPicture(ReadOnlySpan<byte> frame, out bool hasSets)
    {
        var hasPicture = hasSets = false;
        var position = 0;
        while (TryNext(frame, ref position, out var start, out var length))
        {
            if (length < HeaderLength)
                continue;
            var role = RoleOf(frame.Slice(start, length));
            hasPicture |= role is NalRole.Picture or NalRole.Leading or NalRole.Keyframe;
            hasSets |= role == NalRole.ParameterSet;
        }

        return hasPicture && position == frame.Length;
    }

    private void Pend(ReadOnlySpan<byte> source, int start, int length)
    {
        var together = HeaderLength + 2 + length;
        foreach (var (_, pending) in _pending)
            together += 2 + pending;
        if (together > Room)
            FlushPending(source);
        _pending.Add((start, length));
    }

    private void FlushPending(ReadOnlySpan<byte> source)
    {
        if (_pending is [var (start, length)])
            AppendUnit(source.Slice(start, length));
        else if (_pending.Count > 1)
            AppendAggregate(source);
        _pending.Clear();
    }

    private void AppendAggregate(ReadOnlySpan<byte> source)
    {
        var total = HeaderLength;
        foreach (var (_, length) in _pending)
            total += 2 + length;
        var packet = Append(total);
        packet[..HeaderLength].Clear();
        var position = HeaderLength;
        foreach (var (start, length) in _pending)
        {
            var nalUnit = source.Slice(start, length);
            WriteAggregateHeader(packet, source.Slice(_pending[0].Start, HeaderLength), nalUnit[..HeaderLength]);
            BinaryPrimitives.WriteUInt16BigEndian(packet[position..], (ushort)length);
            nalUnit.CopyTo(packet[(position + 2)..]);
            position += 2 + length;
        }
    }

    private void AppendUnit(ReadOnlySpan<byte> nalUnit)
    {
        if (nalUnit.Length <= Room)
        {
            nalUnit.CopyTo(Append(nalUnit.Length));
            return;
        }

        var header = nalUnit[..HeaderLength];
        var rest = nalUnit[HeaderLength..];
        for (var isFirst = true; !rest.IsEmpty; isFirst = false)
        {
            var length = Math.Min(rest.Length, Room - HeaderLength - 1);
            var packet = Append(HeaderLength + 1 + length);
            WriteFragmentHeader(packet, header, isFirst, isLast: length == rest.Length);
            rest[..length].CopyTo(packet[(HeaderLength + 1)..]);
            rest = rest[length..];
        }
    }
}
