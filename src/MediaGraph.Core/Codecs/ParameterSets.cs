using System.Numerics;

namespace MediaGraph.Codecs;

/// <summary>
/// The parameter sets of an H264 or H265 stream as they stand: one of each type and identifier, the latest. Bounded in bytes, so that
/// a stream cannot pile them up.
/// </summary>
internal sealed class ParameterSets
{
    /// <summary>All of them together, in bytes.</summary>
    public const int MaxBytes = 64 << 10;

    private readonly List<(int Type, int Id, byte[] NalUnit)> _sets = []; // in the order of types and identifiers
    private int _bytes;

    /// <summary>Whether any was added, or became another, since this was last set to false.</summary>
    public bool HasChanged { get; set; }

    /// <summary>Whether exactly this set is there.</summary>
    public bool Contains(ReadOnlySpan<byte> nalUnit)
    {
        foreach (var set in _sets)
        {
            if (nalUnit.SequenceEqual(set.NalUnit))
                return true;
        }

        return false;
    }

    /// <summary>Stores a set. One that does not fit any more is left out.</summary>
    /// <param name="type">nal_unit_type.</param>
    /// <param name="id">Its own identifier.</param>
    /// <param name="nalUnit">From its header on; none that is there already.</param>
    public void Add(int type, int id, ReadOnlySpan<byte> nalUnit)
    {
        var index = 0;
        while (index < _sets.Count && (_sets[index].Type, _sets[index].Id).CompareTo((type, id)) < 0)
            index++;
        var isKnown = index < _sets.Count && (_sets[index].Type, _sets[index].Id) == (type, id);
        var bytes = _bytes - (isKnown ? _sets[index].NalUnit.Length : 0) + nalUnit.Length;
        if (bytes > MaxBytes)
            return;
        if (isKnown)
            _sets.RemoveAt(index);
        _sets.Insert(index, (type, id, nalUnit.ToArray()));
        _bytes = bytes;
        HasChanged = true;
    }

    /// <summary>The sets of a type by their identifiers.</summary>
    public ReadOnlyMemory<byte>[] Of(int type) =>
        [.. _sets.Where(set => set.Type == type).Select(set => new ReadOnlyMemory<byte>(set.NalUnit))];

    /// <summary>Reads the identifier that a set starts with: ue(v), ITU-T H.264 §9.1.</summary>
    /// <returns>The value, up to 510; -1 when it is cut or longer.</returns>
    public static int ReadIdentifier(ReadOnlySpan<byte> bytes)
    {
        uint window = 0;
        for (var i = 0; i < 4; i++)
            window = (window << 8) | (i < bytes.Length ? bytes[i] : 0u);
        var zeros = BitOperations.LeadingZeroCount(window);
        if (zeros > 8 || (2 * zeros) + 1 > bytes.Length * 8)
            return -1;
        return (int)(window >> (31 - (2 * zeros))) - 1;
    }
}
