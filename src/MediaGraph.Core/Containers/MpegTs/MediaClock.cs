namespace MediaGraph.Containers.MpegTs;

/// <summary>
/// Lets times go on where a source sets its clock: cameras do so when they hear of the time. All times are decode times in ticks of 90 kHz.
/// </summary>
internal sealed class MediaClock
{
    private const long MaxStep = 10 * 90_000; // forward: a source that is silent for longer has ended
    private const long MaxStepBack = 90_000 / 2; // decode times never go back; less is jitter, which the feed smoothes
    private const long MaxFrame = 90_000; // the longest frame that tells where the next one belongs
    private const long MinFrame = 90_000 / 1000;

    private long _offset; // of the clock as it was set last, by whichever track found that out

    /// <summary>The time on the clock that was never set anew.</summary>
    public long Place(Track track, long time)
    {
        if (track.Last is not { } last)
        {
            track.Offset = _offset;
        }
        else if (IsJump(time + track.Offset - last))
        {
            if (IsJump(time + _offset - last))
                _offset = last + track.Frame - time;
            track.Offset = _offset;
        }
        else
        {
            track.Frame = Math.Clamp(time + track.Offset - last, MinFrame, MaxFrame);
        }

        track.Last = time + track.Offset;
        return track.Last.Value;
    }

    private static bool IsJump(long step) => step is < -MaxStepBack or > MaxStep;

    /// <summary>A track's place on the clock.</summary>
    public sealed class Track
    {
        public long Offset { get; set; }

        public long? Last { get; set; }

        public long Frame { get; set; } = MinFrame;
    }
}
