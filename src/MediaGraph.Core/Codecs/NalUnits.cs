using System.Buffers.Binary;

namespace MediaGraph.Codecs;

/// <summary>
/// NAL units of H264 and H265 inside access units, in the byte stream form with start codes (Annex B of ITU-T H.264 and H.265)
/// and in the form with length prefixes (ISO/IEC 14496-15 §4.3.2). Accepts any bytes; all methods take linear time.
/// </summary>
public static class NalUnits
{
    /// <summary>The largest parameter set that is parsed, in bytes: what avcC and hvcC can carry.</summary>
    internal const int MaxParameterSetLength = ushort.MaxValue;

    /// <summary>Bytes of the length prefix in packets' payloads.</summary>
    public const int LengthSize = 4;

    private static ReadOnlySpan<byte> StartCode => [0, 0, 1];

    /// <summary>
    /// Takes the next NAL unit off a byte stream. Bytes before the first start code, zeros after a NAL unit and empty NAL units
    /// are passed over.
    /// </summary>
    /// <param name="rest">What is left of the byte stream; empty after the last NAL unit.</param>
    /// <param name="nalUnit">The NAL unit from its header on, without its start code, at least one byte.</param>
    /// <returns>False when there is none left.</returns>
    public static bool TryReadAnnexB(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> nalUnit)
    {
        var start = rest.IndexOf(StartCode);
        while (start >= 0)
        {
            rest = rest[(start + StartCode.Length)..];
            start = rest.IndexOf(StartCode);

            // A NAL unit never ends in a zero byte (§7.4.1): zeros here belong to the next start code or are trailing.
            nalUnit = (start < 0 ? rest : rest[..start]).TrimEnd((byte)0);
            if (!nalUnit.IsEmpty)
            {
                rest = start < 0 ? default : rest[start..];
                return true;
            }
        }

        rest = default;
        nalUnit = default;
        return false;
    }

    /// <summary>Takes the next NAL unit off a sequence with length prefixes. Empty NAL units are passed over.</summary>
    /// <param name="rest">What is left of the sequence; empty after the last NAL unit, not empty when the rest is malformed.</param>
    /// <param name="lengthSize">Bytes of each length prefix, 1 to 4.</param>
    /// <param name="nalUnit">The NAL unit from its header on, without its prefix, at least one byte.</param>
    /// <returns>False when there is none left, or the next one does not lie inside <paramref name="rest"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="lengthSize"/> is not 1 to 4.</exception>
    public static bool TryReadLengthPrefixed(ref ReadOnlySpan<byte> rest, int lengthSize, out ReadOnlySpan<byte> nalUnit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lengthSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthSize, 4);
        while (rest.Length >= lengthSize)
        {
            uint length = 0;
            for (var i = 0; i < lengthSize; i++)
                length = (length << 8) | rest[i];
            if (length > (uint)(rest.Length - lengthSize))
                break;
            nalUnit = rest.Slice(lengthSize, (int)length);
            rest = rest[(lengthSize + (int)length)..];
            if (!nalUnit.IsEmpty)
                return true;
        }

