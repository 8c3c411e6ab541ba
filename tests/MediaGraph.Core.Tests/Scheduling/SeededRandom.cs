namespace MediaGraph.Tests.Scheduling;

/// <summary>SplitMix64: small, and the same everywhere.</summary>
internal sealed class SeededRandom(int seed)
{
    private ulong _state = (ulong)seed * 0x9E3779B97F4A7C15 + 1;

    public int Next(int limit)
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)((z ^ (z >> 31)) % (ulong)limit);
    }
}
