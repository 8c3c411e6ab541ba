using System.Buffers.Binary;

namespace MediaGraph.Containers.MpegTs;

/// <summary>Puts the sections of one PID together (ISO/IEC 13818-1 §2.4.4). Only those of which the check sum is right come out.</summary>
internal sealed class SectionAssembler
{
    public const int HeaderLength = 8;
    public const int CrcLength = 4;

    private const int MaxLength = 1024; // of a PAT's or PMT's section (§2.4.4.4)

    private readonly byte[] _section = new byte[MaxLength];
    private int _length;
    private int _counter = -1; // of the packet before

    /// <summary>Adds a packet's payload; true when a section is complete, which stays until the next call.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="isStart">payload_unit_start_indicator.</param>
    /// <param name="counter">continuity_counter.</param>
    /// <param name="section">The section, with its check sum.</param>
    public bool TryAdd(ReadOnlySpan<byte> payload, bool isStart, int counter, out ReadOnlySpan<byte> section)
    {
        section = default;
        var isNext = counter == ((_counter + 1) & 0xF);
        _counter = counter;
        if (isStart)
        {
            // What is before the pointer's place ends the section before; tables of one program have one section each.
            if (payload.IsEmpty || payload[0] >= payload.Length)
                return false;
            payload = payload[(1 + payload[0])..];
            _length = 0;
        }
        else if (_length == 0 || !isNext)
        {
            _length = 0;
            return false;
        }

        var taken = Math.Min(payload.Length, MaxLength - _length);
        payload[..taken].CopyTo(_section.AsSpan(_length));
        _length += taken;
        if (_length < 3)
            return false;
        var announced = 3 + (BinaryPrimitives.ReadUInt16BigEndian(_section.AsSpan(1)) & 0xFFF);
        if (announced is > MaxLength or < HeaderLength + CrcLength)
            _length = 0;
        if (_length < announced)
            return false;
        _length = 0;
        section = _section.AsSpan(0, announced);
        return (section[5] & 1) != 0 && MpegTsCrc.Of(section) == 0; // current_next_indicator
    }
}
