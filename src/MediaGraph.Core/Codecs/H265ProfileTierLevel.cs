namespace MediaGraph.Codecs;

/// <summary>The general part of H265's profile_tier_level() (ITU-T H.265 §7.3.3).</summary>
/// <param name="Profile">general_profile_space (2 bits), general_tier_flag and general_profile_idc (5 bits) in one byte.</param>
/// <param name="CompatibilityFlags">general_profile_compatibility_flag[0] is the highest bit.</param>
/// <param name="ConstraintFlags">The 48 bits from general_progressive_source_flag on.</param>
/// <param name="LevelIdc">Thirty times the level.</param>
internal readonly record struct H265ProfileTierLevel(byte Profile, uint CompatibilityFlags, ulong ConstraintFlags, byte LevelIdc)
{
    /// <summary>Reads the structure and passes over its sub-layers.</summary>
    /// <param name="reader">Stands at the structure's first bit, and then after its last.</param>
    /// <param name="subLayers">Sub-layers below the highest, 0 to 7.</param>
    public static H265ProfileTierLevel Read(ref BitReader reader, int subLayers)
    {
        var profile = (byte)reader.ReadBits(8);
        var compatibilityFlags = reader.ReadBits(32);
        var constraintFlags = ((ulong)reader.ReadBits(32) << 16) | reader.ReadBits(16);
        var levelIdc = (byte)reader.ReadBits(8);

        var bitsOfSubLayers = 0;
        for (var i = 0; i < subLayers; i++)
        {
            bitsOfSubLayers += reader.ReadFlag() ? 88 : 0; // sub_layer_profile_present_flag
            bitsOfSubLayers += reader.ReadFlag() ? 8 : 0;  // sub_layer_level_present_flag
        }

        if (subLayers > 0)
            reader.Skip(2 * (8 - subLayers)); // the flags are padded to eight pairs
        reader.Skip(bitsOfSubLayers);
        return new H265ProfileTierLevel(profile, compatibilityFlags, constraintFlags, levelIdc);
    }
}
