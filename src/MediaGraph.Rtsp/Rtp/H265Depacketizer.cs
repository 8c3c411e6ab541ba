using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// H265 (RFC 7798): single NAL units, aggregation packets and fragmentation units. Decoding order numbers are passed over: units are
/// taken in the order in which they are sent.
/// </summary>
internal sealed class H265Depacketizer : NalDepacketizer
{
    private const int VideoParameterSet = 32;
    private const int SequenceParameterSet = 33;
    private const int PictureParameterSet = 34;
    private const int Delimiter = 35;
    private const int AggregationPacket = 48;
    private const int FragmentationUnit = 49;
    private const int ContentInformation = 50; // PACI

    private readonly bool _hasDecodingOrder;

    /// <summary>Creates a depacketizer.</summary>
    /// <param name="codec">H265, with the parameter sets of the session description where it has them.</param>
    /// <param name="options">What all have in common.</param>
    /// <param name="hasDecodingOrder">Whether sprop-max-don-diff is above 0, so that packets have DONL fields (§4.4).</param>
    public H265Depacketizer(Codec codec, DepacketizerOptions options, bool hasDecodingOrder = false)
        : base(codec, hasDecodingOrder ? options with { KeepsPackets = false } : options) // viewers are not told of such fields
    {
        _hasDecodingOrder = hasDecodingOrder;
        if (HevcConfiguration.TryParse(codec.Configuration.Span, out var configuration))
        {
            var sets = configuration.VideoParameterSets
                .Concat(configuration.SequenceParameterSets).Concat(configuration.PictureParameterSets);
            foreach (var set in sets.Where(set => set.Length > HeaderLength))
                Store(set.Span);
            Sets.HasChanged = false;
        }
        else
        {
            Codec = null;
        }
    }

    protected override int HeaderLength => 2;

    protected override ImageFormat? FrameFormat => _hasDecodingOrder ? null : NalFrameFormat.H265;

    private int OrderLength => _hasDecodingOrder ? 2 : 0;

    /// <summary>What a NAL unit, which is at least its header, is for.</summary>
    public static NalRole RoleOfNalUnit(ReadOnlySpan<byte> nalUnit) => TypeOf(nalUnit) switch
    {
        // 00 00 01 is no unit of type 0 but a start code: no unit has temporal identifier 0.
        0 when nalUnit.Length > 1 && (nalUnit[1] & 7) == 0 => NalRole.Nothing,
        8 or 9 => NalRole.Leading, // RASL
        >= 16 and <= 21 => NalRole.Keyframe,
        < 32 => NalRole.Picture,
        VideoParameterSet or SequenceParameterSet or PictureParameterSet => NalRole.ParameterSet,
        Delimiter or 36 or 37 or 38 or >= 48 => NalRole.Nothing, // ends of sequence and stream, filler
        _ => NalRole.Supplement,
    };

    protected override NalRole RoleOf(ReadOnlySpan<byte> nalUnit) => RoleOfNalUnit(nalUnit);

    protected override bool TryAdd(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            return false;
        switch (TypeOf(payload))
        {
            case AggregationPacket:
                return TryAddAggregate(payload[HeaderLength..]);
            case FragmentationUnit:
                return TryAddFragmentationUnit(payload);
            case ContentInformation:
                return false;
            default:
                if (!_hasDecodingOrder)
                    return TryAddNalUnit(payload);
                return payload.Length >= HeaderLength + 2 && TryAddWithoutOrder(payload);
        }
    }

    // An access unit may begin with a slice where the parameter sets do not come with the stream.
    protected override bool IsCertainStart(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            return false;
        var type = TypeOf(payload);
        var next = HeaderLength + OrderLength; // where the slice's header starts
        if (type == AggregationPacket && payload.Length > HeaderLength + OrderLength + 2)
        {
            type = TypeOf(payload[(HeaderLength + OrderLength + 2)..]);
            next = HeaderLength + OrderLength + 2 + HeaderLength;
        }
        else if (type == FragmentationUnit && payload.Length > HeaderLength)
        {
            if ((payload[2] & 0x80) == 0)
                return false;
            type = payload[2] & 0x3F;
            next = HeaderLength + 1 + OrderLength;
        }

        return type switch
        {
            VideoParameterSet or Delimiter => true,
            0 when (payload[1] & 7) == 0 => true, // a start code
            < 32 => !HasSetsInBand && payload.Length > next && (payload[next] & 0x80) != 0, // first_slice_segment_in_pic_flag
            SequenceParameterSet or PictureParameterSet or 39 => !HasSetsInBand,
            _ => false,
        };
    }

    protected override void Store(ReadOnlySpan<byte> parameterSet)
    {
        switch (TypeOf(parameterSet))
        {
            case SequenceParameterSet:
                if (H265Sps.TryParse(parameterSet, out var sps))
                    Sets.Add(SequenceParameterSet, sps.Id, parameterSet);
                break;
            case PictureParameterSet when ParameterSets.ReadIdentifier(parameterSet[HeaderLength..]) is >= 0 and <= 63 and var id:
                Sets.Add(PictureParameterSet, id, parameterSet);
                break;
            case VideoParameterSet when parameterSet.Length > HeaderLength:
                Sets.Add(VideoParameterSet, parameterSet[HeaderLength] >> 4, parameterSet);
                break;
        }
    }

    protected override Codec? BuildCodec()
    {
        var pictures = Sets.Of(PictureParameterSet);
        return pictures.Length > 0 &&
            HevcConfiguration.TryBuild(Sets.Of(VideoParameterSet), Sets.Of(SequenceParameterSet), pictures, out var record)
            ? Codec.FromHevcConfiguration(record)
            : null;
    }

    protected override (int Depth, bool IsStated) ReadReorderDepth() => (Codec!.Video?.ReorderDepth ?? 0, true);

    private static int TypeOf(ReadOnlySpan<byte> nalUnit) => (nalUnit[0] >> 1) & 0x3F;

    private bool TryAddWithoutOrder(ReadOnlySpan<byte> payload) =>
        TryBeginFragments(payload[..HeaderLength]) && TryAddFragment(payload[(HeaderLength + 2)..], isLast: true);

    private bool TryAddAggregate(ReadOnlySpan<byte> rest)
    {
        // DONL before the first unit, DOND of one byte before each other.
        for (var skip = OrderLength; !rest.IsEmpty; skip = _hasDecodingOrder ? 1 : 0)
        {
            if (rest.Length < skip + 2)
                return false;
            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[skip..]);
            rest = rest[(skip + 2)..];
            if (length > rest.Length || (length > 0 && !TryAddNalUnit(rest[..length])))
                return false;
            rest = rest[length..];
        }

        return true;
    }

    private bool TryAddFragmentationUnit(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength + 1)
            return false;
        var (isFirst, isLast) = ((payload[2] & 0x80) != 0, (payload[2] & 0x40) != 0);
        var fragment = payload[(HeaderLength + 1)..];
        if (isFirst)
        {
            if (fragment.Length < OrderLength)
                return false;
            fragment = fragment[OrderLength..];
            if (!TryBeginFragments([(byte)((payload[0] & 0x81) | ((payload[2] & 0x3F) << 1)), payload[1]]))
                return false;
        }

        return TryAddFragment(fragment, isLast); // both set is a whole unit, as some cameras send them
    }
}
