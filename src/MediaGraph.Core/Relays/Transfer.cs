using System.Net;
using MediaGraph.Graph;
using MediaGraph.Sources;
using MediaGraph.Transport;

namespace MediaGraph.Relays;

/// <summary>
/// A stream that is pulled from another server, or pushed to one, over one connection at a time: where the server sends it elsewhere, it
/// follows. When <see cref="Completion"/> ends it is over; trying again is its owner's affair, as a <see cref="Relay"/> does. Disposing it
/// ends it. Thread-safe.
/// </summary>
public abstract class Transfer : IAsyncDisposable
{
    private readonly int _maxRedirects;
    private readonly TimeProvider _timeProvider;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource<CloseReason> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IConnection _connection;
    private CloseReason? _reason;

    /// <summary>Creates a transfer, which runs from <see cref="Follow"/> on.</summary>
    /// <param name="streamName">The hub's stream.</param>
    /// <param name="isPush">Whether the hub's stream goes out.</param>
    /// <param name="connection">The first, over which media flow.</param>
    /// <param name="maxRedirects">
    /// How often in a row it follows. A connection that has lasted <see cref="HealthyAfter"/> begins a new row.
    /// </param>
    /// <param name="timeProvider">Null for the system's time.</param>
    protected Transfer(string streamName, bool isPush, IConnection connection, int maxRedirects, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(streamName);
        ArgumentNullException.ThrowIfNull(connection);
        StreamName = streamName;
        IsPush = isPush;
        _connection = connection;
        _maxRedirects = maxRedirects;
        _timeProvider = timeProvider ?? TimeProvider.System;
    }

    /// <summary>A server that sends a client elsewhere after less is one that may go on doing so: 10 s.</summary>
    public static TimeSpan HealthyAfter { get; } = TimeSpan.FromSeconds(10);

    /// <summary>The hub's stream.</summary>
    public string StreamName { get; }

    /// <summary>True when the hub's stream goes out, false when another server's comes in.</summary>
    public bool IsPush { get; }

    /// <summary>The other server's address.</summary>
    public EndPoint? RemoteEndPoint => _connection.RemoteEndPoint;

    /// <summary>Ends, with the reason, when nothing of the transfer runs any more. Never fails.</summary>
    public Task<CloseReason> Completion => _completion.Task;

    /// <summary>The connection now, or the last one.</summary>
    protected IConnection Connection => _connection;

    /// <summary>Where the server has sent the client at the end of <see cref="Connection"/>; null when it has not.</summary>
    protected abstract string? RedirectTo { get; }

    /// <summary>Asks for the end; the server is told. Waits for nothing; idempotent.</summary>
    public void Close(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null)
            return;
        _ = _closing.CancelAsync().Quietly(); // also a connection that is being opened now
        _connection.RequestClose(reason);
    }

    /// <summary>Ends the transfer and returns when nothing of it runs. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Close(CloseReason.Requested);
        await Completion.ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts the transfer's task; called once, when its owner knows of it.</summary>
    protected void Follow() => _ = Task.Run(FollowAsync);

    /// <summary>Opens a connection at the place that the server named; media flow over it when this returns.</summary>
    /// <param name="target">See <see cref="RedirectTo"/>.</param>
    /// <param name="cancellationToken">Cancelled when the transfer is to end.</param>
    /// <exception cref="TransferException">It did not come to it; the reason is the transfer's.</exception>
    protected abstract Task<IConnection> MoveAsync(string target, CancellationToken cancellationToken);

    /// <summary>The last step, before <see cref="Completion"/> ends. Must not throw.</summary>
    /// <param name="fault">What <see cref="MoveAsync"/> threw and is no refusal; for the log. Null for none.</param>
    protected abstract void OnEnded(Exception? fault);

    private async Task FollowAsync()
    {
        CloseReason reason;
        Exception? fault = null;
        try
        {
            reason = await FollowToTheEndAsync().ConfigureAwait(false);
        }
        catch (TransferException e)
        {
            reason = e.Reason;
        }
        catch (OperationCanceledException)
        {
            reason = Volatile.Read(ref _reason) ?? CloseReason.Stopping;
        }
        catch (Exception e)
        {
            (reason, fault) = (new CloseReason(CloseCode.Fault, "a fault of this software"), e);
        }

        try
        {
            OnEnded(fault);
        }
        finally
        {
            _completion.SetResult(reason); // whatever a derived class makes of it
        }
    }

    private async Task<CloseReason> FollowToTheEndAsync()
    {
        var began = _timeProvider.GetTimestamp();
        for (var redirects = 0; ;)
        {
            await _connection.Completion.ConfigureAwait(false);
            var asked = Volatile.Read(ref _reason);
            if (asked is not null || RedirectTo is not { } target)
                return asked ?? _connection.Reason ?? new CloseReason(CloseCode.PeerClosed, "the connection ended");
            redirects = _timeProvider.GetElapsedTime(began) < HealthyAfter ? redirects + 1 : 1;
            if (redirects > _maxRedirects)
                return new CloseReason(CloseCode.Refused, "the server redirects again and again");
            var next = await MoveAsync(target, _closing.Token).ConfigureAwait(false);
            began = _timeProvider.GetTimestamp();
            _connection = next;
            Interlocked.MemoryBarrier(); // either this sees the reason, or whoever gives it sees the connection
            if (Volatile.Read(ref _reason) is { } reason)
                _connection.RequestClose(reason); // asked for while there was no connection to tell
        }
    }
}
