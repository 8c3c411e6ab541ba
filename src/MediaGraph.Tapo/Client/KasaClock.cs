namespace MediaGraph.Tapo.Client;

/// <summary>
/// The times of a Kasa camera's parts, in seconds from the first one on. Such a camera begins in 1970 and hears of the time later, or does
/// not tell it: then what counts is when a part came.
/// </summary>
internal sealed class KasaClock(TimeProvider time)
{
    private const double MaxAhead = 1; // seconds by which a clock can run ahead of what comes: more is a clock that was set
    private const double MaxStepBack = 0.5; // pictures and sound are not quite in order

    private double _offset;
    private double _last;
    private long _arrived = time.GetTimestamp(); // of the part that has the last time
    private bool _isTold; // some part had a time

    /// <summary>The time of the part that has come now.</summary>
    /// <param name="told">What it says; null without. Then it is that of the part before, if one ever said it.</param>
    public double Place(double? told)
    {
        if (told is null && _isTold)
            return _last;
        var now = time.GetTimestamp();
        var arrival = _last + time.GetElapsedTime(_arrived, now).TotalSeconds;
        if (told is { } clock)
        {
            if (!_isTold || clock + _offset < _last - MaxStepBack || clock + _offset > arrival + MaxAhead)
                _offset = arrival - clock;
            _isTold = true;
            arrival = clock + _offset;
        }

        (_last, _arrived) = (arrival, now);
        return arrival;
    }
}
