using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using MediaGraph.Graph;

namespace MediaGraph.Transport;

/// <summary>A TCP connection.</summary>
public sealed class SocketTransport : ITransport
{
    // A reader that waits holds no buffer: the wait is a read of zero bytes.
    internal static readonly StreamPipeReaderOptions InputOptions =
        new(bufferSize: 32 << 10, minimumReadSize: 4 << 10, leaveOpen: true, useZeroByteReads: true);

    private static readonly TimeSpan AddressLimit = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private CloseReason? _abortReason;

    /// <summary>Takes a connected socket over.</summary>
    public SocketTransport(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _socket = socket;
        // An address is the same whether the listener takes IPv4 alone or beside IPv6.
        RemoteEndPoint = Unmap(socket.RemoteEndPoint);
        LocalEndPoint = Unmap(socket.LocalEndPoint);
        _stream = new NetworkStream(socket, ownsSocket: false);
        Input = PipeReader.Create(_stream, InputOptions);
        socket.NoDelay = true;
        socket.Blocking = false; // after the stream, which refuses such a socket
    }

    /// <inheritdoc/>
    public PipeReader Input { get; }

    /// <summary>What <see cref="Input"/> reads: for who puts another layer on the connection, and then reads alone.</summary>
    internal Stream Stream => _stream;

    /// <summary>Why it was aborted; null while it is alive.</summary>
    internal CloseReason? AbortReason => Volatile.Read(ref _abortReason);

    /// <inheritdoc/>
    public EndPoint? RemoteEndPoint { get; }

    /// <inheritdoc/>
    public EndPoint? LocalEndPoint { get; }

    /// <summary>
    /// Connects to a server: resolves the name and tries its addresses in turn. A failure leaves no socket behind.
    /// </summary>
    /// <param name="host">A name or an address.</param>
    /// <param name="port">1 to 65,535.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <param name="cancellationToken">Bounds all of it. An address that is not the last one has 5 s at most.</param>
    /// <exception cref="IOException">The name is not known, or none of its addresses can be reached; the message says why.</exception>
    public static async Task<SocketTransport> ConnectAsync(
        string host, int port, TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        var error = "the name has no address";
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < addresses.Length; i++)
            {
                var limit = i < addresses.Length - 1 ? AddressLimit : Timeout.InfiniteTimeSpan;
                using var attempt = new CancellationTokenSource(limit, timeProvider ?? TimeProvider.System);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(attempt.Token, cancellationToken);
                try
                {
                    return await DialAsync(new IPEndPoint(addresses[i], port), either.Token).ConfigureAwait(false);
                }
                catch (SocketException e)
                {
                    error = e.Message;
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    error = "no answer";
                }
            }
        }
        catch (SocketException e)
        {
            error = e.Message;
        }

        throw new IOException($"the server cannot be reached: {error}"); // it is told to viewers too, who need not know where it is
    }

    /// <summary>See <see cref="Node.Prefetch"/>.</summary>
    internal void Prefetch() => CacheLines.Prefetch(_socket, 2);

    /// <inheritdoc/>
    public int TrySend(ReadOnlySpan<byte> data)
    {
        if (Volatile.Read(ref _abortReason) is not null)
            return 0;
        try
        {
            var sent = _socket.Send(data, SocketFlags.None, out var error);
            return error == SocketError.Success ? sent : 0;
        }
        catch (ObjectDisposedException)
        {
            return 0; // aborted between the test and the call
        }
    }

    /// <inheritdoc/>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        try
        {
            while (!data.IsEmpty)
            {
                var sent = await _socket.SendAsync(data, SocketFlags.None, cancellationToken).ConfigureAwait(false);
                data = data[sent..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException(Volatile.Read(ref _abortReason)?.Text ?? e.Message, e);
        }
    }

    /// <inheritdoc/>
    public void CompleteOutput()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer is gone, which is what we wanted to tell it.
        }
    }

    /// <inheritdoc/>
    public void Abort(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (Interlocked.CompareExchange(ref _abortReason, reason, null) is not null)
            return;
        try
        {
            // What a peer has not read for too long is not kept for it by the kernel either.
            if (reason.Code is CloseCode.Deadline or CloseCode.TooSlow)
                _socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed all the same.
        }

        _socket.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Abort(CloseReason.Requested);
        await Input.CompleteAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
    }

    private static EndPoint? Unmap(EndPoint? endPoint) =>
        endPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
            ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port)
            : endPoint;

    private static async Task<SocketTransport> DialAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            return new SocketTransport(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
