using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Codecs;

/// <summary>What a sequence parameter set of H265 says about the pictures (ITU-T H.265 §7.3.2.2 and annex E).</summary>
public sealed record H265Sps
{
    private const int MaxSize = 65_536;       // luma samples; level 6.2 ends at 16,888
    private const int MaxReferences = 15;     // maxDpbSize − 1, §A.4.2
    private const double MaxFrameRate = 1000; // beyond it the VUI states a time base, not a rate

    private H265Sps()
    {
    }

    /// <summary>general_profile_idc: 1 Main, 2 Main 10, 4 format range extensions …</summary>
    public int ProfileIdc => ProfileTierLevel.Profile & 0x1F;

    /// <summary>general_tier_flag: the High tier, not the Main tier.</summary>
    public bool IsHighTier => (ProfileTierLevel.Profile & 0x20) != 0;

    /// <summary>general_level_idc: thirty times the level.</summary>
    public byte LevelIdc => ProfileTierLevel.LevelIdc;

    /// <summary>sps_seq_parameter_set_id, 0 to 15.</summary>
    public int Id { get; private init; }

    /// <summary>Temporal sub-layers, 1 to 7.</summary>
    public int SubLayers { get; private init; }

    /// <summary>sps_temporal_id_nesting_flag.</summary>
    public bool IsTemporalIdNested { get; private init; }

    /// <summary>chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.</summary>
    public int ChromaFormatIdc { get; private init; }

    /// <summary>Bits per luma sample, 8 to 16.</summary>
    public int BitDepthLuma { get; private init; }

    /// <summary>Bits per chroma sample, 8 to 16.</summary>
    public int BitDepthChroma { get; private init; }

    /// <summary>Width of the picture inside its conformance window in luma samples, 1 to 65,536.</summary>
    public int Width { get; private init; }

    /// <summary>
    /// Height of the picture inside its conformance window in luma samples, 1 to 65,536; a picture is a field where
    /// <see cref="IsFieldSequence"/>.
    /// </summary>
    public int Height { get; private init; }

    /// <summary>field_seq_flag of the VUI: each picture is a field.</summary>
    public bool IsFieldSequence { get; private init; }

    /// <summary>Pictures per second, of the VUI; null where it states none, or none up to 1,000.</summary>
    public double? FrameRate { get; private init; }

    /// <summary>
    /// How many pictures may precede a picture in decoding order and follow it in output order, 0 to 15:
    /// sps_max_num_reorder_pics of the highest sub-layer.
    /// </summary>
    public int ReorderDepth { get; private init; }

    /// <summary>The profile's name (annex A), such as <c>Main 10</c>; its number where it has none here.</summary>
    public string ProfileName => ProfileIdc switch
    {
        1 => "Main",
        2 => "Main 10",
        3 => "Main Still Picture",
        4 => "Range Extensions",
        5 => "High Throughput",
        6 => "Multiview Main",
        7 => "Scalable Main",
        8 => "3D Main",
        9 => "Screen Content Coding",
        10 => "Scalable Range Extensions",
        11 => "High Throughput Screen Content Coding",
        var other => $"{other}",
    };

    /// <summary>The level's name (§A.4), such as <c>4.1</c>, with the tier where it is the High tier.</summary>
    public string LevelName => $"{LevelIdc / 30}.{LevelIdc % 30 / 3}" + (IsHighTier ? " (High tier)" : "");

    internal H265ProfileTierLevel ProfileTierLevel { get; private init; }

