using System.Collections.Immutable;
using MediaGraph.Sources;

namespace MediaGraph.Rtmp.Client;

/// <summary>
/// Streams of the hub that are taken from RTMP servers while somebody wants them: registered with the hub
/// (<see cref="Streams.StreamHub.AddSourceProtocol"/>), it makes sources of <c>rtmp://</c> and <c>rtmps://</c> addresses. A source brings all that
/// its server sends, and has no loudspeaker.
/// </summary>
/// <param name="client">Makes the connections, with its settings; of the same hub. It and the hub can be disposed of in any order.</param>
public sealed class RtmpSourceProtocol(RtmpClient client) : ISourceProtocol
{
    private readonly RtmpClient _client = client ?? throw new ArgumentNullException(nameof(client));

    /// <inheritdoc/>
    public ImmutableArray<string> Schemes => ["rtmp", "rtmps"];

    /// <inheritdoc/>
    public ISource CreateSource(string url) => new RtmpSource(_client, RtmpUrl.Parse(url));
}
