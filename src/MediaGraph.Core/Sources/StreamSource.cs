using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>
/// Another stream of the hub, of which it keeps running what is wanted of itself. It passes on whatever comes there; payloads are not
/// copied.
/// </summary>
internal sealed class StreamSource(StreamHub hub, string stream) : ISource
{
    public string Name => $"stream:{stream}";

    public bool IsSelective => true;

    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        await session.WhenViewedAsync(cancellationToken).ConfigureAwait(false);
        var wanted = session.Wanted;
        var lease = hub.Lease(stream, wanted & SourceMediaKinds.Viewed);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var leasing = Task.CompletedTask;
        try
        {
            await lease.WhenReadyAsync(cancellationToken).ConfigureAwait(false);
            var offered = lease.Stream.Receivers.Where(receiver => receiver.Codec is not null)
                .Select(receiver => Track.Of(receiver.Codec!, receiver.Track.Id)).ToArray();
            session.Shown = wanted; // what came to be asked for meanwhile is leased, and told of, from now on
            var feed = session.Publish(offered);
            await using (feed.ConfigureAwait(false))
            {
                leasing = LeaseWantedAsync();
                await FeedAsync(lease, feed, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await leasing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // what failed there ends the subscription too
            lease.Dispose();
        }

        async Task LeaseWantedAsync()
        {
            while (true)
            {
                await session.WhenWantedChangesAsync(wanted, over.Token).ConfigureAwait(false);
                wanted = session.Wanted;
                var before = lease;
                lease = hub.Lease(stream, wanted & SourceMediaKinds.Viewed);
                before.Dispose();
                try
                {
                    await lease.WhenReadyAsync(over.Token).ConfigureAwait(false);
                }
                catch (StreamException)
                {
                    continue; // it is tried again there, and may come
                }

                var has = lease.Stream.Receivers.Where(receiver => receiver.Codec is not null)
                    .Aggregate(SourceMedia.None, (all, receiver) => all | SourceMediaKinds.Of(receiver.Track.Kind));
                session.Announce(wanted & SourceMediaKinds.Viewed & ~has, SourceMedia.None);
            }
        }
    }

    private async Task FeedAsync(StreamLease lease, Feed feed, CancellationToken cancellationToken)
    {
        var tracks = feed.Tracks.ToDictionary(track => track.Track.Id);

        // The lease keeps nothing of a stream that somebody publishes: the subscription keeps the sources that may come in their place.
        var request = new SubscribeRequest(stream) { Leases = lease.HasSources ? SourceMedia.None : lease.Wants };
        await foreach (var batch in hub.Subscribe(request, cancellationToken).ConfigureAwait(false))
        {
            using (batch)
            {
                for (var i = 0; i < batch.Count; i++)
                {
                    var id = batch.Tracks[i].Id;
                    if (!tracks.TryGetValue(id, out var track))
                        tracks.Add(id, track = feed.AddTrack(Track.Of(batch[i].Codec, id)));
                    if (feed.Offset is null) // a group that is replayed is not live, and what follows it stands beside other sources' media
                        feed.FirstAge = lease.Stream.AgeOf(batch[i].DecodeTimestamp);
                    if (!track.Write(batch[i]))
                        return;
                }
            }
        }
    }
}
