using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Sources;

namespace MediaGraph.Rtmp.Client;

/// <summary>A server's stream. Each session is a connection of its own.</summary>
internal sealed class RtmpSource(RtmpClient client, RtmpUrl url) : ISource
{
    private RtmpUrl? _moved; // where the server has sent us, for the next session alone

    public string Name => url.ToString();

    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        session.Announce(SourceMedia.Talk, SourceMedia.None);
        if (session.Wanted == SourceMedia.Talk)
            await session.WhenWantedChangesAsync(SourceMedia.Talk, cancellationToken).ConfigureAwait(false); // its end, unless somebody views
        try
        {
            await ServeAsync(session, Interlocked.Exchange(ref _moved, null) ?? url, cancellationToken).ConfigureAwait(false);
        }
        catch (RtmpClientException e)
        {
            throw new SourceException(e.Reason, e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SourceException(CloseReason.Stopping); // the client was disposed of
        }
    }

    private async Task ServeAsync(SourceSession session, RtmpUrl place, CancellationToken cancellationToken)
    {
        (var connection, place) = await client.OpenAsync(
            place, session.StreamName, isPush: false, session.Publish, subscribe: null, cancellationToken).ConfigureAwait(false);
        var began = client.TimeProvider.GetTimestamp();
        var stopping = cancellationToken.Register(() => connection.RequestClose(CloseReason.Requested));
        await using (stopping.ConfigureAwait(false))
            await connection.Completion.ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (connection.RedirectTo is { } target)
        {
            _moved = place.Move(target, client.Options.AllowOtherHosts, out var error)
                ?? throw new RtmpClientException(new CloseReason(CloseCode.Refused, error));
            // Else it is not followed at once.
            if (client.TimeProvider.GetElapsedTime(began) >= Transfer.HealthyAfter)
            {
                session.Renew();
                return;
            }
        }

        throw new RtmpClientException(connection.Reason!);
    }
}
