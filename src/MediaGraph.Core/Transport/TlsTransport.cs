using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using MediaGraph.Graph;

namespace MediaGraph.Transport;

/// <summary>
/// A TCP connection in TLS 1.2 or 1.3 (RFC 5246, RFC 8446), as the server or the client of it. <see cref="OpenAsync"/> is the
/// handshake.
/// </summary>
public sealed class TlsTransport : ITransport
{
    private readonly SocketTransport _socket;
    private readonly SslStream _tls;
    private readonly Func<SslStream, CancellationToken, Task> _authenticate;
    private readonly Func<AuthenticationException, string> _explain;
    private readonly Lock _stateLock = new(); // guards the fields below
    private bool _isOpen;
    private bool _isSending;
    private bool _isCompleted;
    private Task _completing = Task.CompletedTask;

    /// <summary>Takes a connection over that a server has accepted.</summary>
    /// <param name="socket">The connection, of which nothing was read yet.</param>
    /// <param name="certificate">The server's certificate; the one that is current at the handshake counts.</param>
    public TlsTransport(SocketTransport socket, TlsServerCertificate certificate)
        : this(
            socket,
            (tls, cancellationToken) => tls.AuthenticateAsServerAsync(certificate.CreateOptions(), cancellationToken),
            static e => $"the TLS handshake failed: {Innermost(e).Message}")
    {
        ArgumentNullException.ThrowIfNull(certificate);
    }

    /// <summary>Takes a connection over to a server.</summary>
    /// <param name="socket">The connection, of which nothing was read yet.</param>
    /// <param name="host">What was dialled: the name or address that the server's certificate must be for.</param>
    /// <param name="options">Whom to trust; null for the defaults.</param>
    public TlsTransport(SocketTransport socket, string host, TlsClientOptions? options = null)
        : this(socket, new TlsServerCheck(host, options ?? new TlsClientOptions()))
    {
    }

    private TlsTransport(SocketTransport socket, TlsServerCheck check)
        : this(
            socket,
            (tls, cancellationToken) => tls.AuthenticateAsClientAsync(check.CreateOptions(), cancellationToken),
            e => check.Refusal ?? $"the TLS handshake failed: {Innermost(e).Message}")
    {
    }

    private TlsTransport(
        SocketTransport socket, Func<SslStream, CancellationToken, Task> authenticate, Func<AuthenticationException, string> explain)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _socket = socket;
        _authenticate = authenticate;
        _explain = explain;
        _tls = new SslStream(socket.Stream, leaveInnerStreamOpen: true);
        Input = PipeReader.Create(_tls, SocketTransport.InputOptions);
    }

    /// <inheritdoc/>
    public PipeReader Input { get; }

    /// <inheritdoc/>
    public EndPoint? RemoteEndPoint => _socket.RemoteEndPoint;

    /// <inheritdoc/>
    public EndPoint? LocalEndPoint => _socket.LocalEndPoint;

    /// <summary>
    /// Connects to a server, as <see cref="SocketTransport.ConnectAsync"/> does, and shakes hands. A failure leaves no socket behind.
    /// </summary>
    /// <param name="host">A name or an address, for which the server's certificate must be.</param>
    /// <param name="port">1 to 65,535.</param>
    /// <param name="options">Whom to trust; null for the defaults.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <param name="cancellationToken">Bounds all of it.</param>
    /// <exception cref="TlsHandshakeException">The handshake failed, or the certificate is not trusted; the message says why.</exception>
    /// <exception cref="IOException">The server cannot be reached, or broke the connection.</exception>
    public static async Task<TlsTransport> ConnectAsync(
        string host, int port, TlsClientOptions? options = null, TimeProvider? timeProvider = null,
        CancellationToken cancellationToken = default)
    {
        var socket = await SocketTransport.ConnectAsync(host, port, timeProvider, cancellationToken).ConfigureAwait(false);
        var transport = new TlsTransport(socket, host, options);
        try
        {
            await transport.OpenAsync(cancellationToken).ConfigureAwait(false);
            return transport;
        }
        catch
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        lock (_stateLock)
        {
            if (_isOpen)
                return;
        }

        try
        {
            await _authenticate(_tls, cancellationToken).ConfigureAwait(false);
        }
        catch (AuthenticationException e)
        {
            throw new TlsHandshakeException(_explain(e), e);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw Broken(e);
        }

        lock (_stateLock)
            _isOpen = true;
    }

    /// <inheritdoc/>
    public int TrySend(ReadOnlySpan<byte> data) => -1;

    /// <inheritdoc/>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        lock (_stateLock)
        {
            if (_isCompleted || !_isOpen)
                throw new IOException(_isOpen ? "the output was completed" : "the TLS handshake was not completed");
            _isSending = true;
        }

        try
        {
            await _tls.WriteAsync(data, cancellationToken).ConfigureAwait(false);
            lock (_stateLock)
                _isSending = false; // not after a failure: a torn stream has no orderly end
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw Broken(e);
        }
    }

    /// <summary>
    /// Sends close_notify (RFC 8446, section 6.1) and the TCP connection's end behind it; nothing at all when a send is pending or
    /// has failed. A task does it, which ends with the socket.
    /// </summary>
    public void CompleteOutput()
    {
        lock (_stateLock)
        {
            if (_isCompleted || _isSending)
                return;
            _isCompleted = true;
            if (_isOpen)
                _completing = Task.Run(CompleteAsync);
            else
                _socket.CompleteOutput();
        }
    }

    /// <inheritdoc/>
    public void Abort(CloseReason reason) => _socket.Abort(reason);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Abort(CloseReason.Requested);
        Task completing;
        lock (_stateLock)
        {
            _isCompleted = true;
            completing = _completing;
        }

        await completing.ConfigureAwait(false);
        await Input.CompleteAsync().ConfigureAwait(false);
        await _tls.DisposeAsync().ConfigureAwait(false);
        await _socket.DisposeAsync().ConfigureAwait(false);
    }

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever fails, the peer is gone, which is what we wanted to tell it.")]
    private async Task CompleteAsync()
    {
        try
        {
            await _tls.ShutdownAsync().ConfigureAwait(false);
            _socket.CompleteOutput();
        }
        catch (Exception)
        {
            // Aborted, or broken.
        }
    }

    private IOException Broken(Exception exception) => new(_socket.AbortReason?.Text ?? exception.Message, exception);
}
