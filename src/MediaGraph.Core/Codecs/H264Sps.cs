using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Codecs;

/// <summary>What a sequence parameter set of H264 says about the pictures (ITU-T H.264 §7.3.2.1.1 and annex E).</summary>
public sealed record H264Sps
{
    private const int MaxSizeInMacroblocks = 4096; // 65,536 samples; level 6.2 ends at 16,880
    private const int MaxReorderDepth = 16;        // MaxDpbFrames, §A.3.1
    private const double MaxFrameRate = 1000;      // beyond it the VUI states a time base, not a rate

    private H264Sps()
    {
    }

    /// <summary>profile_idc: 66 Baseline, 77 Main, 100 High …</summary>
    public byte ProfileIdc { get; private init; }

    /// <summary>The byte between profile_idc and level_idc: constraint_set0_flag is its highest bit.</summary>
    public byte ConstraintFlags { get; private init; }

    /// <summary>level_idc: ten times the level.</summary>
    public byte LevelIdc { get; private init; }

    /// <summary>seq_parameter_set_id, 0 to 31.</summary>
    public int Id { get; private init; }

    /// <summary>chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.</summary>
    public int ChromaFormatIdc { get; private init; }

    /// <summary>Bits per luma sample, 8 to 14.</summary>
    public int BitDepthLuma { get; private init; }

    /// <summary>Bits per chroma sample, 8 to 14.</summary>
    public int BitDepthChroma { get; private init; }

    /// <summary>Width of the cropped frame in luma samples, 1 to 65,536.</summary>
    public int Width { get; private init; }

    /// <summary>Height of the cropped frame (both fields) in luma samples, 1 to 131,072.</summary>
    public int Height { get; private init; }

    /// <summary>Whether frames may be coded as fields (frame_mbs_only_flag = 0).</summary>
    public bool IsInterlaced { get; private init; }

    /// <summary>Frames per second, of the VUI; null where it states none, or none up to 1,000.</summary>
    public double? FrameRate { get; private init; }

    /// <summary>
    /// How many frames may precede a frame in decoding order and follow it in output order, 0 to 16: max_num_reorder_frames of
    /// the VUI, else the bound that §E.2.1 infers from profile, level and size (0 for Baseline, which has no B slices).
    /// </summary>
    public int ReorderDepth { get; private init; }

    /// <summary>
    /// Whether the parameter set itself says the <see cref="ReorderDepth"/>, or leaves no other; else it is only a bound.
    /// </summary>
    public bool IsReorderDepthStated { get; private init; }

    /// <summary>The profile's name (annex A), such as <c>High</c>; its number where it has none here.</summary>
    public string ProfileName => (ProfileIdc, HasConstraint(3)) switch
    {
        (66, _) => HasConstraint(1) ? "Constrained Baseline" : "Baseline",
        (77, _) => "Main",
        (88, _) => "Extended",
        (100, _) => HasConstraint(4) && HasConstraint(5) ? "Constrained High" : "High",
        (110, true) => "High 10 Intra",
        (110, false) => "High 10",
        (122, true) => "High 4:2:2 Intra",
        (122, false) => "High 4:2:2",
        (244, true) => "High 4:4:4 Intra",
        (244, false) => "High 4:4:4 Predictive",
        (44, _) => "CAVLC 4:4:4 Intra",
        _ => $"{ProfileIdc}",
    };

    /// <summary>The level's name (table A-1), such as <c>4.1</c> or <c>1b</c>.</summary>
    public string LevelName => IsLevel1B ? "1b" : $"{LevelIdc / 10}.{LevelIdc % 10}";

    // Level 1b is signalled in two ways (§A.3.4).
    private bool IsLevel1B => LevelIdc == 9 || (LevelIdc == 11 && ProfileIdc is 66 or 77 or 88 && HasConstraint(3));

