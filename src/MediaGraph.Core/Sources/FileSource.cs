using MediaGraph.Containers.Flv;
using MediaGraph.Graph;

namespace MediaGraph.Sources;

/// <summary>An FLV file, at the speed at which it was recorded.</summary>
internal sealed class FileSource(string path, bool loop) : ISource
{
    public string Name => $"file:{Path.GetFileName(path)}";

    public bool IsSelfPaced => true;

    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        await session.WhenViewedAsync(cancellationToken).ConfigureAwait(false);
        var feed = session.Publish();
        await using (feed.ConfigureAwait(false))
        {
            try
            {
                var playback = new FlvPlayback(() => File.OpenRead(path), session.Hub.TimeProvider);
                if (await playback.PlayAsync(feed, loop, cancellationToken).ConfigureAwait(false))
                    session.Finish();
                else // the feed was taken from it, and it is about to be cancelled: that is neither its end nor a failure
                    await Task.Delay(Timeout.InfiniteTimeSpan, session.Hub.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
            catch (FlvFormatException e)
            {
                throw new SourceException(new CloseReason(CloseCode.ProtocolError, e.Message), e);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new SourceException(new CloseReason(CloseCode.ConnectionLost, ReasonOf(e)), e);
            }
        }
    }

    // Viewers are told too: nothing of the path.
    private string ReasonOf(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "the file does not exist",
        UnauthorizedAccessException when Directory.Exists(path) => "it is a directory, not a file",
        UnauthorizedAccessException => "the file may not be read",
        _ => "the file cannot be read",
    };
}
