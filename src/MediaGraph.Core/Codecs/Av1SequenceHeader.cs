namespace MediaGraph.Codecs;

/// <summary>What AV1's sequence header says about the pictures (AV1 specification §5.5).</summary>
/// <param name="Width">max_frame_width, 1 to 65,536 samples.</param>
/// <param name="Height">max_frame_height, 1 to 65,536 samples.</param>
/// <param name="FrameRate">Pictures per second, up to 1,000; null where the stream does not say.</param>
/// <param name="Profile">seq_profile, 0 to 2.</param>
/// <param name="Level">seq_level_idx of the first operating point, 0 to 31.</param>
internal readonly record struct Av1SequenceHeader(int Width, int Height, double? FrameRate, int Profile, int Level)
{
    private const int RecordHeaderLength = 4;
    private const int SequenceHeaderType = 1;

    public string ProfileName => Profile switch
    {
        0 => "Main",
        1 => "High",
        _ => "Professional",
    };

    public string LevelName => Level == 31 ? "Maximum" : $"{2 + (Level >> 2)}.{Level & 3}";

    /// <summary>
    /// Whether the bytes are an AV1CodecConfigurationRecord, <c>av1C</c> (AV1 in ISO base media §2.3.3): marker and version 1, and
    /// a known profile.
    /// </summary>
    public static bool IsRecord(ReadOnlySpan<byte> record) =>
        record.Length >= RecordHeaderLength && record[0] == 0x81 && record[1] >> 5 <= 2;

    /// <summary>
    /// The record that says the same as an AV1 video descriptor of an MPEG-2 transport stream (AV1 in MPEG-2 TS §2.2), with its
    /// tag and length or without.
    /// </summary>
    /// <returns>False when the descriptor is malformed.</returns>
    public static bool TryConvertDescriptor(ReadOnlySpan<byte> descriptor, out byte[] record)
    {
        record = [];
        if (descriptor is [0x80, 4, ..])
            descriptor = descriptor[2..];
        if (descriptor.Length != RecordHeaderLength || !IsRecord(descriptor))
            return false;
        record = descriptor.ToArray();
        record[3] &= 0x1F; // hdr_wcg_idc is reserved in a record
        return true;
    }

    /// <summary>Finds and parses the sequence header in a record's configOBUs.</summary>
    /// <returns>False when the record is malformed, or has none.</returns>
    public static bool TryParseRecord(ReadOnlySpan<byte> record, out Av1SequenceHeader header)
    {
        header = default;
        if (!IsRecord(record))
            return false;
        var rest = record[RecordHeaderLength..];
        while (TryReadUnit(ref rest, out var type, out var unit))
        {
            if (type == SequenceHeaderType)
                return TryParse(unit, out header);
        }

        return false;
    }

    /// <summary>Whether a temporal unit has a sequence header, without which decoding cannot start.</summary>
    public static bool IsIn(ReadOnlySpan<byte> temporalUnit)
    {
        while (TryReadUnit(ref temporalUnit, out var type, out _))
        {
            if (type == SequenceHeaderType)
                return true;
        }

        return false;
    }

    /// <summary>Parses sequence_header_obu().</summary>
    public static bool TryParse(ReadOnlySpan<byte> unit, out Av1SequenceHeader header)
    {
        var reader = new BitReader(unit);
        var profile = (int)reader.ReadBits(3);
        reader.Skip(1); // still_picture
        int level;
        double? frameRate = null;
        if (reader.ReadFlag()) // reduced_still_picture_header
            level = (int)reader.ReadBits(5);
        else
            level = ReadOperatingPoints(ref reader, out _, out frameRate);
        var (widthBits, heightBits) = ((int)reader.ReadBits(4) + 1, (int)reader.ReadBits(4) + 1);
        var (width, height) = ((int)reader.ReadBits(widthBits) + 1, (int)reader.ReadBits(heightBits) + 1);
        header = new Av1SequenceHeader(width, height, frameRate, profile, level);
        return !reader.Failed && profile <= 2;
    }

    /// <summary>
    /// Reads from timing_info_present_flag to the operating points, and returns seq_level_idx[0].
    /// </summary>
    internal static int ReadOperatingPoints(ref BitReader reader, out int tier, out double? frameRate)
    {
        frameRate = null;
        tier = 0;
        var hasDecoderModel = false;
        var delayBits = 0;
        if (reader.ReadFlag()) // timing_info_present_flag
        {
            var (tick, scale) = (reader.ReadBits(32), reader.ReadBits(32));
            if (reader.ReadFlag()) // equal_picture_interval
            {
                var rate = scale / ((double)tick * (reader.ReadUe() + 1d));
                frameRate = rate is > 0 and <= 1000 ? rate : null;
            }

            hasDecoderModel = reader.ReadFlag();
            if (hasDecoderModel)
            {
                delayBits = (int)reader.ReadBits(5) + 1;
                reader.Skip(32 + 5 + 5);
            }
        }

        var hasDisplayDelay = reader.ReadFlag();
        var first = 0;
        var points = (int)reader.ReadBits(5) + 1;
        for (var i = 0; i < points && !reader.Failed; i++)
        {
            reader.Skip(12); // operating_point_idc
            var level = (int)reader.ReadBits(5);
            var pointTier = level > 7 ? (int)reader.ReadBits(1) : 0;
            if (hasDecoderModel && reader.ReadFlag())
                reader.Skip((2 * delayBits) + 1);
            if (hasDisplayDelay && reader.ReadFlag())
                reader.Skip(4);
            if (i == 0)
                (first, tier) = (level, pointTier);
        }

        return first;
    }

    // open_bitstream_unit() (§5.3); one without a size is the last.
    private static bool TryReadUnit(ref ReadOnlySpan<byte> rest, out int type, out ReadOnlySpan<byte> unit)
    {
        type = 0;
        unit = default;
        if (rest.IsEmpty || (rest[0] & 0x80) != 0)
            return false;
        type = (rest[0] >> 3) & 0xF;
        var hasSize = (rest[0] & 2) != 0;
        var position = (rest[0] & 4) != 0 ? 2 : 1;
        if (position > rest.Length)
            return false;
        long size = rest.Length - position;
        if (hasSize)
        {
            size = 0;
            var shift = 0;
            do
            {
                if (position >= rest.Length || shift > 28)
                    return false;
                size |= (long)(rest[position] & 0x7F) << shift;
                shift += 7;
            }
            while ((rest[position++] & 0x80) != 0);
        }

        if (size > rest.Length - position)
            return false;
        unit = rest.Slice(position, (int)size);
        rest = rest[(position + (int)size)..];
        return true;
    }
}
