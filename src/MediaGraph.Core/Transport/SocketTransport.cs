using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using MediaGraph.Graph;

namespace MediaGraph.Transport;

/// <summary>A TCP connection.</summary>
public sealed class SocketTransport : ITransport
{
    // A reader that waits holds no buffer: the wait is a read of zero bytes.
    private static readonly StreamPipeReaderOptions InputOptions =
        new(bufferSize: 32 << 10, minimumReadSize: 4 << 10, leaveOpen: true, useZeroByteReads: true);

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private CloseReason? _abortReason;

    /// <summary>Takes a connected socket over.</summary>
    public SocketTransport(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _socket = socket;
        // An address is the same whether the listener takes IPv4 alone or beside IPv6.
        RemoteEndPoint = socket.RemoteEndPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
            ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port)
            : socket.RemoteEndPoint;
        _stream = new NetworkStream(socket, ownsSocket: false);
        Input = PipeReader.Create(_stream, InputOptions);
        socket.NoDelay = true;
        socket.Blocking = false; // after the stream, which refuses such a socket
    }

    /// <inheritdoc/>
    public PipeReader Input { get; }

    /// <inheritdoc/>
    public EndPoint? RemoteEndPoint { get; }

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
}
