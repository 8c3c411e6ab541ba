using MediaGraph.Containers.Flv;
using MediaGraph.Streams;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Hosting;

/// <summary>Publishes a file in a loop. When another publisher takes the name over, it comes back once the name is free.</summary>
internal sealed class DemoStream(StreamHub hub, Func<Stream> open, ILogger logger, TimeProvider timeProvider)
{
    public const string Name = "demo";

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);

    /// <summary>Runs until cancelled. Never fails. The stream exists when the first await is reached.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var playback = new FlvPlayback(open, timeProvider);
        try
        {
            for (var isWaiting = false; ;)
            {
                if (await TryPlayAsync(playback, cancellationToken).ConfigureAwait(false))
                    isWaiting = false;
                if (!isWaiting)
                    Log.DemoReplaced(logger, Name);
                isWaiting = true;
                await Task.Delay(RetryInterval, timeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The end.
        }
        catch (StreamException e) when (e.Error == StreamError.Stopping)
        {
            // The hub was first.
        }
        catch (Exception e)
        {
            Log.DemoFailed(logger, e);
        }
    }

    // True when it played for some time; false when it could not begin.
    private async Task<bool> TryPlayAsync(FlvPlayback playback, CancellationToken cancellationToken)
    {
        Feed feed;
        try
        {
            feed = hub.Publish(Name);
        }
        catch (StreamException e) when (e.Error == StreamError.AlreadyPublished)
        {
            return false;
        }

        await using (feed.ConfigureAwait(false))
        {
            Log.DemoStarted(logger, Name);
            await playback.PlayAsync(feed, loop: true, cancellationToken).ConfigureAwait(false);
            return true;
        }
    }
}
