using System.Collections.Immutable;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Relays;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Client;

/// <summary>A camera's stream, or another server's. Each session is a connection of its own.</summary>
internal sealed class RtspSource(RtspClient client, RtspUrl url) : ISource
{
    private const SourceMedia Viewed = SourceMedia.Video | SourceMedia.Audio;

    private RtspUrl? _moved; // where the server has sent us, for the next session alone

    public string Name => url.ToString();

    public bool IsSelective => true;

    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        var source = new SourcePull(session);
        try
        {
            await ServeAsync(source, Interlocked.Exchange(ref _moved, null) ?? url, cancellationToken).ConfigureAwait(false);
        }
        catch (RtspClientException e)
        {
            throw new SourceException(e.Reason, e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SourceException(CloseReason.Stopping); // the client was disposed of
        }
        finally
        {
            if (source.Feed is { } feed)
                await feed.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task ServeAsync(SourcePull source, RtspUrl place, CancellationToken cancellationToken)
    {
        while (true)
        {
            source.Kinds = source.Session.Wanted;
            (var pull, place) = await OpenAsync(source, place, cancellationToken).ConfigureAwait(false);
            if (pull.IsPlaying)
            {
                await PlayAsync(pull, source, place, cancellationToken).ConfigureAwait(false);
                return;
            }

            await pull.Completion.ConfigureAwait(false);
            OfferSpeaker(pull, source);
            for (var wanted = source.Kinds; (wanted & Viewed & pull.Offered) == SourceMedia.None; wanted = source.Session.Wanted)
                await source.Session.WhenWantedChangesAsync(wanted, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<(RtspPull Pull, RtspUrl Place)> OpenAsync(SourcePull source, RtspUrl place, CancellationToken cancellationToken)
    {
        ImmutableArray<Track>? tracks = client.Options.Tracks is { } all ? [.. all] : null;
        var name = source.Session.StreamName;
        var (connection, moved) = await client.OpenAsync(
            (transport, id, at, carrier) => new RtspPull(client, transport, id, at, name, carrier, tracks, source), place,
            client.Options.Transport ?? place.Transport ?? RtspUrlTransport.Tcp, name, cancellationToken).ConfigureAwait(false);
        return ((RtspPull)connection, moved);
    }

    // Nothing of the camera is open then; who talks opens what that needs.
    private void OfferSpeaker(RtspPull pull, SourcePull source)
    {
        if (source.Feed is not null || pull.Speaker is not { } speaker)
            return;
        source.Feed = source.Session.Publish(new PublishRequest(source.Session.StreamName)
        {
            Peer = new Peer(url.IsSecure ? "rtsps" : "rtsp") { RemoteEndPoint = pull.RemoteEndPoint },
            Speaker = speaker,
        });
        source.Feed.Settle();
    }

    private async Task PlayAsync(RtspPull pull, SourcePull source, RtspUrl place, CancellationToken cancellationToken)
    {
        var began = client.TimeProvider.GetTimestamp();
        var isRefused = false;
        try
        {
            isRefused = !await TryFollowAsync(pull, source, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            pull.RequestClose(isRefused ? new CloseReason(CloseCode.Requested, "another session is to have more tracks") : CloseReason.Requested);
            await pull.Completion.ConfigureAwait(false);
        }

        if (pull.RedirectTo is { } target)
        {
            _moved = place.Move(target, client.Options.AllowOtherHosts, out var error)
                ?? throw new RtspClientException(new CloseReason(CloseCode.Refused, error));
            // Else it is not followed at once.
            isRefused |= client.TimeProvider.GetElapsedTime(began) >= Transfer.HealthyAfter;
        }

        if (!isRefused)
            throw new RtspClientException(pull.Reason!);
        source.Session.Renew();
    }

    // Adds what is wanted besides, until the session ends: true. False when the server does not allow it in a session that plays.
    private static async Task<bool> TryFollowAsync(RtspPull pull, SourcePull source, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        while (!pull.Completion.IsCompleted)
        {
            var wanted = source.Session.Wanted;
            if ((wanted & Viewed & ~source.Kinds) is var more && more != SourceMedia.None)
            {
                try
                {
                    await pull.AddAsync(more, cancellationToken).ConfigureAwait(false);
                }
                catch (RtspClientException) when (pull.Reason is null)
                {
                    return false;
                }
                catch (RtspClientException)
                {
                    break; // the session has ended
                }

                source.Kinds |= more;
                source.Feed!.Settle();
                continue;
            }

            var changed = source.Session.WhenWantedChangesAsync(wanted, ended.Token);
            await Task.WhenAny(changed, pull.Completion).ConfigureAwait(false);
            if (!changed.IsCompleted)
            {
                await ended.CancelAsync().ConfigureAwait(false);
                await changed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            cancellationToken.ThrowIfCancellationRequested();
        }

        return true;
    }
}