    /// <summary>
    /// Parses a NAL unit of type 33 of the base layer, from its header on. A damaged VUI costs only what it would have said.
    /// </summary>
    /// <returns>False when the bytes are no sequence parameter set, are malformed, or are longer than 64 KiB.</returns>
    public static bool TryParse(ReadOnlySpan<byte> nalUnit, [NotNullWhen(true)] out H265Sps? sps)
    {
        sps = null;
        if (nalUnit.Length is < 4 or > NalUnits.MaxParameterSetLength || ((nalUnit[0] >> 1) & 0x3F) != 33)
            return false;
        if ((nalUnit[0] & 1) != 0 || (nalUnit[1] >> 3) != 0)
            return false; // nuh_layer_id: sets of other layers have another syntax (annex F)
        Span<byte> scratch = nalUnit.Length <= 512 ? stackalloc byte[512] : new byte[nalUnit.Length];
        var reader = new BitReader(NalUnits.RemoveEmulationPrevention(nalUnit[2..], scratch));

        reader.Skip(4); // sps_video_parameter_set_id
        var subLayers = (int)reader.ReadBits(3) + 1;
        if (subLayers > 7)
            return false;
        var isTemporalIdNested = reader.ReadFlag();
        var profileTierLevel = H265ProfileTierLevel.Read(ref reader, subLayers - 1);
        var id = reader.ReadUe(15);
        var chromaFormatIdc = reader.ReadUe(3);
        if (chromaFormatIdc == 3)
            reader.Skip(1); // separate_colour_plane_flag
        long width = reader.ReadUe(MaxSize);
        long height = reader.ReadUe(MaxSize);
        if (reader.ReadFlag()) // conformance_window_flag
        {
            // Table 6-1, and §7.4.3.2.1: the offsets count chroma samples.
            var unitX = chromaFormatIdc is 1 or 2 ? 2 : 1;
            var unitY = chromaFormatIdc is 1 ? 2 : 1;
            width -= unitX * ((long)reader.ReadUe() + reader.ReadUe());
            height -= unitY * ((long)reader.ReadUe() + reader.ReadUe());
        }

        var bitDepthLuma = 8 + reader.ReadUe(8);
        var bitDepthChroma = 8 + reader.ReadUe(8);
        var bitsOfPictureOrderCount = 4 + reader.ReadUe(12);
        var reorderDepth = 0;
        for (var left = reader.ReadFlag() ? subLayers : 1; left > 0; left--)
        {
            reader.ReadUe(MaxReferences); // sps_max_dec_pic_buffering_minus1
            reorderDepth = reader.ReadUe(MaxReferences);
            reader.ReadUe();               // sps_max_latency_increase_plus1
        }

        // Everything that follows stands between here and the VUI only to be passed over.
        for (var i = 0; i < 6; i++)
            reader.ReadUe(); // sizes of coding and transform blocks
        if (reader.ReadFlag() && reader.ReadFlag()) // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
            SkipScalingLists(ref reader);
        reader.Skip(2);        // amp_enabled_flag, sample_adaptive_offset_enabled_flag
        if (reader.ReadFlag()) // pcm_enabled_flag
        {
            reader.Skip(8);
            reader.ReadUe();
            reader.ReadUe();
            reader.Skip(1);
        }

        SkipShortTermReferencePictureSets(ref reader);
        if (reader.ReadFlag()) // long_term_ref_pics_present_flag
            reader.Skip(reader.ReadUe(32) * (bitsOfPictureOrderCount + 1));
        reader.Skip(2); // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
        var hasVui = reader.ReadFlag();
        if (reader.Failed || width < 1 || height < 1)
            return false;

        var isFieldSequence = false;
        double? frameRate = null;
        if (hasVui)
            ReadVui(ref reader, out isFieldSequence, out frameRate);

        sps = new H265Sps
        {
            ProfileTierLevel = profileTierLevel,
            Id = id,
            SubLayers = subLayers,
            IsTemporalIdNested = isTemporalIdNested,
            ChromaFormatIdc = chromaFormatIdc,
            BitDepthLuma = bitDepthLuma,
            BitDepthChroma = bitDepthChroma,
            Width = (int)width,
            Height = (int)height,
            IsFieldSequence = isFieldSequence,
            FrameRate = frameRate,
            ReorderDepth = reorderDepth,
        };
        return true;
    }

    /// <summary>Reads num_units_in_tick and time_scale.</summary>
    internal static double? ReadFrameRate(ref BitReader reader)
    {
        var unitsInTick = reader.ReadBits(32);
        var rate = reader.ReadBits(32) / (double)unitsInTick;
        return !reader.Failed && rate is > 0 and <= MaxFrameRate ? rate : null;
    }

