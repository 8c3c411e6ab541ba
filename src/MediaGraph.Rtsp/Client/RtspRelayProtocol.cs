using System.Collections.Immutable;
using MediaGraph.Relays;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// Pushes streams of the hub to RTSP servers: registered with the hub (<see cref="Streams.StreamHub.AddRelayProtocol"/>), it serves
/// <c>rtsp://</c> and <c>rtsps://</c> destinations.
/// </summary>
/// <param name="client">Makes the connections, with its settings; of the same hub. It and the hub can be disposed of in any order.</param>
public sealed class RtspRelayProtocol(RtspClient client) : IRelayProtocol
{
    private readonly RtspClient _client = client ?? throw new ArgumentNullException(nameof(client));

    /// <inheritdoc/>
    public ImmutableArray<string> Schemes => ["rtsp", "rtsps"];

    /// <inheritdoc/>
    public IRelayTarget CreateTarget(string url)
    {
        var place = RtspUrl.Parse(url);
        return new TransferTarget(
            place.ToString(), async (session, stop) => await _client.PushAsync(session, place, stop).ConfigureAwait(false));
    }
}
