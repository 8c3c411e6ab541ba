using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtmp.Client;

/// <summary>A stream that is pulled from another server, or pushed to one. It follows the server where that asks it to reconnect.</summary>
public sealed class RtmpTransfer : Transfer
{
    private readonly RtmpClient _client;
    private readonly Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? _subscribe;
    private volatile RtmpUrl _url;

    internal RtmpTransfer(
        RtmpClient client, RtmpClientConnection connection, RtmpUrl url, string streamName, bool isPush,
        Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? subscribe)
        : base(streamName, isPush, connection, client.Options.MaxRedirects, client.TimeProvider)
    {
        _client = client;
        _subscribe = subscribe;
        _url = url;
    }

    /// <summary>The other server's stream, where it is now.</summary>
    public RtmpUrl Url => _url;

    /// <inheritdoc/>
    protected override string? RedirectTo => ((RtmpClientConnection)Connection).RedirectTo;

    internal void Start() => Follow();

    /// <inheritdoc/>
    protected override async Task<IConnection> MoveAsync(string target, CancellationToken cancellationToken)
    {
        var moved = _url.Move(target, _client.Options.AllowOtherHosts, out var error)
            ?? throw new RtmpClientException(new CloseReason(CloseCode.Refused, error));
        (var connection, _url) = await _client.OpenAsync(moved, StreamName, IsPush, publish: null, _subscribe, cancellationToken)
            .ConfigureAwait(false);
        return connection;
    }

    /// <inheritdoc/>
    protected override void OnEnded(Exception? fault) => _client.Remove(this, fault);
}