    // §7.3.4
    private static void SkipScalingLists(ref BitReader reader)
    {
        for (var sizeId = 0; sizeId < 4; sizeId++)
        {
            for (var matrixId = 0; matrixId < 6 && !reader.Failed; matrixId += sizeId == 3 ? 3 : 1)
            {
                if (!reader.ReadFlag()) // scaling_list_pred_mode_flag
                {
                    reader.ReadUe();
                    continue;
                }

                var codes = Math.Min(64, 16 << (2 * sizeId)) + (sizeId > 1 ? 1 : 0);
                for (; codes > 0 && !reader.Failed; codes--)
                    reader.ReadSe();
            }
        }
    }

    // §7.3.7 and §7.4.8. How many flags a predicted set has depends on the size of the set before it, so that the differences of
    // picture order count must really be derived, although nobody here wants them.
    private static void SkipShortTermReferencePictureSets(ref BitReader reader)
    {
        Span<int> negative = stackalloc int[MaxReferences + 1];
        Span<int> positive = stackalloc int[MaxReferences + 1];
        Span<int> candidates = stackalloc int[MaxReferences + 1];
        int negatives = 0, positives = 0;
        var sets = reader.ReadUe(64);
        for (var index = 0; index < sets && !reader.Failed; index++)
        {
            if (index == 0 || !reader.ReadFlag()) // inter_ref_pic_set_prediction_flag
            {
                negatives = reader.ReadUe(MaxReferences);
                positives = reader.ReadUe(MaxReferences - negatives);
                ReadDifferences(ref reader, negative[..negatives], sign: -1);
                ReadDifferences(ref reader, positive[..positives], sign: 1);
                continue;
            }

            var isDeltaNegative = reader.ReadFlag();
            var delta = reader.ReadUe(short.MaxValue) + 1;
            if (isDeltaNegative)
                delta = -delta;

            // One flag for each picture of the set before, negative ones first, and one for that set's own picture.
            var count = 0;
            for (var j = 0; j <= negatives + positives; j++)
            {
                var isUsed = reader.ReadFlag() || reader.ReadFlag(); // used_by_curr_pic_flag, use_delta_flag
                if (isUsed)
                {
                    var difference = j < negatives ? negative[j] : j < negatives + positives ? positive[j - negatives] : 0;
                    candidates[count++] = difference + delta;
                }
            }

            // Each side is ordered from the nearest picture outwards; a difference of 0 is the current picture itself.
            candidates[..count].Sort();
            negatives = positives = 0;
            for (var j = count - 1; j >= 0; j--)
            {
                if (candidates[j] < 0)
                    negative[negatives++] = candidates[j];
            }

            for (var j = 0; j < count; j++)
            {
                if (candidates[j] > 0)
                    positive[positives++] = candidates[j];
            }

            if (negatives + positives > MaxReferences)
                reader.Fail();
        }
    }

    private static void ReadDifferences(ref BitReader reader, scoped Span<int> differences, int sign)
    {
        var difference = 0;
        for (var i = 0; i < differences.Length && !reader.Failed; i++)
        {
            difference += sign * (reader.ReadUe(short.MaxValue) + 1);
            differences[i] = difference;
            reader.Skip(1); // used_by_curr_pic_flag
        }
    }

    // Ends at the timing information: nobody asks for what stands behind it.
    private static void ReadVui(ref BitReader reader, out bool isFieldSequence, out double? frameRate)
    {
        if (reader.ReadFlag() && reader.ReadBits(8) == 255) // aspect_ratio_idc: EXTENDED_SAR
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

        reader.Skip(1); // neutral_chroma_indication_flag
        isFieldSequence = reader.ReadFlag();
        reader.Skip(1);        // frame_field_info_present_flag
        if (reader.ReadFlag()) // default_display_window_flag
        {
            for (var i = 0; i < 4; i++)
                reader.ReadUe();
        }

        frameRate = reader.ReadFlag() ? ReadFrameRate(ref reader) : null;
    }
}
