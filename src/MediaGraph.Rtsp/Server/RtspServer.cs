using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Streams;
using MediaGraph.Transport;
using MediaGraph.Validation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// An RTSP 1.0 server (RFC 2326): players watch the hub's streams through it, encoders publish to the hub with ANNOUNCE and RECORD. A
/// stream's name is the path of its address: <c>rtsp://host:8554/live/cam</c> is <c>live/cam</c>. Thread-safe.
/// <para>The server owns its listeners, its certificate, its UDP ports, a timer, and a task per connection; <see cref="StopAsync"/> ends
/// them all.</para>
/// </summary>
public sealed class RtspServer : IAsyncDisposable
{
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);

    private readonly RtspServerOptions _options;
    private readonly ConnectionGuard _guard;
    private readonly ServerParts _parts;
    private readonly ServerListeners _listeners;

    /// <summary>Creates a server; <see cref="StartAsync"/> makes it listen.</summary>
    /// <param name="hub">Where streams are published to and played from.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="loggerFactory">Null for no logs.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <param name="meterFactory">Null for a meter of the server's own.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names all that are.</exception>
    public RtspServer(
        StreamHub hub, RtspServerOptions? options = null, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null,
        IMeterFactory? meterFactory = null)
    {
        ArgumentNullException.ThrowIfNull(hub);
        _options = options ?? new RtspServerOptions();
        OptionErrors.ThrowIfInvalid(_options, nameof(options));
        var logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Rtsp");
        var time = timeProvider ?? TimeProvider.System;
        _guard = new ConnectionGuard(_options.Connections);
        _parts = new ServerParts
        {
            Hub = hub,
            Options = _options,
            Metrics = new RtspMetrics("server", () => Connections, () => RefusedConnections, meterFactory),
            Connections = new ConnectionSet<RtspConnection>(
                time, count => Log.WarningsSuppressed(logger, count), count => Log.StopOverran(logger, count),
                (connection, e) => Log.ConnectionFaulted(logger, e, connection.Id)),
            Ports = new(_options.UdpPorts),
            Tunnels = new(),
            CanonicalName = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)),
            Time = time,
            Logger = logger,
        };
        _listeners = new ServerListeners(_options.Tls, loggerFactory, time, Listen, AbortAll);
    }

    /// <summary>Where the server listens, with the port that the system chose; null before the start.</summary>
    public IPEndPoint? LocalEndPoint => _listeners.LocalEndPoint;

    /// <summary>Where the server listens for RTSP over TLS; null before the start, and where it has no certificate.</summary>
    public IPEndPoint? LocalTlsEndPoint => _listeners.LocalTlsEndPoint;

    /// <summary>Connections now.</summary>
    public int Connections => _parts.Connections.Count;

    /// <summary>Connections that a limit refused, since the start.</summary>
    public long RefusedConnections => _guard.Refused;

    /// <summary>Binds and starts to listen, on both ports or on none.</summary>
    /// <param name="cancellationToken">Cancels the start, not the server.</param>
    /// <exception cref="IOException">A port cannot be bound; the message says which and why.</exception>
    /// <exception cref="InvalidDataException">The certificate cannot be used; the message says why.</exception>
    /// <exception cref="InvalidOperationException">The server was started before.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default) =>
        _listeners.StartAsync(_options.EndPoint, _options.TlsEndPoint, cancellationToken);

    /// <summary>
    /// Stops listening, tells every peer, and returns when every connection has ended. Idempotent.
    /// </summary>
    /// <param name="cancellationToken">When cancelled, what is left is cut at once; then this returns all the same.</param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _parts.Connections.StopAsync(_listeners.DisposeAsync, cancellationToken).ConfigureAwait(false);
        await _parts.Ports.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Stops the server, with 5 s for its peers. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(DisposeLimit, _parts.Time);
        await StopAsync(limit.Token).ConfigureAwait(false);
        _parts.Metrics.Dispose();
    }

    /// <summary>Takes a connection over; null when a limit forbids it or the server has stopped.</summary>
    internal RtspConnection? Accept(ITransport transport, string protocol = "rtsp")
    {
        var place = _guard.TryEnter(transport.RemoteEndPoint, out var refusal);
        var connection = place is null
            ? null
            : _parts.Connections.Start(id => new RtspConnection(_parts, transport, protocol, place, id));
        if (connection is not null)
            return connection;
        refusal ??= "the server stops";
        place?.Dispose();
        if (_parts.Connections.MayWarn())
            Log.ConnectionRefused(_parts.Logger, transport.RemoteEndPoint, refusal);
        transport.Abort(new CloseReason(CloseCode.LimitExceeded, refusal));
        _ = transport.DisposeAsync().AsTask(); // an aborted transport has nothing left to wait for
        return null;
    }

    private SocketListener Listen(IPEndPoint endPoint, TlsServerCertificate? certificate)
    {
        var protocol = certificate is null ? "rtsp" : "rtsps";
        var listener = SocketListener.Start(
            endPoint, socket => Accept(certificate is null ? socket : new TlsTransport(socket, certificate), protocol),
            e => Log.AcceptFailed(_parts.Logger, e.Message), _parts.Time);
        Log.Listening(_parts.Logger, protocol.ToUpperInvariant(), listener.LocalEndPoint);
        return listener;
    }

    private void AbortAll()
    {
        foreach (var connection in _parts.Connections.All)
            connection.Abort(CloseReason.Stopping);
    }
}
