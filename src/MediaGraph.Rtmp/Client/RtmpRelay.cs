using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Streams;

namespace MediaGraph.Rtmp.Client;

/// <summary>
/// A stream that is pulled from another server, or pushed to one. It follows the server where that asks it to reconnect; when
/// <see cref="Completion"/> ends it is over, and trying again is the owner's affair. Disposing it ends it. Thread-safe.
/// </summary>
public sealed class RtmpRelay : IAsyncDisposable
{
    private static readonly TimeSpan Healthy = TimeSpan.FromSeconds(10);

    private readonly RtmpClient _client;
    private readonly Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? _subscribe;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource<CloseReason> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile RtmpClientConnection _connection;
    private volatile RtmpUrl _url;
    private CloseReason? _reason;

    internal RtmpRelay(
        RtmpClient client, RtmpClientConnection connection, RtmpUrl url, string streamName, bool isPush,
        Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? subscribe)
    {
        _client = client;
        _subscribe = subscribe;
        _connection = connection;
        _url = url;
        StreamName = streamName;
        IsPush = isPush;
    }

    /// <summary>The hub's stream.</summary>
    public string StreamName { get; }

    /// <summary>True when the hub's stream goes out, false when another server's comes in.</summary>
    public bool IsPush { get; }

    /// <summary>The other server's stream, where it is now.</summary>
    public RtmpUrl Url => _url;

    /// <summary>The other server's address.</summary>
    public EndPoint? RemoteEndPoint => _connection.RemoteEndPoint;

    /// <summary>Ends, with the reason, when nothing of the relay runs any more. Never fails.</summary>
    public Task<CloseReason> Completion => _completion.Task;

    /// <summary>Asks for the end; the server is told. Waits for nothing; idempotent.</summary>
    public void Close(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null)
            return;
        _ = _closing.CancelAsync(); // also a connection that is being opened now
        _connection.RequestClose(reason);
    }

    /// <summary>Ends the relay and returns when nothing of it runs. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Close(CloseReason.Requested);
        await Completion.ConfigureAwait(false);
    }

    /// <summary>Starts the relay's task; called once, when the client knows of it.</summary>
    internal void Start() => _ = Task.Run(async () =>
    {
        var reason = await FollowAsync().ConfigureAwait(false);
        _client.Remove(this);
        _completion.SetResult(reason);
    });

    // Never fails.
    private async Task<CloseReason> FollowAsync()
    {
        try
        {
            for (var moves = 0; ;)
            {
                var began = _client.TimeProvider.GetTimestamp();
                await _connection.Completion.ConfigureAwait(false);
                var reason = Volatile.Read(ref _reason) ?? _connection.Reason!;
                if (_connection.RedirectTo is not { } target || _closing.IsCancellationRequested)
                    return reason;
                moves = _client.TimeProvider.GetElapsedTime(began) < Healthy ? moves + 1 : 1;
                if (moves > _client.Options.MaxRedirects)
                    return new CloseReason(CloseCode.Refused, "the server asks to reconnect again and again");
                await MoveAsync(target).ConfigureAwait(false);
            }
        }
        catch (RtmpClientException e)
        {
            return e.Reason;
        }
        catch (OperationCanceledException)
        {
            return _reason ?? CloseReason.Stopping;
        }
        catch (Exception e)
        {
            _client.LogFault(e, _connection.Id);
            return new CloseReason(CloseCode.Fault, "a fault of this software");
        }
    }

    private async Task MoveAsync(string target)
    {
        if (_url.Move(target, _client.Options.AllowOtherHosts, out var error) is not { } moved)
            throw new RtmpClientException(new CloseReason(CloseCode.Refused, error));
        (_connection, _url) = await _client.OpenAsync(moved, StreamName, IsPush, publish: null, _subscribe, _closing.Token)
            .ConfigureAwait(false);
        Interlocked.MemoryBarrier(); // either this sees the reason, or whoever gives it sees the connection
        if (Volatile.Read(ref _reason) is { } reason)
            _connection.RequestClose(reason); // asked for while there was no connection to tell
    }
}
