using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What is common to H264 and H265: NAL units, whole, aggregated or in fragments, become access units; parameter sets become the codec
/// and leave the access units, as do delimiters and filler.
/// </summary>
internal abstract class NalDepacketizer(Codec codec, DepacketizerOptions options) : VideoDepacketizer(codec, options)
{
    private readonly Codec _described = codec;
    private readonly DecodeClock _decodeClock = new(options.ClockRate);
    private Codec? _clockedCodec; // whose reorder depth the decode clock has
    private int _fragmentStart = -1; // where the NAL unit in fragments starts in the frame, its length included
    private NalRole _fragmentRole; // while packets are only looked through
    private bool _hasPicture;
    private bool _isKeyframe;
    private bool _isLeading;

    protected sealed override bool HasPicture => _hasPicture || _fragmentStart >= 0;

    protected sealed override bool IsLeading => _isLeading;

    protected ParameterSets Sets { get; } = new();

    /// <summary>Whether parameter sets come with the stream, so that a whole keyframe begins with them.</summary>
    protected bool HasSetsInBand { get; private set; }

    protected abstract int HeaderLength { get; }

    /// <summary>What a NAL unit is for.</summary>
    protected abstract NalRole RoleOf(ReadOnlySpan<byte> nalUnit);

    /// <summary>Whether a unit that shows nothing says that decoding can start at its access unit.</summary>
    protected virtual bool IsRecoveryPoint(ReadOnlySpan<byte> nalUnit) => false;

    /// <summary>Stores a parameter set that is not there yet, if it can be read.</summary>
    protected abstract void Store(ReadOnlySpan<byte> parameterSet);

    /// <summary>The codec of the parameter sets; null while there are too few.</summary>
    protected abstract Codec? BuildCodec();

    /// <summary>How far frames may be reordered, and whether the parameter sets say so or it was inferred.</summary>
    protected abstract (int Depth, bool IsStated) ReadReorderDepth();

    protected sealed override long DecodeTimestampOf(long timestamp, bool isRestart)
    {
        if (!ReferenceEquals(_clockedCodec, Codec))
        {
            _clockedCodec = Codec;
            var (depth, isStated) = ReadReorderDepth();
            _decodeClock.Configure(depth, isStated, Codec!.Video?.FrameRate);
        }

        if (isRestart)
            _decodeClock.Restart();
        return _decodeClock.Next(timestamp);
    }

    protected sealed override bool TryFinish(out bool isKeyframe)
    {
        isKeyframe = _isKeyframe;
        if (_fragmentStart >= 0)
            return false;
        if (Sets.HasChanged || Codec is null)
        {
            Sets.HasChanged = false;
            if (BuildCodec() is { } built && (Codec is null || !built.HasSameParameters(Codec)))
                Codec = built;
        }

        return FrameLength > 0;
    }

    protected sealed override void Reset()
    {
        _fragmentStart = -1;
        _hasPicture = _isKeyframe = _isLeading = false;
    }

    /// <summary>Adds a NAL unit.</summary>
    protected bool TryAddNalUnit(ReadOnlySpan<byte> nalUnit)
    {
        if (_fragmentStart >= 0)
            return false; // its end is missing
        if (IsScanning && !IsPicture(RoleOf(nalUnit)) && HasStartCode(nalUnit))
            return NeedsFrame = true;
        if (IsPicture(RoleOf(nalUnit)) || !HasStartCode(nalUnit))
            return TryAddOne(nalUnit);

        // Several glued together with start codes, as some cameras send them. The first may have no code before it.
        if (!nalUnit.StartsWith((ReadOnlySpan<byte>)[0, 0, 1]) && !nalUnit.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 1]))
        {
            var first = nalUnit[..nalUnit.IndexOf((ReadOnlySpan<byte>)[0, 0, 1])].TrimEnd((byte)0);
            if (!first.IsEmpty && !TryAddOne(first))
                return false;
        }

        while (NalUnits.TryReadAnnexB(ref nalUnit, out var piece))
        {
            if (!TryAddOne(piece))
                return false;
        }

        return true;
    }

    /// <summary>Begins a NAL unit in fragments.</summary>
    /// <param name="header">Its header.</param>
    protected bool TryBeginFragments(ReadOnlySpan<byte> header)
    {
        if (_fragmentStart >= 0)
            return false;
        _fragmentStart = FrameLength;
        if (!IsScanning)
            return Frame.TryAppendNalUnit(header);
        _fragmentRole = RoleOf(header);
        NeedsFrame = !IsPicture(_fragmentRole); // it may be a parameter set
        return TryCount(NalUnits.LengthSize + header.Length);
    }

    /// <summary>Adds a fragment.</summary>
    protected bool TryAddFragment(ReadOnlySpan<byte> fragment, bool isLast)
    {
        if (_fragmentStart < 0 || !(IsScanning ? TryCount(fragment.Length) : Frame.TryAppend(fragment)))
            return false;
        return !isLast || TryEndFragments();
    }

    private bool TryCount(int bytes)
    {
        ScannedLength += bytes;
        return ScannedLength <= FrameBuffer.MaxLength;
    }

    private static bool IsPicture(NalRole role) => role is NalRole.Picture or NalRole.Leading or NalRole.Keyframe;

    private static bool HasStartCode(ReadOnlySpan<byte> nalUnit) => nalUnit.IndexOf((ReadOnlySpan<byte>)[0, 0, 1]) >= 0;

    private bool TryEndFragments()
    {
        var start = _fragmentStart;
        _fragmentStart = -1;
        if (IsScanning)
        {
            Note(_fragmentRole);
            return true;
        }

        var nalUnit = Frame.Span[(start + NalUnits.LengthSize)..];
        var role = RoleOf(nalUnit);
        if (IsPicture(role))
        {
            BinaryPrimitives.WriteInt32BigEndian(Frame.Span[start..], nalUnit.Length);
            Note(role);
            return true;
        }

        // Rare: these are small. It goes in again as if it had come whole.
        var copy = Options.Pool.Rent(nalUnit.Length);
        try
        {
            var length = nalUnit.Length;
            nalUnit.CopyTo(copy.Span);
            Frame.Truncate(start);
            return TryAddNalUnit(copy.Span[..length]);
        }
        finally
        {
            copy.Release();
        }
    }

    private bool TryAddOne(ReadOnlySpan<byte> nalUnit)
    {
        if (nalUnit.Length < HeaderLength)
            return true; // nothing in it
        var role = RoleOf(nalUnit);
        switch (role)
        {
            case NalRole.Nothing:
                return true;
            case NalRole.ParameterSet:
                HasSetsInBand = true;
                if (!Sets.Contains(nalUnit))
                    Store(nalUnit);
                return true;
            default:
                if (!(IsScanning ? TryCount(NalUnits.LengthSize + nalUnit.Length) : Frame.TryAppendNalUnit(nalUnit)))
                    return false;
                Note(role);
                _isKeyframe |= role == NalRole.Supplement && IsRecoveryPoint(nalUnit);
                return true;
        }
    }

    private void Note(NalRole role)
    {
        _hasPicture |= IsPicture(role);
        _isKeyframe |= role == NalRole.Keyframe;
        _isLeading |= role == NalRole.Leading;
    }
}