    /// <summary>Parses a NAL unit of type 7, from its header on. A damaged VUI costs only what it would have said.</summary>
    /// <returns>False when the bytes are no sequence parameter set, are malformed, or are longer than 64 KiB.</returns>
    public static bool TryParse(ReadOnlySpan<byte> nalUnit, [NotNullWhen(true)] out H264Sps? sps)
    {
        sps = null;
        if (nalUnit.Length is < 4 or > NalUnits.MaxParameterSetLength || (nalUnit[0] & 0x1F) != 7)
            return false;
        Span<byte> scratch = nalUnit.Length <= 512 ? stackalloc byte[512] : new byte[nalUnit.Length];
        var reader = new BitReader(NalUnits.RemoveEmulationPrevention(nalUnit[1..], scratch));

        var profileIdc = (byte)reader.ReadBits(8);
        var constraintFlags = (byte)reader.ReadBits(8);
        var levelIdc = (byte)reader.ReadBits(8);
        var id = reader.ReadUe(31);

        var chromaFormatIdc = 1;
        var separateColourPlanes = false;
        int bitDepthLuma = 8, bitDepthChroma = 8;
        if (HasChromaFormat(profileIdc))
        {
            chromaFormatIdc = reader.ReadUe(3);
            separateColourPlanes = chromaFormatIdc == 3 && reader.ReadFlag();
            bitDepthLuma += reader.ReadUe(6);
            bitDepthChroma += reader.ReadUe(6);
            reader.Skip(1); // qpprime_y_zero_transform_bypass_flag
            if (reader.ReadFlag())
                SkipScalingMatrix(ref reader, chromaFormatIdc == 3 ? 12 : 8);
        }

        reader.ReadUe(12); // log2_max_frame_num_minus4
        var pictureOrderCountType = ReadPictureOrderCount(ref reader);
        reader.ReadUe(MaxReorderDepth); // max_num_ref_frames
        reader.Skip(1);                 // gaps_in_frame_num_value_allowed_flag
        var widthInMacroblocks = reader.ReadUe(MaxSizeInMacroblocks - 1) + 1;
        var heightInMapUnits = reader.ReadUe(MaxSizeInMacroblocks - 1) + 1;
        var frameMacroblocksOnly = reader.ReadFlag();
        if (!frameMacroblocksOnly)
            reader.Skip(1); // mb_adaptive_frame_field_flag
        reader.Skip(1);     // direct_8x8_inference_flag

        var fieldsPerMapUnit = frameMacroblocksOnly ? 1 : 2;
        long width = widthInMacroblocks * 16;
        long height = heightInMapUnits * 16 * fieldsPerMapUnit;
        if (reader.ReadFlag()) // frame_cropping_flag
        {
            // Table 6-1, and equations 7-19 to 7-22: the offsets count chroma samples, of a field where there are fields.
            var unitX = chromaFormatIdc is 1 or 2 ? 2 : 1;
            var unitY = (chromaFormatIdc is 1 ? 2 : 1) * fieldsPerMapUnit;
            width -= unitX * ((long)reader.ReadUe() + reader.ReadUe());
            height -= unitY * ((long)reader.ReadUe() + reader.ReadUe());
        }

        var hasVui = reader.ReadFlag();
        if (reader.Failed || width < 1 || height < 1)
            return false;

        double? frameRate = null;
        int? reorderDepth = null;
        if (hasVui)
            ReadVui(ref reader, out frameRate, out reorderDepth);

        sps = new H264Sps
        {
            ProfileIdc = profileIdc,
            ConstraintFlags = constraintFlags,
            LevelIdc = levelIdc,
            Id = id,
            ChromaFormatIdc = chromaFormatIdc,
            BitDepthLuma = bitDepthLuma,
            BitDepthChroma = bitDepthChroma,
            Width = (int)width,
            Height = (int)height,
            IsInterlaced = !frameMacroblocksOnly,
            FrameRate = frameRate,
        };
        var depth = pictureOrderCountType == 2
            ? 0 // output order is decoding order, §8.2.1.3
            : reorderDepth ?? sps.InferReorderDepth(widthInMacroblocks * heightInMapUnits * fieldsPerMapUnit);
        sps = sps with { ReorderDepth = depth, IsReorderDepthStated = depth == 0 || reorderDepth is not null };
        return true;
    }

    /// <summary>Whether sequence parameter sets of the profile carry chroma format and bit depths.</summary>
    internal static bool HasChromaFormat(byte profileIdc) =>
        profileIdc is 100 or 110 or 122 or 244 or 44 or 83 or 86 or 118 or 128 or 138 or 139 or 134 or 135;

