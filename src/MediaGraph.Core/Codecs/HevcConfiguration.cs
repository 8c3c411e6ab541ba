using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Codecs;

/// <summary>
/// H265's parameter sets out of band: the HEVCDecoderConfigurationRecord, <c>hvcC</c> (ISO/IEC 14496-15 §8.3.3).
/// </summary>
public sealed class HevcConfiguration
{
    private const int HeaderLength = 23;
    private const int VideoParameterSet = 32;
    private const int SequenceParameterSet = 33;
    private const int PictureParameterSet = 34;

    // By the standard at most 16, 16 and 64 (ITU-T H.265 §7.4.3); beyond this a record is no configuration but an attack.
    private const int MaxSets = 256;

    private HevcConfiguration(
        int nalLengthSize, ImmutableArray<ReadOnlyMemory<byte>> videoParameterSets,
        ImmutableArray<ReadOnlyMemory<byte>> sequenceParameterSets, ImmutableArray<ReadOnlyMemory<byte>> pictureParameterSets)
    {
        NalLengthSize = nalLengthSize;
        VideoParameterSets = videoParameterSets;
        SequenceParameterSets = sequenceParameterSets;
        PictureParameterSets = pictureParameterSets;
    }

    /// <summary>Bytes of the length prefix of each NAL unit in the source's access units: 1, 2 or 4.</summary>
    public int NalLengthSize { get; }

    /// <summary>All video parameter sets, in order, each at least one byte.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> VideoParameterSets { get; }

    /// <summary>All sequence parameter sets, in order, each at least one byte.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> SequenceParameterSets { get; }

    /// <summary>All picture parameter sets, in order, each at least one byte.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> PictureParameterSets { get; }

    /// <summary>
    /// Parses a record; the result keeps a copy. Arrays of other NAL units (SEI) and empty parameter sets are passed over;
    /// version 0, which old encoders write, is taken for 1.
    /// </summary>
    /// <returns>
    /// False when the record is malformed, has a later version than 1, a length size of 3, or more than 256 parameter sets.
    /// </returns>
    public static bool TryParse(ReadOnlySpan<byte> record, [NotNullWhen(true)] out HevcConfiguration? configuration)
    {
        configuration = null;
        if (record.Length < HeaderLength || record[0] > 1)
            return false;
        var nalLengthSize = (record[21] & 3) + 1;
        if (nalLengthSize == 3)
            return false;

        var copy = new ReadOnlyMemory<byte>(record.ToArray());
        ImmutableArray<ReadOnlyMemory<byte>> video = [], sequence = [], picture = [];
        var position = HeaderLength;
        var total = 0;
        for (int arrays = record[22]; arrays > 0; arrays--)
        {
            if (record.Length - position < 3)
                return false;
            var type = record[position] & 0x3F;
            int count = BinaryPrimitives.ReadUInt16BigEndian(record[(position + 1)..]);
            position += 3;
            total += count;
            if (total > MaxSets || !AvcConfiguration.TryReadSets(copy, ref position, count, out var sets))
                return false;
            if (type == VideoParameterSet)
                video = video.AddRange(sets);
            else if (type == SequenceParameterSet)
                sequence = sequence.AddRange(sets);
            else if (type == PictureParameterSet)
                picture = picture.AddRange(sets);
        }

        configuration = new HevcConfiguration(nalLengthSize, video, sequence, picture);
        return true;
    }

    /// <summary>Builds a record, with length prefixes of 4 bytes, of parameter sets.</summary>
    /// <param name="videoParameterSets">NAL units of type 32, from their headers on.</param>
    /// <param name="sequenceParameterSets">NAL units of type 33, from their headers on: at least one.</param>
    /// <param name="pictureParameterSets">NAL units of type 34, from their headers on.</param>
    /// <param name="record">The record; profile, tier and level are those of the first SPS.</param>
    /// <returns>
    /// False when there are more than 256 parameter sets, a NAL unit is of another type, or the first SPS is missing or malformed.
    /// </returns>
    public static bool TryBuild(
        ReadOnlySpan<ReadOnlyMemory<byte>> videoParameterSets, ReadOnlySpan<ReadOnlyMemory<byte>> sequenceParameterSets,
        ReadOnlySpan<ReadOnlyMemory<byte>> pictureParameterSets, [NotNullWhen(true)] out byte[]? record)
    {
        record = null;
        if ((long)videoParameterSets.Length + sequenceParameterSets.Length + pictureParameterSets.Length > MaxSets ||
            !AreAllOfType(videoParameterSets, VideoParameterSet) || !AreAllOfType(sequenceParameterSets, SequenceParameterSet) ||
            !AreAllOfType(pictureParameterSets, PictureParameterSet) ||
            sequenceParameterSets.IsEmpty || !H265Sps.TryParse(sequenceParameterSets[0].Span, out var sps))
            return false;

        record = new byte[
            HeaderLength + MeasureArray(videoParameterSets) + MeasureArray(sequenceParameterSets) + MeasureArray(pictureParameterSets)];
        record[0] = 1;
        record[1] = sps.ProfileTierLevel.Profile;
        BinaryPrimitives.WriteUInt32BigEndian(record.AsSpan(2), sps.ProfileTierLevel.CompatibilityFlags);
        BinaryPrimitives.WriteUInt32BigEndian(record.AsSpan(6), (uint)(sps.ProfileTierLevel.ConstraintFlags >> 16));
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(10), (ushort)sps.ProfileTierLevel.ConstraintFlags);
        record[12] = sps.ProfileTierLevel.LevelIdc;
        record[13] = 0xF0; // min_spatial_segmentation_idc: none stated
        record[15] = 0xFC; // parallelismType: unknown
        record[16] = (byte)(0xFC | sps.ChromaFormatIdc);
        record[17] = (byte)(0xF8 | (sps.BitDepthLuma - 8));
        record[18] = (byte)(0xF8 | (sps.BitDepthChroma - 8));
        record[21] = (byte)((sps.SubLayers << 3) | (sps.IsTemporalIdNested ? 4 : 0) | (NalUnits.LengthSize - 1));
        var position = HeaderLength;
        WriteArray(record, ref position, VideoParameterSet, videoParameterSets);
        WriteArray(record, ref position, SequenceParameterSet, sequenceParameterSets);
        WriteArray(record, ref position, PictureParameterSet, pictureParameterSets);
        return true;
    }

    private static int MeasureArray(ReadOnlySpan<ReadOnlyMemory<byte>> sets) =>
        sets.IsEmpty ? 0 : 3 + AvcConfiguration.Measure(sets);

    private static void WriteArray(Span<byte> record, ref int position, int type, ReadOnlySpan<ReadOnlyMemory<byte>> sets)
    {
        if (sets.IsEmpty)
            return;
        record[22]++;
        record[position] = (byte)(0x80 | type); // array_completeness: none are sent in band only
        BinaryPrimitives.WriteUInt16BigEndian(record[(position + 1)..], (ushort)sets.Length);
        position += 3;
        AvcConfiguration.WriteSets(record, ref position, sets);
    }

    private static bool AreAllOfType(ReadOnlySpan<ReadOnlyMemory<byte>> sets, int type)
    {
        foreach (var set in sets)
        {
            if (set.Length is < 2 or > NalUnits.MaxParameterSetLength || ((set.Span[0] >> 1) & 0x3F) != type)
                return false;
        }

        return true;
    }
}
