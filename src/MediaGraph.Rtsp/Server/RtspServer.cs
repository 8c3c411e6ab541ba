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
    private readonly ILoggerFactory? _loggerFactory;
    private readonly Lock _lifeLock = new(); // guards the fields below
    private SocketListener? _listener;
    private SocketListener? _tlsListener;
    private TlsServerCertificate? _certificate;
    private bool _isStarted;
    private bool _isStopped;

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
        _loggerFactory = loggerFactory;
        var logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Rtsp");
        var time = timeProvider ?? TimeProvider.System;
        _guard = new ConnectionGuard(_options.Connections);
        _parts = new ServerParts
        {
            Hub = hub,
            Options = _options,
            Metrics = new RtspMetrics("server", () => Connections, () => RefusedConnections, meterFactory),
            Connections = new ConnectionSet<RtspConnection>(
                time, count => Log.WarningsSuppressed(logger, count), count => Log.StopOverran(logger, count)),
            Ports = new(_options.UdpPorts),
            Tunnels = new(),
            CanonicalName = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)),
            Time = time,
            Logger = logger,
        };
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

    /// <summary>Where the server listens for RTSP over TLS; null before the start, and where it has no certificate.</summary>
    public IPEndPoint? LocalTlsEndPoint
    {
        get
        {
            lock (_lifeLock)
                return _tlsListener?.LocalEndPoint;
        }
    }

    /// <summary>Connections now.</summary>
    public int Connections => _parts.Connections.Count;

    /// <summary>Connections that a limit refused, since the start.</summary>
    public long RefusedConnections => _guard.Refused;

    /// <summary>Binds and starts to listen, on both ports or on none.</summary>
    /// <param name="cancellationToken">Cancels the start, not the server.</param>
    /// <exception cref="IOException">A port cannot be bound; the message says which and why.</exception>
    /// <exception cref="InvalidDataException">The certificate cannot be used; the message says why.</exception>
    /// <exception cref="InvalidOperationException">The server was started before.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lifeLock)
        {
            ObjectDisposedException.ThrowIf(_isStopped, this);
            if (_isStarted)
                throw new InvalidOperationException("The server was started before.");
            _isStarted = true;
        }

        TlsServerCertificate? certificate = null;
        SocketListener? listener = null, tlsListener = null;
        try
        {
            if (_options.Tls is { } tls)
                certificate = new TlsServerCertificate(tls, _loggerFactory, _parts.Time);
            listener = Listen("RTSP", _options.EndPoint, static socket => socket);
            if (certificate is not null)
                tlsListener = Listen("RTSPS", _options.TlsEndPoint, socket => new TlsTransport(socket, certificate));
            lock (_lifeLock)
            {
                ObjectDisposedException.ThrowIf(_isStopped, this);
                (_listener, _tlsListener, _certificate) = (listener, tlsListener, certificate);
            }
        }
        catch
        {
            await DisposeAllAsync(listener, tlsListener, certificate).ConfigureAwait(false);
            foreach (var connection in _parts.Connections.All)
                connection.Abort(CloseReason.Stopping); // the first port was faster than the second
            lock (_lifeLock)
                _isStarted = false;
            throw;
        }
    }

    /// <summary>
    /// Stops listening, tells every peer, and returns when every connection has ended. Idempotent.
    /// </summary>
    /// <param name="cancellationToken">When cancelled, what is left is cut at once; then this returns all the same.</param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        IAsyncDisposable?[] listening;
        lock (_lifeLock)
        {
            _isStopped = true;
            listening = [_listener, _tlsListener, _certificate];
        }

        await _parts.Connections.StopAsync(() => DisposeAllAsync(listening), cancellationToken).ConfigureAwait(false);
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

    private SocketListener Listen(string protocol, IPEndPoint endPoint, Func<SocketTransport, ITransport> wrap)
    {
        var listener = SocketListener.Start(
            endPoint, socket => Accept(wrap(socket), protocol.ToLowerInvariant()), e => Log.AcceptFailed(_parts.Logger, e.Message),
            _parts.Time);
        Log.Listening(_parts.Logger, protocol, listener.LocalEndPoint);
        return listener;
    }

    private static async ValueTask DisposeAllAsync(params IAsyncDisposable?[] all)
    {
        foreach (var one in all)
        {
            if (one is not null)
                await one.DisposeAsync().ConfigureAwait(false);
        }
    }
}