    private static void SkipScalingMatrix(ref BitReader reader, int lists)
    {
        for (var i = 0; i < lists && !reader.Failed; i++)
        {
            if (!reader.ReadFlag())
                continue;
            var last = 8;
            for (var j = 0; j < (i < 6 ? 16 : 64) && !reader.Failed; j++)
            {
                // Once the next scale is 0 the list holds no more deltas (§7.3.2.1.1.1).
                last = (last + reader.ReadSe()) & 0xFF;
                if (last == 0)
                    break;
            }
        }
    }

    private static int ReadPictureOrderCount(ref BitReader reader)
    {
        var type = reader.ReadUe(2);
        if (type == 0)
        {
            reader.ReadUe(12); // log2_max_pic_order_cnt_lsb_minus4
        }
        else if (type == 1)
        {
            reader.Skip(1);  // delta_pic_order_always_zero_flag
            reader.ReadSe(); // offset_for_non_ref_pic
            reader.ReadSe(); // offset_for_top_to_bottom_field
            for (var left = reader.ReadUe(255); left > 0 && !reader.Failed; left--)
                reader.ReadSe(); // offset_for_ref_frame
        }

        return type;
    }

    private static void ReadVui(ref BitReader reader, out double? frameRate, out int? reorderDepth)
    {
        frameRate = null;
        reorderDepth = null;
        if (reader.ReadFlag() && reader.ReadBits(8) == 255) // aspect_ratio_idc: Extended_SAR
            reader.Skip(32);
        if (reader.ReadFlag()) // overscan_info_present_flag
            reader.Skip(1);
        if (reader.ReadFlag()) // video_signal_type_present_flag
        {
            reader.Skip(4);
            if (reader.ReadFlag())
                reader.Skip(24);
        }

        if (reader.ReadFlag()) // chroma_loc_info_present_flag
        {
            reader.ReadUe();
            reader.ReadUe();
        }

        if (reader.ReadFlag()) // timing_info_present_flag
        {
            // A tick is a field's time, also where all frames are progressive (§E.2.1).
            var unitsInTick = reader.ReadBits(32);
            var rate = reader.ReadBits(32) / (2.0 * unitsInTick);
            reader.Skip(1);
            if (!reader.Failed && rate is > 0 and <= MaxFrameRate)
                frameRate = rate;
        }

        var hasNalHrd = reader.ReadFlag();
        if (hasNalHrd)
            SkipHrd(ref reader);
        var hasVclHrd = reader.ReadFlag();
        if (hasVclHrd)
            SkipHrd(ref reader);
        if (hasNalHrd || hasVclHrd)
            reader.Skip(1); // low_delay_hrd_flag
        reader.Skip(1);     // pic_struct_present_flag

        if (reader.ReadFlag()) // bitstream_restriction_flag
        {
            reader.Skip(1);  // motion_vectors_over_pic_boundaries_flag
            reader.ReadUe(); // max_bytes_per_pic_denom
            reader.ReadUe(); // max_bits_per_mb_denom
            reader.ReadUe(); // log2_max_mv_length_horizontal
            reader.ReadUe(); // log2_max_mv_length_vertical
            var reorder = reader.ReadUe(MaxReorderDepth);
            reader.ReadUe(); // max_dec_frame_buffering
            if (!reader.Failed)
                reorderDepth = reorder;
        }
    }

    private static void SkipHrd(ref BitReader reader)
    {
        var count = reader.ReadUe(31) + 1;
        reader.Skip(8);
        for (; count > 0 && !reader.Failed; count--)
        {
            reader.ReadUe();
            reader.ReadUe();
            reader.Skip(1);
        }

        reader.Skip(20);
    }

    private bool HasConstraint(int set) => (ConstraintFlags & (0x80 >> set)) != 0;

    private int InferReorderDepth(int frameSizeInMacroblocks)
    {
        if (ProfileIdc == 66 || (ProfileIdc is 44 or 86 or 100 or 110 or 122 or 244 && HasConstraint(3)))
            return 0;

        // MaxDpbMbs, table A-1.
        var maxDpbMacroblocks = IsLevel1B ? 396 : LevelIdc switch
        {
            <= 10 => 396,
            11 => 900,
            <= 20 => 2376,
            21 => 4752,
            <= 30 => 8100,
            31 => 18_000,
            32 => 20_480,
            <= 41 => 32_768,
            42 => 34_816,
            50 => 110_400,
            <= 52 => 184_320,
            _ => 696_320,
        };
        return Math.Min(maxDpbMacroblocks / frameSizeInMacroblocks, MaxReorderDepth);
    }
}
