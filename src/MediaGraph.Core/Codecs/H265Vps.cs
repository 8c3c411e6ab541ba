namespace MediaGraph.Codecs;

/// <summary>The one thing that a video parameter set of H265 may know better than the SPS (ITU-T H.265 §7.3.2.1).</summary>
internal static class H265Vps
{
    /// <summary>Reads the frame rate of a NAL unit of type 32, from its header on.</summary>
    /// <returns>Pictures per second; null when the bytes are malformed or state none up to 1,000.</returns>
    public static double? ReadFrameRate(ReadOnlySpan<byte> nalUnit)
    {
        if (nalUnit.Length is < 4 or > NalUnits.MaxParameterSetLength || ((nalUnit[0] >> 1) & 0x3F) != 32)
            return null;
        Span<byte> scratch = nalUnit.Length <= 512 ? stackalloc byte[512] : new byte[nalUnit.Length];
        var reader = new BitReader(NalUnits.RemoveEmulationPrevention(nalUnit[2..], scratch));

        reader.Skip(12); // vps_video_parameter_set_id, base layer flags, vps_max_layers_minus1
        var subLayers = (int)reader.ReadBits(3);
        reader.Skip(17); // vps_temporal_id_nesting_flag, vps_reserved_0xffff_16bits
        H265ProfileTierLevel.Read(ref reader, subLayers);
        for (var left = reader.ReadFlag() ? subLayers + 1 : 1; left > 0; left--)
        {
            reader.ReadUe(); // vps_max_dec_pic_buffering_minus1
            reader.ReadUe(); // vps_max_num_reorder_pics
            reader.ReadUe(); // vps_max_latency_increase_plus1
        }

        var layers = (int)reader.ReadBits(6) + 1;
        var layerSets = reader.ReadUe(1023);
        reader.Skip(layers * layerSets); // layer_id_included_flag
        return reader.ReadFlag() ? H265Sps.ReadFrameRate(ref reader) : null;
    }
}
