using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Containers.AnnexB;

/// <summary>
/// Feeds a track of video from access units in the byte stream form (Annex B of ITU-T H.264 and H.265). Parameter sets become the codec and
/// leave the access units, as do delimiters and filler. The track is added with the first keyframe whose parameter sets are known. Total:
/// accepts any bytes. Not thread-safe.
/// </summary>
public sealed class AnnexBFeedWriter
{
    private readonly Feed _feed;
    private readonly bool _isH265;
    private readonly string? _id;
    private readonly ParameterSets _sets = new();
    private Codec? _codec;
    private bool _waitsForKeyframe = true;

    /// <summary>Creates a writer.</summary>
    /// <param name="feed">What is fed. The caller owns it.</param>
    /// <param name="codec"><see cref="CodecNames.H264"/> or <see cref="CodecNames.H265"/>.</param>
    /// <param name="id">The track's identity; null for <c>video</c>.</param>
    /// <param name="track">A track of the feed that goes on with it; null to add one.</param>
    /// <exception cref="ArgumentException">It is another codec.</exception>
    public AnnexBFeedWriter(Feed feed, string codec, string? id = null, FeedTrack? track = null)
    {
        ArgumentNullException.ThrowIfNull(feed);
        if (codec is not (CodecNames.H264 or CodecNames.H265))
            throw new ArgumentException("Only H264 and H265 have a byte stream form.", nameof(codec));
        _feed = feed;
        _isH265 = codec == CodecNames.H265;
        _id = id;
        Track = track;
    }

    /// <summary>The track; null until it was added.</summary>
    public FeedTrack? Track { get; private set; }

    /// <summary>Access units that were dropped because they could not be decoded without what is missing.</summary>
    public long DroppedFrames { get; private set; }

    /// <summary>Something was lost: what is written next is a keyframe.</summary>
    public void Restart() => _waitsForKeyframe = true;

    /// <summary>Feeds an access unit, or parameter sets alone.</summary>
    /// <param name="accessUnit">With start codes.</param>
    /// <param name="presentationTime">In ticks of 90 kHz.</param>
    /// <param name="decodeTime">In ticks of 90 kHz.</param>
    /// <returns>False when the feed has ended or was revoked.</returns>
    public bool Write(ReadOnlySpan<byte> accessUnit, long presentationTime, long decodeTime)
    {
        var (length, hasPicture, isKeyframe) = Examine(accessUnit);
        if (_sets.HasChanged)
        {
            _sets.HasChanged = false;
            if (BuildCodec() is { } built && (_codec is null || !built.HasSameParameters(_codec)))
                _codec = built;
        }

        if (!hasPicture)
            return true;
        if (_codec is null || (_waitsForKeyframe && !isKeyframe))
        {
            DroppedFrames++;
            return true;
        }

        _waitsForKeyframe = false;
        Track ??= _feed.AddTrack(Media.Track.Of(_codec, _id));
        var buffer = _feed.Pool.Rent(length);
        var written = 0;
        while (NalUnits.TryReadAnnexB(ref accessUnit, out var nalUnit))
        {
            if (!IsKept(nalUnit))
                continue;
            BinaryPrimitives.WriteInt32BigEndian(buffer.Span[written..], nalUnit.Length);
            nalUnit.CopyTo(buffer.Span[(written + NalUnits.LengthSize)..]);
            written += NalUnits.LengthSize + nalUnit.Length;
        }

        return Track.Write(buffer, 0, written, _codec, decodeTime, presentationTime, isKeyframe);
    }

    private (int Length, bool HasPicture, bool IsKeyframe) Examine(ReadOnlySpan<byte> rest)
    {
        var (length, hasPicture, isKeyframe) = (0, false, false);
        while (NalUnits.TryReadAnnexB(ref rest, out var nalUnit))
        {
            var type = TypeOf(nalUnit);
            if (IsParameterSet(type))
                Store(type, nalUnit);
            if (!IsKept(nalUnit))
                continue;
            length += NalUnits.LengthSize + nalUnit.Length;
            hasPicture |= _isH265 ? type < 32 : type is >= 1 and <= 5;
            isKeyframe |= _isH265 ? type is >= 16 and <= 21 : type == 5 || NalUnits.IsH264RecoveryPoint(nalUnit);
        }

        return (length, hasPicture, isKeyframe);
    }

    // Delimiters, ends of sequence and stream, filler, and what is not specified say nothing to a decoder.
    private bool IsKept(ReadOnlySpan<byte> nalUnit)
    {
        var type = TypeOf(nalUnit);
        return _isH265
            ? nalUnit.Length > 1 && (type < 32 || type is >= 39 and < 48)
            : type is (>= 1 and <= 6) or (>= 13 and < 24);
    }

    private bool IsParameterSet(int type) => _isH265 ? type is >= 32 and <= 34 : type is 7 or 8;

    private int TypeOf(ReadOnlySpan<byte> nalUnit) => _isH265 ? (nalUnit[0] >> 1) & 0x3F : nalUnit[0] & 0x1F;

    private void Store(int type, ReadOnlySpan<byte> set)
    {
        if (set.Length < 3 || set.Length > NalUnits.MaxParameterSetLength || _sets.Contains(set))
            return;
        var id = type switch
        {
            7 => H264Sps.TryParse(set, out var sps) ? sps.Id : -1,
            33 => H265Sps.TryParse(set, out var sps) ? sps.Id : -1,
            32 => set[2] >> 4,
            _ => ParameterSets.ReadIdentifier(set[(_isH265 ? 2 : 1)..]),
        };
        if (id >= 0 && id <= (_isH265 ? 63 : 255))
            _sets.Add(type, id, set);
    }

    private Codec? BuildCodec()
    {
        byte[]? record;
        if (!_isH265)
            return AvcConfiguration.TryBuild(_sets.Of(7), _sets.Of(8), out record) ? Codec.FromAvcConfiguration(record) : null;
        var pictures = _sets.Of(34);
        return pictures.Length > 0 && HevcConfiguration.TryBuild(_sets.Of(32), _sets.Of(33), pictures, out record)
            ? Codec.FromHevcConfiguration(record)
            : null;
    }
}
