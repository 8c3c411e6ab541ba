using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Containers.Flv;

/// <summary>
/// Publishes an FLV file at the speed at which it was recorded, once or for ever. In a loop, times go on without a jump: a round is
/// as long as the file's last tags say.
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
    /// <exception cref="FlvFormatException">The file is no FLV, or has nothing to play.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task PlayAsync(Feed feed, bool loop, CancellationToken cancellationToken)
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
                    return;
                if (length <= 0)
                    throw new FlvFormatException("The file has nothing to play.");
                origin += length;
            }
        }
        while (loop);
    }

    // Returns the round's length, or null when the feed is gone.
    private async Task<long?> PlayRoundAsync(
        Feed feed, FlvFeedWriter writer, Stream file, long started, long origin, CancellationToken cancellationToken)
    {
        var reader = new FlvReader(file, feed.Pool);
        var times = new TimestampUnwrapper();
        var (lastVideo, lastAudio, length) = (-1L, -1L, 0L);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false) is { } tag)
        {
            var time = times.Unwrap(tag.Milliseconds);
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

            // The last frame of a track lasts as long as the one before it.
            ref var last = ref lastVideo;
            if (tag.Type == FlvTagType.Audio)
                last = ref lastAudio;
            if (tag.Type != FlvTagType.Script)
            {
                length = Math.Max(length, time + (last >= 0 ? time - last : 0));
                last = time;
            }

            if (!writer.Write(tag.Type, origin + time, tag.Body, 0, tag.Length))
                return null;
        }

        return length;
    }
}
