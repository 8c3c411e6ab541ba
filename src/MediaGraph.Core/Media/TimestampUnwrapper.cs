namespace MediaGraph.Media;

/// <summary>Extends 32-bit timestamps that wrap to 64 bits: each is taken for the nearest to the one before.</summary>
public struct TimestampUnwrapper
{
    private long _last;
    private bool _started;

    /// <summary>The timestamp without its wraps; the first is taken as it is.</summary>
    public long Unwrap(uint timestamp)
    {
        _last = _started ? _last + unchecked((int)(timestamp - (uint)_last)) : timestamp;
        _started = true;
        return _last;
    }
}
