using System.Collections.Immutable;
using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// A stream that is pulled from a server, or pushed to one. It follows the server where that asks it to go elsewhere; when
/// <see cref="Completion"/> ends it is over, and trying again is the owner's affair. Disposing it ends it. Thread-safe.
/// </summary>
public sealed class RtspRelay : IAsyncDisposable
{
    private static readonly TimeSpan Healthy = TimeSpan.FromSeconds(10);

    private readonly RtspClient _client;
    private readonly Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? _subscribe;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource<CloseReason> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _wantedLock = new(); // guards the next field
    private ImmutableArray<Track>? _wanted;
    private volatile RtspClientConnection _connection;
    private volatile RtspUrl _url;
    private CloseReason? _reason;

    internal RtspRelay(
        RtspClient client, RtspClientConnection connection, RtspUrl url, string streamName, bool isPush, ImmutableArray<Track>? wanted,
        Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? subscribe)
    {
        _client = client;
        _subscribe = subscribe;
        _connection = connection;
        _url = url;
        _wanted = wanted;
        StreamName = streamName;
        IsPush = isPush;
    }

    /// <summary>The hub's stream.</summary>
    public string StreamName { get; }

    /// <summary>True when the hub's stream goes out, false when a server's comes in.</summary>
    public bool IsPush { get; }

    /// <summary>The server's stream, where it is now.</summary>
    public RtspUrl Url => _url;

    /// <summary>The server's address.</summary>
    public EndPoint? RemoteEndPoint => _connection.RemoteEndPoint;

    /// <summary>Ends, with the reason, when nothing of the relay runs any more. Never fails.</summary>
    public Task<CloseReason> Completion => _completion.Task;

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
    /// <exception cref="InvalidOperationException">The relay pushes.</exception>
    public async Task SetUpAsync(Track wanted, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        if (_connection is not RtspPull pull)
            throw new InvalidOperationException("Tracks are added to streams that are pulled.");
        await pull.AddAsync(wanted, cancellationToken).ConfigureAwait(false);
        lock (_wantedLock)
            _wanted = _wanted?.Contains(wanted) == false ? _wanted?.Add(wanted) : _wanted; // also of the session that follows
    }

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
                    return new CloseReason(CloseCode.Refused, "the server asks to go elsewhere again and again");
                await MoveAsync(target).ConfigureAwait(false);
            }
        }
        catch (RtspClientException e)
        {
            return e.Reason;
        }
        catch (OperationCanceledException)
        {
            return _reason ?? CloseReason.Stopping;
        }
        catch (Exception e)
        {
            Log.ConnectionFaulted(_client.Logger, e, _connection.Id);
            return new CloseReason(CloseCode.Fault, "a fault of this software");
        }
    }

    private async Task MoveAsync(string target)
    {
        if (_url.Move(target, _client.Options.AllowOtherHosts, out var error) is not { } moved)
            throw new RtspClientException(new CloseReason(CloseCode.Refused, error));
        ImmutableArray<Track>? wanted;
        lock (_wantedLock)
            wanted = _wanted;
        (_connection, _url) = await _client.OpenAsync(moved, StreamName, IsPush, wanted, _subscribe, _closing.Token)
            .ConfigureAwait(false);
        Interlocked.MemoryBarrier(); // either this sees the reason, or whoever gives it sees the connection
        if (Volatile.Read(ref _reason) is { } reason)
            _connection.RequestClose(reason); // asked for while there was no connection to tell
    }
}
