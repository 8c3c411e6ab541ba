namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Lays the tracks of one sender on one time, which starts at 0 with the first packet: by the packets' arrival until sender reports
/// (RFC 3550 §6.4.1) tell how the tracks' timestamps belong together. Not thread-safe.
/// </summary>
/// <param name="timeProvider">For arrival times.</param>
internal sealed class RtpSynchronizer(TimeProvider timeProvider)
{
    private static readonly TimeSpan LeastSilence = TimeSpan.FromSeconds(1);

    private readonly List<RtpTrackClock> _tracks = [];
    private long? _start; // of the time, as a timestamp of the time provider
    private TimeSpan _lastArrival;

    /// <summary>Whether each track has been aligned by a sender report.</summary>
    public bool IsAligned => _tracks.TrueForAll(track => track.IsAligned);

    /// <summary>Whether a sender report of each track has come.</summary>
    public bool HasReports => _tracks.TrueForAll(track => track.HasReport);

    /// <summary>
    /// Whether frames go out already. Before that a track moves to where its sender reports say at once; afterwards by at most 5 ms/s.
    /// </summary>
    public bool IsLive { get; private set; }

    /// <summary>The sender's wall clock at time 0, once a report has told it.</summary>
    internal ulong? Origin { get; set; }

    /// <summary>Adds a track.</summary>
    /// <param name="clockRate">Ticks per second of its timestamps.</param>
    public RtpTrackClock AddTrack(int clockRate)
    {
        var track = new RtpTrackClock(this, clockRate);
        _tracks.Add(track);
        return track;
    }

    /// <summary>Frames go out from now on.</summary>
    public void GoLive() => IsLive = true;

    /// <summary>When the packet came that is looked at now, where that was not just now; a timestamp of the time provider.</summary>
    public long? Arrival { get; set; }

    /// <summary>
    /// For how long nothing came of any track, all such times together: the sender paused, or the network or this process stood still.
    /// </summary>
    internal TimeSpan Silence { get; private set; }

    /// <summary>A packet has come; returns the time since the first.</summary>
    internal TimeSpan Elapse()
    {
        var now = Arrival ?? timeProvider.GetTimestamp();
        _start ??= now;
        var elapsed = timeProvider.GetElapsedTime(_start.Value, now);
        if (elapsed - _lastArrival > LeastSilence)
            Silence += elapsed - _lastArrival;
        _lastArrival = elapsed;
        return elapsed;
    }
}
