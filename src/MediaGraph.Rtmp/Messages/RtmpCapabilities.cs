using System.Collections.Frozen;
using System.Collections.Immutable;
using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Rtmp.Amf;

namespace MediaGraph.Rtmp.Messages;

/// <summary>
/// What a peer says that it takes: a player in the object of its <c>connect</c>, a server in the information of its answer, by the same
/// properties (RTMP 1.0 §7.2.1.1; Enhanced RTMP v2, Enhancing NetConnection connect Command). Who says nothing takes H264, AAC
/// and everything else that FLV 10.1 has a number for. Immutable.
/// </summary>
internal sealed class RtmpCapabilities
{
    private const int CanDecode = 0x01;
    private const int CanForward = 0x04;
    private const int LegacyH265Id = 12;
    private const int MaxFourCcs = 64; // of a list or a map that are kept; there are not so many
    private const string Any = "*";

    private readonly FrozenSet<string> _videoFourCcs;
    private readonly FrozenSet<string> _audioFourCcs;
    private readonly int _videoCodecs; // bits by CodecID; 0 where it was not said
    private readonly int _audioCodecs; // bits by SoundFormat

    private RtmpCapabilities(IEnumerable<string> videoFourCcs, IEnumerable<string> audioFourCcs, int videoCodecs, int audioCodecs, RtmpCapsEx capsEx)
    {
        // The specification's own example spells some codes with a capital letter.
        _videoFourCcs = videoFourCcs.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _audioFourCcs = audioFourCcs.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _videoCodecs = videoCodecs;
        _audioCodecs = audioCodecs;
        CapsEx = capsEx;
        HasLegacyH265 = !Takes(_videoFourCcs, "hvc1") && (videoCodecs & (1 << LegacyH265Id)) != 0;
    }

    /// <summary>Of a peer that says nothing.</summary>
    public static RtmpCapabilities Classic { get; } = new([], [], 0, 0, RtmpCapsEx.None);

    /// <summary>The extended set of capabilities.</summary>
    public RtmpCapsEx CapsEx { get; }

    /// <summary>Whether H265 goes out as codec 12, because the peer takes that, and not its four-character code.</summary>
    public bool HasLegacyH265 { get; }

    /// <summary>The names of the codecs that the peer takes, for people.</summary>
    public string CodecNames => string.Join(", ", FlvTagBody.Codecs.Where(c => CanCarry(c, 0)).Select(c => c.Name));

    /// <summary>Reads what a peer says.</summary>
    /// <param name="properties">Those of its <c>connect</c>, or of the information in the answer to ours.</param>
    /// <param name="assumedFourCcs">What a peer takes that names no four-character code.</param>
    public static RtmpCapabilities Parse(AmfObject? properties, ImmutableArray<string> assumedFourCcs)
    {
        var list = (properties?["fourCcList"].AsArray ?? []).Select(value => value.AsString ?? "").Where(IsFourCc).Take(MaxFourCcs).ToList();
        var (videoMap, audioMap) = (properties?["videoFourCcInfoMap"].AsObject, properties?["audioFourCcInfoMap"].AsObject);
        if (list.Count == 0 && videoMap is null && audioMap is null)
            list.AddRange(assumedFourCcs);
        return new RtmpCapabilities(
            list.Concat(Read(videoMap)), list.Concat(Read(audioMap)), ReadBits(properties?["videoCodecs"]), ReadBits(properties?["audioCodecs"]),
            (RtmpCapsEx)ReadBits(properties?["capsEx"]));
    }

    /// <summary>The properties by which this software says what it takes: it forwards what it understands.</summary>
    public static IEnumerable<AmfProperty> Announce(RtmpCapsEx capsEx)
    {
        yield return new("fourCcList", AmfValue.StrictArray([.. FlvTagBody.VideoFourCcs.Concat(FlvTagBody.AudioFourCcs).Select(code => (AmfValue)code)]));
        yield return new("videoFourCcInfoMap", Map(FlvTagBody.VideoFourCcs));
        yield return new("audioFourCcInfoMap", Map(FlvTagBody.AudioFourCcs));
        yield return new("capsEx", (double)(int)capsEx);

        static AmfObject Map(ImmutableArray<string> codes) => new([.. codes.Select(code => new AmfProperty(code, (double)CanForward))]);
    }

    /// <summary>Whether the peer takes a codec's packets as those of a track, in whichever form.</summary>
    public bool CanCarry(Codec codec, byte trackId)
    {
        if (!FlvTagBody.CanCarry(codec, new FlvForm { TrackId = trackId }))
            return false;
        if (codec.Name == Media.CodecNames.RtmpData)
            return true;
        var isVideo = FlvTagBody.TypeOf(codec) == FlvTagType.Video;
        var fourCcs = isVideo ? _videoFourCcs : _audioFourCcs;
        var hasFourCc = FlvTagBody.FourCcOf(codec) is { } fourCc && Takes(fourCcs, fourCc);
        if (trackId != 0 || hasFourCc)
            return hasFourCc && (trackId == 0 || CapsEx.HasFlag(RtmpCapsEx.Multitrack));
        if (FlvTagBody.LegacyIdOf(codec) is { } id)
            return HasBit(isVideo ? _videoCodecs : _audioCodecs, id, isCommon: !isVideo || id != LegacyH265Id);
        return codec.IsOpaque && fourCcs.Contains(Any); // of a code that is none
    }

    private static bool HasBit(int bits, int id, bool isCommon) => bits == 0 ? isCommon : (bits & (1 << id)) != 0;

    private static bool Takes(FrozenSet<string> fourCcs, string fourCc) => fourCcs.Contains(fourCc) || fourCcs.Contains(Any);

    // A wildcard overrides the others (FourCcInfoMask).
    private static IEnumerable<string> Read(AmfObject? map)
    {
        var taken = (map?.Properties ?? []).Where(p => IsFourCc(p.Name));
        if (taken.Any(p => p.Name == Any))
            taken = taken.Where(p => p.Name == Any);
        return taken.Where(p => ((int)(p.Value.AsNumber ?? 0) & (CanDecode | CanForward)) != 0).Select(p => p.Name).Take(MaxFourCcs);
    }

    private static bool IsFourCc(string text) => text == Any || text.Length == 4;

    private static int ReadBits(AmfValue? value) => value?.AsNumber is >= 0 and <= int.MaxValue and var number ? (int)number : 0;
}
