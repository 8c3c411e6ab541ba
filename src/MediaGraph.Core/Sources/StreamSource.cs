using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>Another stream of the hub, which it keeps running while it is run itself. Payloads are not copied.</summary>
internal sealed class StreamSource(StreamHub hub, string stream) : ISource
{
    public string Name => $"stream:{stream}";

    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        using var lease = hub.Lease(stream);
        await lease.WhenReadyAsync(cancellationToken).ConfigureAwait(false);
        var offered = lease.Stream.Receivers.Where(receiver => receiver.Codec is not null)
            .Select(receiver => Track.Of(receiver.Codec!, receiver.Track.Id)).ToArray();
        var feed = session.Publish(offered);
        await using (feed.ConfigureAwait(false))
        {
            var tracks = feed.Tracks.ToDictionary(track => track.Track.Id);
            await foreach (var batch in hub.Subscribe(stream, cancellationToken).ConfigureAwait(false))
            {
                using (batch)
                {
                    for (var i = 0; i < batch.Count; i++)
                    {
                        var id = batch.Tracks[i].Id;
                        if (!tracks.TryGetValue(id, out var track))
                            tracks.Add(id, track = feed.AddTrack(Track.Of(batch[i].Codec, id)));
                        if (!track.Write(batch[i]))
                            return;
                    }
                }
            }
        }
    }
}
