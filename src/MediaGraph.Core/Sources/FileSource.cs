using MediaGraph.Containers.Flv;
using MediaGraph.Graph;

namespace MediaGraph.Sources;

/// <summary>An FLV file, at the speed at which it was recorded.</summary>
internal sealed class FileSource(string path, bool loop) : ISource
{
    public string Name => $"file:{Path.GetFileName(path)}";

    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        var feed = session.Publish();
        await using (feed.ConfigureAwait(false))
        {
            try
            {
                await new FlvPlayback(() => File.OpenRead(path), session.Hub.TimeProvider).PlayAsync(feed, loop, cancellationToken)
                    .ConfigureAwait(false);
                session.Finish();
            }
            catch (FlvFormatException e)
            {
                throw new SourceException(new CloseReason(CloseCode.ProtocolError, e.Message), e);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new SourceException(new CloseReason(CloseCode.ConnectionLost, "the file cannot be read"), e);
            }
        }
    }
}