        nalUnit = default;
        return false;
    }

    /// <summary>How many bytes a byte stream takes with 4-byte length prefixes.</summary>
    /// <returns>False when there is no NAL unit in it.</returns>
    public static bool TryMeasureAnnexB(ReadOnlySpan<byte> source, out int length)
    {
        long total = 0;
        while (TryReadAnnexB(ref source, out var nalUnit))
            total += LengthSize + nalUnit.Length;
        return TryNarrow(total, out length);
    }

    /// <summary>Rewrites a byte stream with 4-byte length prefixes.</summary>
    /// <param name="source">The byte stream.</param>
    /// <param name="destination">At least as long as <see cref="TryMeasureAnnexB"/> says; must not overlap the source.</param>
    /// <returns>The bytes written.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public static int ConvertAnnexB(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var written = 0;
        while (TryReadAnnexB(ref source, out var nalUnit))
            written += Append(nalUnit, destination[written..]);
        return written;
    }

    /// <summary>
    /// How many bytes a sequence with length prefixes of any size takes with 4-byte length prefixes. When that is the length of a
    /// source with 4-byte prefixes, it may be used as it is.
    /// </summary>
    /// <param name="source">The sequence.</param>
    /// <param name="lengthSize">Bytes of each length prefix in the source, 1 to 4.</param>
    /// <param name="length">The bytes needed.</param>
    /// <returns>False when the source is malformed, or there is no NAL unit in it.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="lengthSize"/> is not 1 to 4.</exception>
    public static bool TryMeasureLengthPrefixed(ReadOnlySpan<byte> source, int lengthSize, out int length)
    {
        long total = 0;
        while (TryReadLengthPrefixed(ref source, lengthSize, out var nalUnit))
            total += LengthSize + nalUnit.Length;
        length = 0;
        return source.IsEmpty && TryNarrow(total, out length);
    }

    /// <summary>Rewrites a sequence with length prefixes of any size with 4-byte length prefixes, up to where it is malformed.</summary>
    /// <param name="source">The sequence.</param>
    /// <param name="lengthSize">Bytes of each length prefix in the source, 1 to 4.</param>
    /// <param name="destination">
    /// At least as long as <see cref="TryMeasureLengthPrefixed"/> says; must not overlap the source.
    /// </param>
    /// <returns>The bytes written.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="lengthSize"/> is not 1 to 4.</exception>
    public static int ConvertLengthPrefixed(ReadOnlySpan<byte> source, int lengthSize, Span<byte> destination)
    {
        var written = 0;
        while (TryReadLengthPrefixed(ref source, lengthSize, out var nalUnit))
            written += Append(nalUnit, destination[written..]);
        return written;
    }

    /// <summary>
    /// Whether decoding can start at an H264 access unit with 4-byte length prefixes: it is an IDR picture (nal_unit_type 5, ITU-T H.264
    /// §7.4.1), or has a recovery point (<see cref="IsH264RecoveryPoint"/>).
    /// </summary>
    public static bool IsH264Keyframe(ReadOnlySpan<byte> accessUnit)
    {
        while (TryReadLengthPrefixed(ref accessUnit, LengthSize, out var nalUnit))
        {
            if ((nalUnit[0] & 0x1F) is 5 || IsH264RecoveryPoint(nalUnit))
                return true;
        }

        return false;
    }

    /// <summary>
    /// Whether an H264 NAL unit has a recovery point message (ITU-T H.264 §D.2.8): who starts to decode at its access unit has right
    /// pictures after as many frames as it says. Encoders that refresh pictures bit by bit send it in place of IDR pictures, those with
    /// open groups of pictures beside them.
    /// </summary>
    public static bool IsH264RecoveryPoint(ReadOnlySpan<byte> nalUnit)
    {
        const int recoveryPoint = 6;
        if (nalUnit.IsEmpty || (nalUnit[0] & 0x1F) != 6)
            return false; // no supplemental enhancement information
        var zeros = 0;
        for (var rest = nalUnit[1..]; ;)
        {
            var type = ReadSupplementNumber(ref rest, ref zeros);
            var size = ReadSupplementNumber(ref rest, ref zeros);
            if (type == recoveryPoint || size < 0)
                return type == recoveryPoint && size > 0;
            for (; size > 0; size--)
            {
                if (ReadSupplementByte(ref rest, ref zeros) < 0)
                    return false;
            }
        }
    }

    /// <summary>
    /// Whether an H265 access unit with 4-byte length prefixes is a random access point: BLA, IDR or CRA (nal_unit_type 16 to
    /// 21, ITU-T H.265 §7.4.2.2).
    /// </summary>
    public static bool IsH265Keyframe(ReadOnlySpan<byte> accessUnit)
    {
        while (TryReadLengthPrefixed(ref accessUnit, LengthSize, out var nalUnit))
        {
            if (((nalUnit[0] >> 1) & 0x3F) is >= 16 and <= 21)
                return true;
        }

        return false;
    }

    /// <summary>Takes the emulation prevention bytes out of a NAL unit (ITU-T H.264 §7.4.1): 00 00 03 becomes 00 00.</summary>
    /// <param name="nalUnit">The NAL unit.</param>
    /// <param name="destination">At least as long as the NAL unit.</param>
    /// <returns>The part of the destination that was written.</returns>
    internal static ReadOnlySpan<byte> RemoveEmulationPrevention(ReadOnlySpan<byte> nalUnit, Span<byte> destination)
    {
        var written = 0;
        var zeros = 0;
        foreach (var value in nalUnit)
        {
            if (zeros >= 2 && value == 3)
            {
                zeros = 0;
                continue;
            }

            zeros = value == 0 ? zeros + 1 : 0;
            destination[written++] = value;
        }

        return destination[..written];
    }

    // §7.3.2.3.1; -1 at the end.
    private static long ReadSupplementNumber(ref ReadOnlySpan<byte> rest, ref int zeros)
    {
        var number = 0L;
        int value;
        do
        {
            value = ReadSupplementByte(ref rest, ref zeros);
            if (value < 0)
                return -1;
            number += value;
        }
        while (value == 255);
        return number;
    }

    // Past emulation prevention; -1 at the end.
    private static int ReadSupplementByte(ref ReadOnlySpan<byte> rest, ref int zeros)
    {
        if (zeros >= 2 && rest is [3, ..])
        {
            rest = rest[1..];
            zeros = 0;
        }

        if (rest.IsEmpty)
            return -1;
        var value = rest[0];
        rest = rest[1..];
        zeros = value == 0 ? zeros + 1 : 0;
        return value;
    }

    private static int Append(ReadOnlySpan<byte> nalUnit, Span<byte> destination)
    {
        if (destination.Length < LengthSize + nalUnit.Length)
            throw new ArgumentException("The destination is too short.", nameof(destination));
        BinaryPrimitives.WriteInt32BigEndian(destination, nalUnit.Length);
        nalUnit.CopyTo(destination[LengthSize..]);
        return LengthSize + nalUnit.Length;
    }

    private static bool TryNarrow(long total, out int length)
    {
        // A source near 2 GiB may need more than an array can hold.
        length = total <= Array.MaxLength ? (int)total : 0;
        return length > 0;
    }
}
