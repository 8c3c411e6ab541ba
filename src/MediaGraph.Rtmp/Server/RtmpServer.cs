using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Diagnostics;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Streams;
using MediaGraph.Transport;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MediaGraph.Rtmp.Server;

/// <summary>
/// An RTMP 1.0 server: encoders publish to the hub through it, players watch the hub's streams. A stream's name is the application
/// and the stream key with a slash between: <c>rtmp://host/live/cam</c> is <c>live/cam</c>. Thread-safe.
/// <para>The server owns a listener, a timer, and a task per connection; <see cref="StopAsync"/> ends them all.</para>
/// </summary>
public sealed class RtmpServer : IAsyncDisposable
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);
    private const int MaxWarningsPerSecond = 20;
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<long, RtmpConnection> _connections = new();
    private readonly ConnectionGuard _guard;
    private readonly RtmpWireFormat[] _formats;
    private readonly Lock _lifeLock = new(); // guards the fields below
    private SocketListener? _listener;
    private ITimer? _sweep;
    private bool _isStopped;
    private long _connectionIds;
    private int _warnings; // in this second
    private int _suppressed;

    /// <summary>Creates a server; <see cref="StartAsync"/> makes it listen.</summary>
    /// <param name="hub">Where streams are published to and played from.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="loggerFactory">Null for no logs.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <param name="meterFactory">Null for a meter of the server's own.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names all that are.</exception>
    public RtmpServer(
        StreamHub hub, RtmpServerOptions? options = null, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null,
        IMeterFactory? meterFactory = null)
    {
        ArgumentNullException.ThrowIfNull(hub);
        Options = options ?? new RtmpServerOptions();
        var errors = string.Join(" ", Options.Validate());
        if (errors.Length > 0)
            throw new ArgumentException(errors, nameof(options));
        Hub = hub;
        TimeProvider = timeProvider ?? TimeProvider.System;
        Logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Rtmp");
        _guard = new ConnectionGuard(Options.Limits.Connections);
        Metrics = new RtmpMetrics(this, meterFactory);
        _formats = [.. Enumerable.Range(1, Options.Limits.MaxMessageStreams).Select(id => new RtmpWireFormat((uint)id, Options.ChunkSize))];
    }

    /// <summary>Where the server listens, with the port that the system chose; null before the start.</summary>
    public IPEndPoint? LocalEndPoint
    {
        get
        {
            lock (_lifeLock)
                return _listener?.LocalEndPoint;
        }
    }

    /// <summary>Connections now.</summary>
    public int Connections => _guard.Connections;

    /// <summary>Connections that were refused because of a limit, since the start.</summary>
    public long RefusedConnections => _guard.Refused;

    internal StreamHub Hub { get; }

    internal RtmpServerOptions Options { get; }

    internal TimeProvider TimeProvider { get; }

    internal ILogger Logger { get; }

    internal RtmpMetrics Metrics { get; }

    /// <summary>Binds and listens.</summary>
    /// <param name="cancellationToken">Cancels the start, not the server.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The port cannot be bound.</exception>
    /// <exception cref="InvalidOperationException">The server was started before.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lifeLock)
        {
            ObjectDisposedException.ThrowIf(_isStopped, this);
            if (_listener is not null)
                throw new InvalidOperationException("The server was started before.");
            _listener = SocketListener.Start(Options.EndPoint, t => Accept(t), e => Log.AcceptFailed(Logger, e.Message), TimeProvider);
            Log.Listening(Logger, _listener.LocalEndPoint);
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// Stops listening, tells every peer, and returns when every connection has ended. Idempotent.
    /// </summary>
    /// <param name="cancellationToken">When cancelled, what is left is cut at once; then this returns all the same.</param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        SocketListener? listener;
        ITimer? sweep;
        lock (_lifeLock)
        {
            _isStopped = true;
            listener = _listener;
            sweep = _sweep;
            _sweep = null;
        }

        if (listener is not null)
            await listener.DisposeAsync().ConfigureAwait(false);
        foreach (var connection in _connections.Values)
            connection.RequestClose(CloseReason.Stopping);
        var ended = Task.WhenAll(_connections.Values.Select(c => c.Completion));
        try
        {
            await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Log.StopOverran(Logger, _connections.Count);
            foreach (var connection in _connections.Values)
                connection.Abort(CloseReason.Stopping);
            await ended.ConfigureAwait(false);
        }

        if (sweep is not null)
            await sweep.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Stops the server, with 5 s for its peers. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(DisposeLimit, TimeProvider);
        await StopAsync(limit.Token).ConfigureAwait(false);
        Metrics.Dispose();
    }

    /// <summary>Takes a connection over; null when a limit forbids it or the server has stopped.</summary>
    internal RtmpConnection? Accept(ITransport transport)
    {
        var place = _guard.TryEnter(transport.RemoteEndPoint, out var refusal);
        RtmpConnection? connection = null;
        lock (_lifeLock)
        {
            if (_isStopped)
                refusal = "the server stops";
            if (refusal is null)
            {
                connection = new RtmpConnection(this, transport, place!, ++_connectionIds);
                _connections[connection.Id] = connection;
                connection.Start();
                _sweep ??= TimeProvider.CreateTimer(static s => ((RtmpServer)s!).Sweep(), this, SweepInterval, SweepInterval);
            }
        }

        if (connection is null)
        {
            place?.Dispose();
            if (MayWarn())
                Log.ConnectionRefused(Logger, transport.RemoteEndPoint, refusal!);
            transport.Abort(new CloseReason(CloseCode.LimitExceeded, refusal!));
            _ = transport.DisposeAsync().AsTask(); // an aborted transport has nothing left to wait for
        }

        return connection;
    }

    internal void Remove(RtmpConnection connection) => _connections.TryRemove(connection.Id, out _);

    internal RtmpWireFormat FormatFor(uint messageStreamId) => _formats[messageStreamId - 1];

    /// <summary>Whether a warning about a peer may be logged: peers cannot fill the log, or make the server wait for it.</summary>
    internal bool MayWarn()
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
            Log.WarningsSuppressed(Logger, suppressed);
        foreach (var connection in _connections.Values)
            connection.CheckDeadlines();
    }
}
