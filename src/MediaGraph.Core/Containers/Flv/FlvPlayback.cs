using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Containers.Flv;

/// <summary>
/// Publishes an FLV file at the speed at which it was recorded, once or for ever. In a loop, times go on without a jump: a round
/// begins with the file's first frame, whatever its time, and its last frame lasts as long as the track's frames do on average.
/// </summary>
/// <param name="open">Opens the file from its start; called once per round.</param>
/// <param name="timeProvider">Null for the system's time.</param>
public sealed class FlvPlayback(Func<Stream> open, TimeProvider? timeProvider = null)
{
    private readonly TimeProvider _time = timeProvider ?? TimeProvider.System;

    /// <summary>Plays until the file ends, the feed is revoked, or the token is cancelled.</summary>
    /// <param name="feed">What is fed; the caller owns it.</param>
    /// <param name="loop">Whether to begin again at the end.</param>
    /// <param name="cancellationToken">Ends the playback.</param>
    /// <returns>True at the file's end; false when the feed has ended or was revoked before.</returns>
    /// <exception cref="FlvFormatException">The file is no FLV, or has nothing to play.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<bool> PlayAsync(Feed feed, bool loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(feed);
        var writer = new FlvFeedWriter(feed);
        var started = _time.GetTimestamp();
        var origin = 0L; // of this round, in milliseconds
        do
        {
            var file = open();
            await using (file.ConfigureAwait(false))
            {
                if (await PlayRoundAsync(feed, writer, file, started, origin, cancellationToken).ConfigureAwait(false) is not { } length)
                    return false;
                if (length <= 0)
                    throw new FlvFormatException("The file has nothing to play.");
                origin += length;
            }
        }
        while (loop);

        return true;
    }

    // Returns the round's length, or null when the feed is gone.
    private async Task<long?> PlayRoundAsync(
        Feed feed, FlvFeedWriter writer, Stream file, long started, long origin, CancellationToken cancellationToken)
    {
        var reader = new FlvReader(file, feed.Pool);
        var times = new TimestampUnwrapper();
        var (video, audio) = (default(TrackLength), default(TrackLength));
        long? first = null;
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false) is { } tag)
        {
            var time = times.Unwrap(tag.Milliseconds);
            if (tag.Type != FlvTagType.Script)
                first ??= time;
            time = first is null ? 0 : time - first.Value;
            try
            {
                var wait = TimeSpan.FromMilliseconds(origin + time) - _time.GetElapsedTime(started);
                if (wait > TimeSpan.Zero)
                    await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                tag.Body.Release();
                throw;
            }

            if (tag.Type == FlvTagType.Video)
                video.Add(time);
            else if (tag.Type == FlvTagType.Audio)
                audio.Add(time);

            if (!writer.Write(tag.Type, origin + time, tag.Body, 0, tag.Length))
                return null;
        }

        return Math.Max(video.End, audio.End);
    }

    // Times are whole milliseconds, frames are not: of 48 kHz AAC they are 21 or 22 apart, and only the average tells the end.
    private struct TrackLength
    {
        private long? _first;
        private long _last;
        private int _steps; // tags without a time of their own, as parameters, count nothing

        public readonly long End => _steps == 0 ? _last : _last + ((_last - _first!.Value + (_steps / 2)) / _steps);

        public void Add(long time)
        {
            if (_first is null)
            {
                _first = _last = time;
            }
            else if (time > _last)
            {
                _last = time;
                _steps++;
            }
        }
    }
}
