using System.Collections.Immutable;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Relays;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Client;

/// <summary>A stream that is pulled from a server, or pushed to one. It follows the server where that asks it to go elsewhere.</summary>
public sealed class RtspTransfer : Transfer
{
    private readonly RtspClient _client;
    private readonly Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? _subscribe;
    private readonly Lock _wantedLock = new(); // guards the next field
    private ImmutableArray<Track>? _wanted;
    private volatile RtspUrl _url;

    internal RtspTransfer(
        RtspClient client, RtspClientConnection connection, RtspUrl url, string streamName, bool isPush, ImmutableArray<Track>? wanted,
        Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? subscribe)
        : base(streamName, isPush, connection, client.Options.MaxRedirects, client.TimeProvider)
    {
        _client = client;
        _subscribe = subscribe;
        _wanted = wanted;
        _url = url;
    }

    /// <summary>The server's stream, where it is now.</summary>
    public RtspUrl Url => _url;

    /// <inheritdoc/>
    protected override string? RedirectTo => ((RtspClientConnection)Connection).RedirectTo;

    /// <summary>
    /// Adds a track of the server's to those that are pulled, without disturbing them: it is set up and played in the same session. Does
    /// nothing when a track that matches is there already. Calls are done one after the other.
    /// </summary>
    /// <param name="wanted">The track, matched by kind and codec: see <see cref="Track.Video"/> and <see cref="Track.Audio"/>.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="RtspClientException">
    /// The server has no such track, or does not allow it in a session that plays (status 455 or 459): then a new session can have it. Or
    /// the session ended.
    /// </exception>
    /// <exception cref="InvalidOperationException">The transfer pushes.</exception>
    public async Task SetUpAsync(Track wanted, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        if (Connection is not RtspPull pull)
            throw new InvalidOperationException("Tracks are added to streams that are pulled.");
        await pull.AddAsync(wanted, cancellationToken).ConfigureAwait(false);
        lock (_wantedLock)
            _wanted = _wanted?.Contains(wanted) == false ? _wanted?.Add(wanted) : _wanted; // also of the session that follows
    }

    internal void Start() => Follow();

    /// <inheritdoc/>
    protected override async Task<IConnection> MoveAsync(string target, CancellationToken cancellationToken)
    {
        var moved = _url.Move(target, _client.Options.AllowOtherHosts, out var error)
            ?? throw new RtspClientException(new CloseReason(CloseCode.Refused, error));
        ImmutableArray<Track>? wanted;
        lock (_wantedLock)
            wanted = _wanted;
        (var connection, _url) = await _client.OpenAsync(moved, StreamName, IsPush, wanted, _subscribe, cancellationToken)
            .ConfigureAwait(false);
        return connection;
    }

    /// <inheritdoc/>
    protected override void OnEnded(Exception? fault) => _client.Remove(this, fault);
}
