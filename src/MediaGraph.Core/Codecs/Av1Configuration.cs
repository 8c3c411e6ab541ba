using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Codecs;

/// <summary>AV1's parameters out of band: the AV1CodecConfigurationRecord, <c>av1C</c> (AV1 in ISO base media §2.3.3).</summary>
public static class Av1Configuration
{
    private const int SequenceHeader = 1;
    private const int MaxUnitLength = 64 << 10;

    /// <summary>Builds a record of a sequence header, which becomes its configOBUs.</summary>
    /// <param name="unit">An open bitstream unit of type 1, from its header on, without a size field (AV1 §5.3).</param>
    /// <param name="record">The record.</param>
    /// <returns>False when the unit is of another type, has a size field, is malformed or longer than 64 KiB.</returns>
    public static bool TryBuild(ReadOnlySpan<byte> unit, [NotNullWhen(true)] out byte[]? record)
    {
        record = null;
        var headerLength = !unit.IsEmpty && (unit[0] & 4) != 0 ? 2 : 1;
        if (unit.Length <= headerLength || unit.Length > MaxUnitLength || unit[0] >> 3 != SequenceHeader || (unit[0] & 2) != 0)
            return false;
        var payload = unit[headerLength..];
        Span<byte> head = stackalloc byte[4];
        if (!TryDescribe(payload, head))
            return false;

        Span<byte> size = stackalloc byte[3];
        var sizeLength = 0;
        for (var rest = payload.Length; ; rest >>= 7)
        {
            size[sizeLength++] = (byte)((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
            if (rest <= 0x7F)
                break;
        }

        record = [.. head, (byte)(unit[0] | 2), .. unit[1..headerLength], .. size[..sizeLength], .. payload];
        return true;
    }

    // sequence_header_obu(), §5.5.1 and §5.5.2, as far as the record's four bytes need it.
    private static bool TryDescribe(ReadOnlySpan<byte> payload, Span<byte> head)
    {
        var reader = new BitReader(payload);
        var profile = (int)reader.ReadBits(3);
        reader.Skip(1); // still_picture
        var isReduced = reader.ReadFlag();
        var tier = 0;
        var level = isReduced ? (int)reader.ReadBits(5) : Av1SequenceHeader.ReadOperatingPoints(ref reader, out tier, out _);
        var (widthBits, heightBits) = ((int)reader.ReadBits(4) + 1, (int)reader.ReadBits(4) + 1);
        reader.Skip(widthBits + heightBits);
        if (!isReduced && reader.ReadFlag()) // frame_id_numbers_present_flag
            reader.Skip(4 + 3);
        reader.Skip(3); // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
        if (!isReduced)
            SkipTools(ref reader);
        reader.Skip(3); // enable_superres, enable_cdef, enable_restoration
        var colour = ReadColour(ref reader, profile);
        (head[0], head[1], head[2], head[3]) = (0x81, (byte)((profile << 5) | level), (byte)((tier << 7) | colour), 0);
        return !reader.Failed && profile <= 2;
    }

    private static void SkipTools(ref BitReader reader)
    {
        reader.Skip(4); // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
        var hasOrderHint = reader.ReadFlag();
        if (hasOrderHint)
            reader.Skip(2); // enable_jnt_comp, enable_ref_frame_mvs

        // seq_choose_screen_content_tools, or else seq_force_screen_content_tools
        if ((reader.ReadFlag() || reader.ReadFlag()) && !reader.ReadFlag()) // seq_choose_integer_mv
            reader.Skip(1);
        if (hasOrderHint)
            reader.Skip(3); // order_hint_bits_minus_1
    }

    // high_bitdepth, twelve_bit, monochrome, chroma_subsampling_x, chroma_subsampling_y and chroma_sample_position as in the record.
    private static int ReadColour(ref BitReader reader, int profile)
    {
        var highBitDepth = (int)reader.ReadBits(1);
        var twelveBit = profile == 2 && highBitDepth == 1 ? (int)reader.ReadBits(1) : 0;
        var monochrome = profile == 1 ? 0 : (int)reader.ReadBits(1);
        var isIdentity = false;
        if (reader.ReadFlag()) // color_description_present_flag
            isIdentity = (reader.ReadBits(8), reader.ReadBits(8), reader.ReadBits(8)) == (1, 13, 0); // BT.709, sRGB, identity
        var (subsamplingX, subsamplingY, position) = (1, 1, 0);
        if (monochrome == 1)
        {
            reader.Skip(1); // color_range
        }
        else if (isIdentity)
        {
            (subsamplingX, subsamplingY) = (0, 0);
        }
        else
        {
            reader.Skip(1); // color_range
            if (profile == 1)
                (subsamplingX, subsamplingY) = (0, 0);
            else if (profile == 2 && twelveBit == 0)
                subsamplingY = 0;
            else if (profile == 2)
                (subsamplingX, subsamplingY) = reader.ReadFlag() ? (1, (int)reader.ReadBits(1)) : (0, 0);
            if ((subsamplingX, subsamplingY) == (1, 1))
                position = (int)reader.ReadBits(2);
        }

        return (highBitDepth << 6) | (twelveBit << 5) | (monochrome << 4) | (subsamplingX << 3) | (subsamplingY << 2) | position;
    }
}
