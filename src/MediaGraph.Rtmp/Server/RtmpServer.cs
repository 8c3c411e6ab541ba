using System.Diagnostics.Metrics;
using System.Net;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Diagnostics;
using MediaGraph.Rtmp.Sessions;
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
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);

    private readonly RtmpServerOptions _options;
    private readonly ConnectionGuard _guard;
    private readonly RtmpMetrics _metrics;
    private readonly RtmpSessions _sessions;
    private readonly ILogger _logger;
    private readonly TimeProvider _timeProvider;
    private readonly Lock _lifeLock = new(); // guards the fields below
    private SocketListener? _listener;
    private bool _isStopped;

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
        _options = options ?? new RtmpServerOptions();
        var errors = string.Join(" ", _options.Validate());
        if (errors.Length > 0)
            throw new ArgumentException(errors, nameof(options));
        _timeProvider = timeProvider ?? TimeProvider.System;
        _logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Rtmp");
        _guard = new ConnectionGuard(_options.Limits.Connections);
        _metrics = new RtmpMetrics("server", () => Connections, () => RefusedConnections, meterFactory);
        _sessions = new RtmpSessions(hub, _options, _metrics, _timeProvider, _logger);
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
            _listener = SocketListener.Start(_options.EndPoint, t => Accept(t), e => Log.AcceptFailed(_logger, e), _timeProvider);
            Log.Listening(_logger, _listener.LocalEndPoint);
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
        lock (_lifeLock)
        {
            _isStopped = true;
            listener = _listener;
        }

        await _sessions.StopAsync(() => listener?.DisposeAsync() ?? default, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops the server, with 5 s for its peers. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(DisposeLimit, _timeProvider);
        await StopAsync(limit.Token).ConfigureAwait(false);
        _metrics.Dispose();
    }

    /// <summary>Takes a connection over; null when a limit forbids it or the server has stopped.</summary>
    internal RtmpConnection? Accept(ITransport transport)
    {
        var place = _guard.TryEnter(transport.RemoteEndPoint, out var refusal);
        var connection = place is null
            ? null
            : _sessions.Start(id => new RtmpConnection(_sessions, _options, transport, place, id));
        if (connection is not null)
            return connection;
        refusal ??= "the server stops";
        place?.Dispose();
        if (_sessions.MayWarn())
            Log.ConnectionRefused(_logger, transport.RemoteEndPoint, refusal);
        transport.Abort(new CloseReason(CloseCode.LimitExceeded, refusal));
        _ = transport.DisposeAsync().AsTask(); // an aborted transport has nothing left to wait for
        return null;
    }
}
