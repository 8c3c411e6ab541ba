using System.Net;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Transport;

/// <summary>
/// The ports of a server, one without TLS and one with, and its certificate: all of them, or none. Thread-safe.
/// <para>Owner: the server, which ends it with <see cref="DisposeAsync"/>.</para>
/// </summary>
/// <param name="tls">The certificate; null for no port with TLS.</param>
/// <param name="loggerFactory">Null for no logs.</param>
/// <param name="timeProvider">Null for the system's time.</param>
/// <param name="listen">Binds a port; with the certificate that its connections are to have, or null.</param>
/// <param name="onRollback">Ends the connections that came while a start failed: the first port was faster than the second.</param>
public sealed class ServerListeners(
    TlsServerOptions? tls, ILoggerFactory? loggerFactory, TimeProvider? timeProvider,
    Func<IPEndPoint, TlsServerCertificate?, SocketListener> listen, Action onRollback) : IAsyncDisposable
{
    private readonly Lock _lifeLock = new(); // guards the fields below
    private SocketListener? _plain;
    private SocketListener? _secure;
    private TlsServerCertificate? _certificate;
    private bool _isStarted;
    private bool _isStopped;

    /// <summary>Where the server listens, with the port that the system chose; null before the start.</summary>
    public IPEndPoint? LocalEndPoint
    {
        get
        {
            lock (_lifeLock)
                return _plain?.LocalEndPoint;
        }
    }

    /// <summary>Where it listens for TLS; null before the start, and without a certificate.</summary>
    public IPEndPoint? LocalTlsEndPoint
    {
        get
        {
            lock (_lifeLock)
                return _secure?.LocalEndPoint;
        }
    }

    /// <summary>Binds and listens. One that failed may be tried again.</summary>
    /// <param name="endPoint">Without TLS.</param>
    /// <param name="tlsEndPoint">With TLS.</param>
    /// <param name="cancellationToken">Cancels the start, not the server.</param>
    /// <exception cref="IOException">A port cannot be bound, or the certificate not be read; the message says which and why.</exception>
    /// <exception cref="InvalidDataException">The certificate cannot be used.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    public async Task StartAsync(IPEndPoint endPoint, IPEndPoint tlsEndPoint, CancellationToken cancellationToken)
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
        SocketListener? plain = null, secure = null;
        try
        {
            if (tls is not null)
                certificate = new TlsServerCertificate(tls, loggerFactory, timeProvider);
            plain = listen(endPoint, null);
            if (certificate is not null)
                secure = listen(tlsEndPoint, certificate);
            lock (_lifeLock)
            {
                ObjectDisposedException.ThrowIf(_isStopped, this);
                (_plain, _secure, _certificate) = (plain, secure, certificate);
            }
        }
        catch
        {
            await DisposeAllAsync(plain, secure, certificate).ConfigureAwait(false);
            onRollback();
            lock (_lifeLock)
                _isStarted = false;
            throw;
        }
    }

    /// <summary>
    /// Stops listening, for good; accepted connections go on. A start that another thread has begun fails, and frees its ports. Idempotent.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        IAsyncDisposable?[] all;
        lock (_lifeLock)
        {
            _isStopped = true;
            all = [_plain, _secure, _certificate];
        }

        return DisposeAllAsync(all);
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
