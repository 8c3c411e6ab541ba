using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using MediaGraph.Graph;

namespace MediaGraph.Transport;

/// <summary>
/// The connections of one server or one client. Owns the timer that looks at their deadlines, and awaits their tasks in
/// <see cref="StopAsync"/>. Thread-safe.
/// </summary>
/// <param name="timeProvider">The time that deadlines are measured in.</param>
/// <param name="onSuppressed">Told how many warnings were left out in the last second, where some were.</param>
/// <param name="onOverrun">Told how many connections did not end in time and are cut.</param>
/// <param name="onFault">Told of a connection whose <see cref="IConnection.CheckDeadlines"/> threw; it has been cut.</param>
[SuppressMessage("Design", "CA1001", Justification = "StopAsync, which the owner calls, disposes of the timer.")]
public sealed class ConnectionSet<T>(
    TimeProvider timeProvider, Action<int> onSuppressed, Action<int> onOverrun, Action<T, Exception> onFault)
    where T : class, IConnection
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);
    private const int MaxWarningsPerSecond = 20;

    private readonly ConcurrentDictionary<long, T> _connections = new();
    private readonly Lock _lifeLock = new(); // guards the fields below
    private ITimer? _sweep;
    private bool _isStopped;
    private long _ids;
    private int _warnings; // in this second
    private int _suppressed;

    /// <summary>Connections now.</summary>
    public int Count => _connections.Count;

    /// <summary>The connections now.</summary>
    public IEnumerable<T> All => _connections.Values;

    /// <summary>Makes a connection and starts its task; null when the owner has stopped.</summary>
    /// <param name="create">Makes it, with the number that it is given.</param>
    public TConnection? Start<TConnection>(Func<long, TConnection> create)
        where TConnection : class, T
    {
        ArgumentNullException.ThrowIfNull(create);
        lock (_lifeLock)
        {
            if (_isStopped)
                return null;
            var connection = create(++_ids);
            _connections[connection.Id] = connection;
            connection.Start();
            _sweep ??= timeProvider.CreateTimer(static s => ((ConnectionSet<T>)s!).Sweep(), this, SweepInterval, SweepInterval);
            return connection;
        }
    }

    /// <summary>The connection has ended.</summary>
    public void Remove(T connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _connections.TryRemove(connection.Id, out _);
    }

    /// <summary>
    /// Lets no connection begin, tells every peer, and returns when all have ended. Idempotent.
    /// </summary>
    /// <param name="stopAccepting">What brings new connections; awaited before those that there are are told.</param>
    /// <param name="cancellationToken">When cancelled, what is left is cut at once; then this returns all the same.</param>
    public async Task StopAsync(Func<ValueTask> stopAccepting, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stopAccepting);
        ITimer? sweep;
        lock (_lifeLock)
        {
            _isStopped = true;
            sweep = _sweep;
            _sweep = null;
        }

        await stopAccepting().ConfigureAwait(false);
        foreach (var connection in _connections.Values)
            connection.RequestClose(CloseReason.Stopping);
        var ended = Task.WhenAll(_connections.Values.Select(c => c.Completion));
        try
        {
            await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            onOverrun(_connections.Count);
            foreach (var connection in _connections.Values)
                connection.Abort(CloseReason.Stopping);
            await ended.ConfigureAwait(false);
        }

        if (sweep is not null)
            await sweep.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Whether a warning about a peer may be logged: peers cannot fill the log, or make the server wait for it.</summary>
    public bool MayWarn()
    {
        if (Interlocked.Increment(ref _warnings) <= MaxWarningsPerSecond)
            return true;
        Interlocked.Increment(ref _suppressed);
        return false;
    }

    private void Sweep()
    {
        Interlocked.Exchange(ref _warnings, 0);
        if (Interlocked.Exchange(ref _suppressed, 0) is > 0 and var suppressed)
            onSuppressed(suppressed);
        foreach (var connection in _connections.Values)
        {
            try
            {
                connection.CheckDeadlines();
            }
            catch (Exception e)
            {
                // The timer's thread belongs to all: what it throws would end the process.
                onFault(connection, e);
                connection.Abort(new CloseReason(CloseCode.Fault, "a fault of this software"));
            }
        }
    }
}
