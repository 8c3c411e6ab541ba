using System.Collections.Immutable;
using MediaGraph.Relays;

namespace MediaGraph.Rtmp.Client;

/// <summary>
/// Pushes streams of the hub to RTMP servers: registered with the hub (<see cref="Streams.StreamHub.AddRelayProtocol"/>), it serves
/// <c>rtmp://</c> and <c>rtmps://</c> destinations.
/// </summary>
/// <param name="client">Makes the connections, with its settings; of the same hub. It and the hub can be disposed of in any order.</param>
public sealed class RtmpRelayProtocol(RtmpClient client) : IRelayProtocol
{
    private readonly RtmpClient _client = client ?? throw new ArgumentNullException(nameof(client));

    /// <inheritdoc/>
    public ImmutableArray<string> Schemes => ["rtmp", "rtmps"];

    /// <inheritdoc/>
    public IRelayTarget CreateTarget(string url)
    {
        var place = RtmpUrl.Parse(url);
        return new TransferTarget(
            place.ToString(), async (session, stop) => await _client.PushAsync(session, place, stop).ConfigureAwait(false));
    }
}
