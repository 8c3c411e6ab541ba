using MediaGraph.Media;

namespace MediaGraph.Containers.MpegTs;

/// <summary>
/// Lets times go on where a source sets its clock: cameras do so when they hear of the time. Media may come late, and all that waited at
/// once, but never from the future: a clock that runs ahead of their arrival was set forward, and one that goes back was set back. All times
/// are decode times in ticks of 90 kHz.
/// </summary>
internal sealed class MediaClock(TimeProvider time)
{
    private const long MaxAhead = Codec.VideoClockRate; // of what came earliest: frames are long, and cameras send in bursts
    private const long MaxBack = Codec.VideoClockRate / 2; // decode times never go back; less is jitter, which the feed smoothes
    private const long Noticeable = Codec.VideoClockRate / 4;
    private const long MaxFrame = Codec.VideoClockRate; // the longest frame that tells where the next one belongs
    private const long MinFrame = Codec.VideoClockRate / 1000;
    private const int Drift = 100; // a clock may be slow by one in so many

    private readonly long _started = time.GetTimestamp();

    // What was decided last, by whichever track noticed first: each for itself, they would not keep together.
    private int _decision;
    private long _step; // by how much the clock was found to be set
    private bool _isHidden; // whether that was hidden by the next field; else it shows
    private long _offset;

    /// <summary>The time on the clock that was never set anew, of a frame that has come now.</summary>
    public long Place(Track track, long told)
    {
        var now = MediaTime.FromTimeSpan(time.GetElapsedTime(_started), Codec.VideoClockRate);
        if (track.Last is not { } last)
        {
            (track.Offset, track.Decision) = (_offset, _decision);
            track.Ahead = told + track.Offset - now;
        }
        else
        {
            track.Ahead -= (now - track.Arrived) / Drift;
            var step = track.StepOf(told + track.Offset, now);
            if (Math.Abs(step) > Noticeable)
                Decide(track, told, now, step);
            else if (told + track.Offset > last)
                track.Frame = Math.Clamp(told + track.Offset - last, MinFrame, MaxFrame);
        }

        var placed = told + track.Offset;
        (track.Last, track.Arrived, track.Ahead) = (placed, now, Math.Max(track.Ahead, placed - now));
        return placed;
    }

    private static bool IsSet(long step) => step is < -MaxBack or > MaxAhead;

    private void Decide(Track track, long told, long now, long step)
    {
        if (IsSet(step) && Math.Abs(track.StepOf(told + _offset, now)) <= Noticeable)
        {
            track.Offset = _offset; // another track has found it out
        }
        else if (track.Decision != _decision && Math.Abs(step - _step) <= Noticeable)
        {
            track.Offset = _isHidden ? _offset : track.Offset;
        }
        else
        {
            _decision++;
            (_step, _isHidden) = (step, IsSet(step));
            if (_isHidden)
                track.Offset = _offset = track.Expect(now) - told;
        }

        track.Decision = _decision;
    }

    /// <summary>A track's place on the clock.</summary>
    public sealed class Track
    {
        public long Offset { get; set; }

        /// <summary>The last time; null before the first.</summary>
        public long? Last { get; set; }

        /// <summary>When it came.</summary>
        public long Arrived { get; set; }

        /// <summary>By how much the times are ahead of the arrival, of what came with the least delay.</summary>
        public long Ahead { get; set; }

        public long Frame { get; set; } = MinFrame;

        /// <summary>The last decision that the offset follows.</summary>
        public int Decision { get; set; }

        /// <summary>By how much the clock was set if this is the next time; zero for what only comes late.</summary>
        public long StepOf(long placed, long now) =>
            placed < Last ? placed - Last.Value - Frame : Math.Max(0, placed - now - Ahead);

        /// <summary>Where the next frame belongs, whatever its time says: behind the last one, or where it came after a pause.</summary>
        public long Expect(long now) => Last!.Value + (now - Arrived > MaxFrame ? now - Arrived : Frame);
    }
}
