using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// H264 (RFC 6184): single NAL units, STAP-A and FU-A, which is all of packetization modes 0 and 1. A packet of the interleaved
/// mode 2 damages its frame.
/// </summary>
internal sealed class H264Depacketizer : NalDepacketizer
{
    private const int SequenceParameterSet = 7;
    private const int PictureParameterSet = 8;
    private const int Delimiter = 9;
    private const int AggregationPacket = 24; // STAP-A
    private const int FragmentationUnit = 28; // FU-A

    /// <summary>Creates a depacketizer.</summary>
    /// <param name="codec">H264, with the parameter sets of the session description where it has them.</param>
    /// <param name="options">What all have in common.</param>
    public H264Depacketizer(Codec codec, DepacketizerOptions options)
        : base(codec, options)
    {
        if (AvcConfiguration.TryParse(codec.Configuration.Span, out var configuration))
        {
            foreach (var set in configuration.SequenceParameterSets.Concat(configuration.PictureParameterSets))
                Store(set.Span);
            Sets.HasChanged = false;
        }
        else
        {
            Codec = null;
        }
    }

    protected override int HeaderLength => 1;

    protected override ImageFormat? FrameFormat => NalFrameFormat.H264;

    /// <summary>What a NAL unit, which is at least its header, is for.</summary>
    public static NalRole RoleOfNalUnit(ReadOnlySpan<byte> nalUnit) => (nalUnit[0] & 0x1F) switch
    {
        >= 1 and <= 4 => NalRole.Picture,
        5 => NalRole.Keyframe,
        SequenceParameterSet or PictureParameterSet => NalRole.ParameterSet,
        0 or Delimiter or 10 or 11 or 12 or >= 24 => NalRole.Nothing, // ends of sequence and stream, filler
        _ => NalRole.Supplement,
    };

    protected override NalRole RoleOf(ReadOnlySpan<byte> nalUnit) => RoleOfNalUnit(nalUnit);

    protected override bool IsRecoveryPoint(ReadOnlySpan<byte> nalUnit) => NalUnits.IsH264RecoveryPoint(nalUnit);

    protected override bool TryAdd(ReadOnlySpan<byte> payload) => (payload[0] & 0x1F) switch
    {
        AggregationPacket => TryAddAggregate(payload[1..]),
        FragmentationUnit => TryAddFragmentationUnit(payload),
        25 or 26 or 27 or 29 => false, // STAP-B, MTAP, FU-B: mode 2
        _ => TryAddNalUnit(payload),
    };

    // An access unit may begin with a slice where the parameter sets do not come with the stream.
    protected override bool IsCertainStart(ReadOnlySpan<byte> payload)
    {
        var (header, next) = (payload[0], 1);
        if ((header & 0x1F) == AggregationPacket && payload.Length > 3)
        {
            (header, next) = (payload[3], 4);
        }
        else if ((header & 0x1F) == FragmentationUnit && payload.Length > 1)
        {
            if ((payload[1] & 0x80) == 0)
                return false;
            (header, next) = (payload[1], 2);
        }

        return (header & 0x1F) switch
        {
            SequenceParameterSet or Delimiter or 0 => true,
            1 or 5 => !HasSetsInBand && payload.Length > next && (payload[next] & 0x80) != 0, // first_mb_in_slice = 0
            PictureParameterSet or 6 => !HasSetsInBand,
            _ => false,
        };
    }

    protected override void Store(ReadOnlySpan<byte> parameterSet)
    {
        if ((parameterSet[0] & 0x1F) == SequenceParameterSet)
        {
            if (H264Sps.TryParse(parameterSet, out var sps))
                Sets.Add(SequenceParameterSet, sps.Id, parameterSet);
        }
        else if (ParameterSets.ReadIdentifier(parameterSet[1..]) is >= 0 and <= 255 and var id)
        {
            Sets.Add(PictureParameterSet, id, parameterSet);
        }
    }

    protected override Codec? BuildCodec() =>
        AvcConfiguration.TryBuild(Sets.Of(SequenceParameterSet), Sets.Of(PictureParameterSet), out var record)
            ? Codec.FromAvcConfiguration(record)
            : null;

    protected override (int Depth, bool IsStated) ReadReorderDepth()
    {
        var (depth, isStated) = (0, true);
        foreach (var set in Sets.Of(SequenceParameterSet))
        {
            if (!H264Sps.TryParse(set.Span, out var sps))
                continue;
            depth = Math.Max(depth, sps.ReorderDepth);
            isStated &= sps.IsReorderDepthStated;
        }

        return (depth, isStated);
    }

    private bool TryAddAggregate(ReadOnlySpan<byte> rest)
    {
        while (rest.Length >= 2)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(rest);
            if (length > rest.Length - 2)
                return false;
            if (length > 0 && !TryAddNalUnit(rest.Slice(2, length)))
                return false;
            rest = rest[(2 + length)..];
        }

        return rest.IsEmpty;
    }

    private bool TryAddFragmentationUnit(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 2)
            return false;
        var (isFirst, isLast) = ((payload[1] & 0x80) != 0, (payload[1] & 0x40) != 0);
        if (isFirst && !TryBeginFragments([(byte)((payload[0] & 0xE0) | (payload[1] & 0x1F))]))
            return false;
        return TryAddFragment(payload[2..], isLast);
    }
}
