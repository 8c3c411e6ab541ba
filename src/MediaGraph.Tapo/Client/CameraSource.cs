using MediaGraph.Graph;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Tapo.Diagnostics;

namespace MediaGraph.Tapo.Client;

/// <summary>
/// What the cameras have in common: the preview runs while somebody wants to see or hear, and only then; a talk alone opens none. The feed
/// stays when the preview comes and goes, so that a talk goes on; while somebody talks, a preview that fails is tried
/// again beside it.
/// </summary>
internal abstract class CameraSource(TapoContext context, TapoUrl url) : ISource
{
    private static readonly TimeSpan MinPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    public string Name => Url.ToString();

    public bool IsSelective => true;

    protected TapoContext Context => context;

    protected TapoUrl Url => url;

    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        var run = new Run(this, session, cancellationToken);
        var reason = CloseReason.Requested;
        try
        {
            var pause = MinPause;
            while (true)
            {
                var wanted = session.Wanted;
                if (IsViewed(wanted))
                {
                    var started = context.Time.GetTimestamp();
                    try
                    {
                        await PreviewWhileWantedAsync(run, wanted).ConfigureAwait(false);
                    }
                    catch (SourceException) when (run.Feed is not null && run.Revoked is null && IsTalk(session.Wanted))
                    {
                        if (context.Time.GetElapsedTime(started) > MaxPause)
                            pause = MinPause; // it went well for a while
                        await Task.Delay(pause, context.Time, run.Token).ConfigureAwait(false);
                        pause = 2 * pause < MaxPause ? 2 * pause : MaxPause;
                    }
                }
                else
                {
                    run.Publish().Settle(); // with the loudspeaker alone
                    await session.WhenWantedChangesAsync(wanted, run.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (run.Revoked is { } revoked && !cancellationToken.IsCancellationRequested)
        {
            throw new SourceException(reason = revoked);
        }
        catch (SourceException e)
        {
            reason = e.Reason;
            throw;
        }
        finally
        {
            await run.EndAsync(reason).ConfigureAwait(false);
        }
    }

    /// <summary>The camera's loudspeaker; null where it has none, or none is offered.</summary>
    protected virtual ISpeaker? CreateSpeaker(string stream) => null;

    /// <summary>Feeds from the camera, until that fails or the token is cancelled.</summary>
    /// <param name="run">The session. It is published when the camera sends.</param>
    /// <param name="withAudio">Whether sound is wanted.</param>
    /// <param name="cancellationToken">Cancelled when the preview is no longer wanted as it is.</param>
    protected abstract Task PreviewAsync(Run run, bool withAudio, CancellationToken cancellationToken);

    private static bool IsViewed(SourceMedia wanted) => (wanted & (SourceMedia.Video | SourceMedia.Audio)) != 0;

    private static bool IsTalk(SourceMedia wanted) => (wanted & SourceMedia.Talk) != 0;

    private async Task PreviewWhileWantedAsync(Run run, SourceMedia wanted)
    {
        var withAudio = (wanted & SourceMedia.Audio) != 0;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(run.Token);
        var watching = WatchAsync(run.Session, wanted, over);
        var reason = CloseReason.Requested;
        var mayConnect = run.IsFirstPreview;
        try
        {
            if (!mayConnect)
                await run.Session.WhenMayConnectAsync(over.Token).ConfigureAwait(false); // viewers may come and go beside a talk
            (mayConnect, run.IsFirstPreview) = (true, false);
            await PreviewAsync(run, withAudio, over.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!run.Token.IsCancellationRequested)
        {
            // Nobody looks any more, or somebody wants to hear.
        }
        catch (SourceException e)
        {
            reason = e.Reason;
            throw;
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (mayConnect)
            {
                context.Metrics.CountPreviewEnded(reason.Code);
                Log.PreviewEnded(context.Logger, url, run.Session.StreamName, reason);
            }
        }
    }

    // A camera that was not asked for its microphone has to be asked again; one that was goes on with it.
    private static async Task WatchAsync(SourceSession session, SourceMedia wanted, CancellationTokenSource over)
    {
        var lacksAudio = (wanted & SourceMedia.Audio) == 0;
        while (IsViewed(wanted) && !(lacksAudio && (wanted & SourceMedia.Audio) != 0))
        {
            await session.WhenWantedChangesAsync(wanted, over.Token).ConfigureAwait(false);
            wanted = session.Wanted;
        }

        await over.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>A session of a source, and its feed.</summary>
    protected sealed class Run
    {
        private readonly CameraSource _source;
        private readonly CancellationTokenSource _over;
        private CloseReason? _revoked;

        public Run(CameraSource source, SourceSession session, CancellationToken cancellationToken)
        {
            _source = source;
            Session = session;
            _over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Token = _over.Token;
        }

        public SourceSession Session { get; }

        /// <summary>Cancelled when the session has to end.</summary>
        public CancellationToken Token { get; }

        /// <summary>Why the feed was taken away; null while it was not.</summary>
        public CloseReason? Revoked => Volatile.Read(ref _revoked);

        /// <summary>What is fed; null before it was published.</summary>
        public Feed? Feed { get; private set; }

        /// <summary>Whether no preview was begun: the first one is counted as the session.</summary>
        public bool IsFirstPreview { get; set; } = true;

        /// <summary>What a preview leaves for the next one of the session.</summary>
        public object? Writer { get; set; }

        /// <summary>Publishes the stream, unless that is done.</summary>
        public Feed Publish()
        {
            if (Feed is not null)
                return Feed;
            try
            {
                Feed = Session.Publish(new PublishRequest(Session.StreamName)
                {
                    Peer = new Peer(TapoUrl.SchemeName(_source.Url.Scheme)),
                    Speaker = _source.CreateSpeaker(Session.StreamName),
                    OnRevoked = Revoke,
                });
                return Feed;
            }
            catch (StreamException e)
            {
                throw Failure.Refused(e.Message);
            }
        }

        public async ValueTask EndAsync(CloseReason reason)
        {
            if (Feed is not null)
            {
                Feed.Close(reason);
                await Feed.DisposeAsync().ConfigureAwait(false);
            }

            _over.Dispose();
        }

        private void Revoke(CloseReason reason)
        {
            Interlocked.CompareExchange(ref _revoked, reason, null);
            try
            {
                _ = _over.CancelAsync();
            }
            catch (ObjectDisposedException)
            {
                // The session has ended meanwhile.
            }
        }
    }
}
