using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Containers.MpegTs;

/// <summary>
/// Feeds a track of G.711, of which nothing says whether it has 8,000 or 16,000 samples a second: the first units wait until their times
/// have told it.
/// </summary>
/// <param name="feed">What is fed.</param>
/// <param name="codec">PCMA or PCMU.</param>
/// <param name="track">The track that goes on with it; null to add one.</param>
internal sealed class G711FeedWriter(Feed feed, string codec, FeedTrack? track)
{
    private const int MinRate = 8_000;
    private const int MaxRate = 16_000;
    private const int Between = 11_314; // their geometric mean
    private const long MinSpan = Codec.VideoClockRate / 20; // shorter ones say little about a jittery clock
    private const long MaxSpan = 2 * Codec.VideoClockRate;
    private const int MaxWaitingBytes = 16 << 10; // a second or two: if nothing is known then, it is 8,000

    private readonly List<(long Time, byte[] Data)> _waiting = [];
    private int _waitingBytes;
    private Codec? _codec;

    /// <summary>The track; null until it was added.</summary>
    public FeedTrack? Track { get; private set; } = track;

    /// <summary>Feeds the samples of a unit, and those that waited for it.</summary>
    /// <param name="data">A byte per sample.</param>
    /// <param name="time">In ticks of 90 kHz.</param>
    /// <param name="followsLoss">Whether units are missing before this one.</param>
    /// <returns>False when the feed has ended or was revoked.</returns>
    public bool Write(ReadOnlySpan<byte> data, long time, bool followsLoss)
    {
        if (_codec is not null)
            return WriteFrame(data, time);
        if (followsLoss)
            Forget();
        if (Measure(time) is not { } rate)
        {
            _waiting.Add((time, data.ToArray()));
            _waitingBytes += data.Length;
            return true;
        }

        _codec = new Codec(MediaKind.Audio, codec, rate, channels: 1);
        Track ??= feed.AddTrack(Media.Track.Of(_codec));
        var isFed = true;
        foreach (var (waitingTime, waitingData) in _waiting)
            isFed = isFed && WriteFrame(waitingData, waitingTime);
        Forget();
        return isFed && WriteFrame(data, time);
    }

    private bool WriteFrame(ReadOnlySpan<byte> data, long time)
    {
        var ticks = MediaTime.Rescale(time, Codec.VideoClockRate, _codec!.ClockRate);
        var buffer = feed.Pool.Rent(data.Length);
        data.CopyTo(buffer.Span);
        return Track!.Write(buffer, 0, data.Length, _codec, ticks, ticks, isKeyframe: true);
    }

    private int? Measure(long time)
    {
        if (_waiting.Count == 0)
            return null;
        if (_waitingBytes > MaxWaitingBytes)
            return MinRate;
        var span = time - _waiting[0].Time;
        if (span is >= 0 and < MinSpan)
            return null;
        var rate = span is > 0 and <= MaxSpan ? _waitingBytes * (long)Codec.VideoClockRate / span : 0;
        if (rate is >= MinRate * 7 / 10 and <= MaxRate * 14 / 10)
            return rate < Between ? MinRate : MaxRate;
        Forget(); // the clock was set, or something is missing
        return null;
    }

    private void Forget()
    {
        _waiting.Clear();
        _waitingBytes = 0;
    }
}
