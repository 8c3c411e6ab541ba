using System.Diagnostics.Metrics;
using System.Net;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Diagnostics;
using MediaGraph.Rtmp.Sessions;
using MediaGraph.Streams;
using MediaGraph.Transport;
using MediaGraph.Validation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MediaGraph.Rtmp.Server;

/// <summary>
/// An RTMP 1.0 server: encoders publish to the hub through it, players watch the hub's streams. A stream's name is the application
/// and the stream key with a slash between: <c>rtmp://host/live/cam</c> is <c>live/cam</c>. Thread-safe.
/// <para>The server owns its listeners, its certificate, a timer, and a task per connection; <see cref="StopAsync"/> ends them all.</para>
/// </summary>
public sealed class RtmpServer : IAsyncDisposable
{
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);

    private readonly RtmpServerOptions _options;
    private readonly ConnectionGuard _guard;
    private readonly ConnectionMetrics _metrics;
    private readonly RtmpSessions _sessions;
    private readonly ILogger _logger;
    private readonly TimeProvider _timeProvider;
    private readonly ServerListeners _listeners;

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
        OptionErrors.ThrowIfInvalid(_options, nameof(options));
        _timeProvider = timeProvider ?? TimeProvider.System;
        _logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Rtmp");
        _guard = new ConnectionGuard(_options.Connections);
        _metrics = new ConnectionMetrics(
            RtmpMetricNames.Meter, RtmpMetricNames.Prefix, "server", () => Connections, () => RefusedConnections, meterFactory);
        _sessions = new RtmpSessions(hub, _options, _metrics, _timeProvider, _logger, _options.MaxMessageStreams, isClient: false);
        _listeners = new ServerListeners(_options.Tls, loggerFactory, _timeProvider, Listen, AbortAll);
    }

    /// <summary>Where the server listens, with the port that the system chose; null before the start.</summary>
    public IPEndPoint? LocalEndPoint => _listeners.LocalEndPoint;

    /// <summary>Where the server listens for RTMP over TLS; null before the start, and where it has no certificate.</summary>
    public IPEndPoint? LocalTlsEndPoint => _listeners.LocalTlsEndPoint;

    /// <summary>Connections now.</summary>
    public int Connections => _guard.Connections;

    /// <summary>Connections that were refused because of a limit, since the start.</summary>
    public long RefusedConnections => _guard.Refused;

    /// <summary>Binds and listens, on every port or on none.</summary>
    /// <param name="cancellationToken">Cancels the start, not the server.</param>
    /// <exception cref="IOException">A port cannot be bound; the message says which and why.</exception>
    /// <exception cref="InvalidDataException">The certificate can no longer be used.</exception>
    /// <exception cref="InvalidOperationException">The server was started before.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default) =>
        _listeners.StartAsync(_options.EndPoint, _options.TlsEndPoint, cancellationToken);

    /// <summary>
    /// Asks every peer that says it can to connect anew (Enhanced RTMP v2, Reconnect Request), before maintenance for instance. Its
    /// connection goes on until it does; others are asked nothing.
    /// </summary>
    /// <param name="tcUrl">Where to, as <c>rtmp://host/app</c>, or without what stays the same; null for the same place.</param>
    /// <returns>How many were asked.</returns>
    public int RequestReconnect(string? tcUrl = null) =>
        _sessions.All.OfType<RtmpConnection>().Count(connection => connection.TryRequestReconnect(tcUrl));

    /// <summary>
    /// Stops listening, tells every peer, and returns when every connection has ended. Idempotent.
    /// </summary>
    /// <param name="cancellationToken">When cancelled, what is left is cut at once; then this returns all the same.</param>
    public Task StopAsync(CancellationToken cancellationToken = default) =>
        _sessions.StopAsync(_listeners.DisposeAsync, cancellationToken);

    /// <summary>Stops the server, with 5 s for its peers. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(DisposeLimit, _timeProvider);
        await StopAsync(limit.Token).ConfigureAwait(false);
        _metrics.Dispose();
    }

    /// <summary>Takes a connection over; null when a limit forbids it or the server has stopped.</summary>
    internal RtmpConnection? Accept(ITransport transport, string protocol = "rtmp")
    {
        var place = _guard.TryEnter(transport.RemoteEndPoint, out var refusal);
        var connection = place is null
            ? null
            : _sessions.Start(id => new RtmpConnection(_sessions, _options, transport, protocol, place, id));
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

    private SocketListener Listen(IPEndPoint endPoint, TlsServerCertificate? certificate)
    {
        var protocol = certificate is null ? "rtmp" : "rtmps";
        var listener = SocketListener.Start(
            endPoint, socket => Accept(certificate is null ? socket : new TlsTransport(socket, certificate), protocol),
            e => Log.AcceptFailed(_logger, e.Message), _timeProvider);
        Log.Listening(_logger, protocol.ToUpperInvariant(), listener.LocalEndPoint);
        return listener;
    }

    private void AbortAll()
    {
        foreach (var connection in _sessions.All)
            connection.Abort(CloseReason.Stopping);
    }
}
