using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Where one track's timestamps lie on the time of its <see cref="RtpSynchronizer"/>. It only adds to timestamps, so that no error
/// adds up.
/// </summary>
internal sealed class RtpTrackClock
{
    // 5 ms/s: nobody hears or sees it.
    private const int SlewDivisor = 200;

    // Where the sender's clocks differ by more they have nothing to do with each other, or one was set.
    private const int MaxCorrectionSeconds = 10;

    private readonly RtpSynchronizer _synchronizer;
    private readonly int _clockRate;
    private bool _started;
    private long _offset; // from timestamps to the common time, in ticks
    private long _target; // what the offset moves to
    private long _slewedTo; // the timestamp up to which it has moved
    private long _last; // the latest timestamp
    private long _lastArrival; // ticks
    private long _lastSilence; // of all tracks until then, in ticks
    private bool _isDoubtful; // the last report was out of bounds
    private (ulong NtpTime, uint RtpTime)? _pending; // a report that came before the first packet

    internal RtpTrackClock(RtpSynchronizer synchronizer, int clockRate)
    {
        _synchronizer = synchronizer;
        _clockRate = clockRate;
    }

    /// <summary>Whether a sender report has aligned the track.</summary>
    public bool IsAligned { get; private set; }

    /// <summary>Whether a sender report has aligned the track, or will do so with its first frame.</summary>
    public bool HasReport => IsAligned || _pending is not null;

    /// <summary>What is to be added to a timestamp, in ticks.</summary>
    /// <param name="timestamp">The unwrapped timestamp of a frame that has just come.</param>
    public long OffsetOf(long timestamp)
    {
        var arrival = MediaTime.FromTimeSpan(_synchronizer.Elapse(), _clockRate);
        var silence = MediaTime.FromTimeSpan(_synchronizer.Silence, _clockRate);

        // Also where the sender's clock stood still while nothing came at all, the tracks stay as they were.
        if (_started && IsJump(arrival - _lastArrival) && IsJump(arrival - _lastArrival - (silence - _lastSilence)))
            Restart();
        if (!_started)
        {
            _started = true;
            _offset = _target = arrival - timestamp;
            _slewedTo = _last = timestamp;
            if (_pending is { } report)
                Align(report.NtpTime, report.RtpTime);
            _pending = null;
            _offset = _target; // nothing of the track has gone out yet
        }

        Slew(timestamp);
        (_last, _lastArrival, _lastSilence) = (timestamp, arrival, silence);
        return _offset;

        bool IsJump(long elapsed) => Math.Abs(timestamp - _last - elapsed) > (long)MaxCorrectionSeconds * _clockRate;
    }

    /// <summary>The source has started over: what follows is placed by its arrival until the next sender report.</summary>
    public void Restart()
    {
        _started = IsAligned = _isDoubtful = false;
        _pending = null;
    }

    /// <summary>Takes a sender report of the track.</summary>
    public void Accept(in SenderReport report)
    {
        if (report.NtpTime == 0)
            return; // a sender without a clock (§6.4.1)
        if (_started)
            Align(report.NtpTime, report.RtpTime);
        else
            _pending = (report.NtpTime, report.RtpTime);
    }

    private void Align(ulong ntpTime, uint rtpTime)
    {
        var timestamp = _last + unchecked((int)(rtpTime - (uint)_last));
        var origin = _synchronizer.Origin ??= OriginFor(ntpTime, timestamp);
        var correction = NtpTime.Difference(origin, ntpTime, _clockRate) - timestamp - _target;
        if (Math.Abs(correction) > (long)MaxCorrectionSeconds * _clockRate)
        {
            // The first may be a mistake; the second says that the sender's clock was set: what was aligned stays where it is.
            if (_isDoubtful)
                _synchronizer.Origin = OriginFor(ntpTime, timestamp);
            IsAligned |= _isDoubtful;
            _isDoubtful = !_isDoubtful;
            return;
        }

        _isDoubtful = false;
        IsAligned = true;
        _target += correction;
        if (!_synchronizer.IsLive)
            _offset = _target;
    }

    private ulong OriginFor(ulong ntpTime, long timestamp) =>
        unchecked(ntpTime - (ulong)(long)(((Int128)(timestamp + _target) << 32) / _clockRate));

    private void Slew(long timestamp)
    {
        if (_offset == _target)
        {
            _slewedTo = Math.Max(_slewedTo, timestamp);
            return;
        }

        var allowed = Math.Max(0, timestamp - _slewedTo) / SlewDivisor;
        _slewedTo += allowed * SlewDivisor;
        _offset += Math.Clamp(_target - _offset, -allowed, allowed);
    }
}
