using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Codecs;

/// <summary>
/// H264's parameter sets out of band: the AVCDecoderConfigurationRecord, <c>avcC</c> (ISO/IEC 14496-15 §5.3.3).
/// </summary>
public sealed class AvcConfiguration
{
    private const int MaxSequenceParameterSets = 31;
    private const int MaxPictureParameterSets = 255;

    private AvcConfiguration(
        byte profileIdc, byte constraintFlags, byte levelIdc, int nalLengthSize,
        ImmutableArray<ReadOnlyMemory<byte>> sequenceParameterSets, ImmutableArray<ReadOnlyMemory<byte>> pictureParameterSets)
    {
        ProfileIdc = profileIdc;
        ConstraintFlags = constraintFlags;
        LevelIdc = levelIdc;
        NalLengthSize = nalLengthSize;
        SequenceParameterSets = sequenceParameterSets;
        PictureParameterSets = pictureParameterSets;
    }

    /// <summary>AVCProfileIndication.</summary>
    public byte ProfileIdc { get; }

    /// <summary>profile_compatibility: the byte between profile_idc and level_idc of an SPS.</summary>
    public byte ConstraintFlags { get; }

    /// <summary>AVCLevelIndication.</summary>
    public byte LevelIdc { get; }

    /// <summary>Bytes of the length prefix of each NAL unit in the source's access units: 1, 2 or 4.</summary>
    public int NalLengthSize { get; }

    /// <summary>All sequence parameter sets, in order, each at least one byte; at most 31.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> SequenceParameterSets { get; }

    /// <summary>All picture parameter sets, in order, each at least one byte; at most 255.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> PictureParameterSets { get; }

    /// <summary>
    /// Parses a record; the result keeps a copy. What stands behind the parameter sets (chroma format and bit depths of the high
    /// profiles, or nothing, as some encoders have it) is not needed; empty parameter sets are passed over.
    /// </summary>
    /// <returns>False when the record is malformed, has another version than 1, or a length size of 3.</returns>
    public static bool TryParse(ReadOnlySpan<byte> record, [NotNullWhen(true)] out AvcConfiguration? configuration)
    {
        configuration = null;
        if (record.Length < 7 || record[0] != 1)
            return false;
        var nalLengthSize = (record[4] & 3) + 1;
        if (nalLengthSize == 3)
            return false;

        var copy = new ReadOnlyMemory<byte>(record.ToArray());
        var position = 6;
        if (!TryReadSets(copy, ref position, record[5] & 0x1F, out var sequenceParameterSets) || position == record.Length)
            return false;
        int pictureCount = record[position++];
        if (!TryReadSets(copy, ref position, pictureCount, out var pictureParameterSets))
            return false;

        configuration = new AvcConfiguration(
            record[1], record[2], record[3], nalLengthSize, sequenceParameterSets, pictureParameterSets);
        return true;
    }

    /// <summary>Builds a record, with length prefixes of 4 bytes, of an SPS and a PPS.</summary>
    /// <inheritdoc cref="TryBuild(ReadOnlySpan{ReadOnlyMemory{byte}}, ReadOnlySpan{ReadOnlyMemory{byte}}, out byte[])"/>
    public static bool TryBuild(ReadOnlySpan<byte> sps, ReadOnlySpan<byte> pps, [NotNullWhen(true)] out byte[]? record) =>
        TryBuild([sps.ToArray()], [pps.ToArray()], out record);

    /// <summary>Builds a record, with length prefixes of 4 bytes, of parameter sets.</summary>
    /// <param name="sequenceParameterSets">NAL units of type 7, from their headers on: 1 to 31.</param>
    /// <param name="pictureParameterSets">NAL units of type 8, from their headers on: 1 to 255.</param>
    /// <param name="record">The record; profile and level are those of the first SPS.</param>
    /// <returns>False when a count is out of range, a NAL unit is of another type, or the first SPS is malformed.</returns>
    public static bool TryBuild(
        ReadOnlySpan<ReadOnlyMemory<byte>> sequenceParameterSets, ReadOnlySpan<ReadOnlyMemory<byte>> pictureParameterSets,
        [NotNullWhen(true)] out byte[]? record)
    {
        record = null;
        if (sequenceParameterSets.Length is < 1 or > MaxSequenceParameterSets ||
            pictureParameterSets.Length is < 1 or > MaxPictureParameterSets ||
            !AreAllOfType(sequenceParameterSets, 7) || !AreAllOfType(pictureParameterSets, 8) ||
            !H264Sps.TryParse(sequenceParameterSets[0].Span, out var sps))
            return false;

        var hasChromaFormat = H264Sps.HasChromaFormat(sps.ProfileIdc);
        record = new byte[7 + Measure(sequenceParameterSets) + Measure(pictureParameterSets) + (hasChromaFormat ? 4 : 0)];
        record[0] = 1;
        record[1] = sps.ProfileIdc;
        record[2] = sps.ConstraintFlags;
        record[3] = sps.LevelIdc;
        record[4] = 0xFC | (NalUnits.LengthSize - 1);
        record[5] = (byte)(0xE0 | sequenceParameterSets.Length);
        var position = 6;
        WriteSets(record, ref position, sequenceParameterSets);
        record[position++] = (byte)pictureParameterSets.Length;
        WriteSets(record, ref position, pictureParameterSets);
        if (hasChromaFormat)
        {
            record[position++] = (byte)(0xFC | sps.ChromaFormatIdc);
            record[position++] = (byte)(0xF8 | (sps.BitDepthLuma - 8));
            record[position++] = (byte)(0xF8 | (sps.BitDepthChroma - 8));
            record[position] = 0; // numOfSequenceParameterSetExt
        }

        return true;
    }

    internal static bool TryReadSets(
        ReadOnlyMemory<byte> record, ref int position, int count, out ImmutableArray<ReadOnlyMemory<byte>> sets)
    {
        var builder = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        sets = [];
        for (; count > 0; count--)
        {
            if (record.Length - position < 2)
                return false;
            var length = BinaryPrimitives.ReadUInt16BigEndian(record.Span[position..]);
            position += 2;
            if (record.Length - position < length)
                return false;
            if (length > 0)
                builder.Add(record.Slice(position, length));
            position += length;
        }

        sets = builder.DrainToImmutable();
        return true;
    }

    internal static int Measure(ReadOnlySpan<ReadOnlyMemory<byte>> sets)
    {
        var length = 0;
        foreach (var set in sets)
            length += 2 + set.Length;
        return length;
    }

    internal static void WriteSets(Span<byte> record, ref int position, ReadOnlySpan<ReadOnlyMemory<byte>> sets)
    {
        foreach (var set in sets)
        {
            BinaryPrimitives.WriteUInt16BigEndian(record[position..], (ushort)set.Length);
            set.Span.CopyTo(record[(position + 2)..]);
            position += 2 + set.Length;
        }
    }

    private static bool AreAllOfType(ReadOnlySpan<ReadOnlyMemory<byte>> sets, int type)
    {
        foreach (var set in sets)
        {
            if (set.Length is < 1 or > NalUnits.MaxParameterSetLength || (set.Span[0] & 0x1F) != type)
                return false;
        }

        return true;
    }
}
