using System.Collections.Immutable;
using MediaGraph.Sources;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// Streams of the hub that are taken from cameras and other RTSP servers while somebody wants them: registered with the hub
/// (<see cref="Streams.StreamHub.AddSourceProtocol"/>), it makes sources of <c>rtsp://</c> and <c>rtsps://</c> addresses. A source sets up only
/// the kinds of tracks that are wanted, adds others when they are, and opens nothing of a camera for those who only talk to it.
/// </summary>
/// <param name="client">Makes the connections, with its settings; of the same hub. It and the hub can be disposed of in any order.</param>
public sealed class RtspSourceProtocol(RtspClient client) : ISourceProtocol
{
    private readonly RtspClient _client = client ?? throw new ArgumentNullException(nameof(client));

    /// <inheritdoc/>
    public ImmutableArray<string> Schemes => ["rtsp", "rtsps"];

    /// <inheritdoc/>
    public ISource CreateSource(string url) => new RtspSource(_client, RtspUrl.Parse(url));
}
