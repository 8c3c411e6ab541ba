using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MediaGraph.Transport;

/// <summary>
/// Listens on a TCP port and hands each connection over. Its one task does nothing but accept, so no peer can hold the next one
/// up, and goes on after errors, such as being short of descriptors, with growing pauses. It never takes the process's last
/// descriptors, without which the runtime cannot start a thread: it closes the connection that would, and pauses.
/// <para>Owner: the server that made it, which stops it with <see cref="DisposeAsync"/>.</para>
/// </summary>
public sealed class SocketListener : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);
    private const int SpareDescriptors = 64; // at most a quarter of the limit

    private readonly Socket _socket;
    private readonly Action<SocketTransport> _onAccepted;
    private readonly Action<Exception> _onError;
    private readonly TimeProvider _timeProvider;
    private readonly long _descriptorLimit; // a socket with this number, or a higher one, is one too many
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private bool _isDisposed;

    private SocketListener(
        Socket socket, Action<SocketTransport> onAccepted, Action<Exception> onError, TimeProvider timeProvider)
    {
        _socket = socket;
        _onAccepted = onAccepted;
        _onError = onError;
        _timeProvider = timeProvider;
        var limit = ReadDescriptorLimit();
        _descriptorLimit = limit - Math.Min(SpareDescriptors, limit / 4);
        LocalEndPoint = (IPEndPoint)socket.LocalEndPoint!;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Where it listens, with the port that the system chose if 0 was asked for.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Binds and starts to accept.</summary>
    /// <param name="endPoint">Where to listen; port 0 lets the system choose.</param>
    /// <param name="onAccepted">Takes a connection over. Must not wait.</param>
    /// <param name="onError">Told of each failed accept. What it throws is lost.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <exception cref="IOException">The port cannot be bound; the message says which and why.</exception>
    public static SocketListener Start(
        IPEndPoint endPoint, Action<SocketTransport> onAccepted, Action<Exception> onError, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(onAccepted);
        ArgumentNullException.ThrowIfNull(onError);
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = true;
            socket.Bind(endPoint);
            socket.Listen(512);
            return new SocketListener(socket, onAccepted, onError, timeProvider ?? TimeProvider.System);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"cannot listen on {endPoint}: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Stops listening; returns when the task has ended. Accepted connections go on. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!Interlocked.Exchange(ref _isDisposed, true))
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            _socket.Dispose();
            await _accepting.ConfigureAwait(false);
            _stop.Dispose();
        }

        await _accepting.ConfigureAwait(false);
    }

    private async Task AcceptAsync()
    {
        var pause = FirstPause;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await AcceptOneAsync().ConfigureAwait(false);
                pause = FirstPause;
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Tell(e);
                if (!await PauseAsync(pause).ConfigureAwait(false))
                    return;
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private async Task AcceptOneAsync()
    {
        var socket = await _socket.AcceptAsync(_stop.Token).ConfigureAwait(false);
        if (socket.Handle >= _descriptorLimit) // all lower ones are taken: the system gives the lowest that is free
        {
            socket.Dispose();
            throw new IOException("too few file descriptors are left; a connection was closed");
        }

        SocketTransport transport;
        try
        {
            transport = new SocketTransport(socket);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            socket.Dispose(); // the peer was gone before we looked
            return;
        }

        try
        {
            _onAccepted(transport);
        }
        catch
        {
            await transport.DisposeAsync().ConfigureAwait(false); // nobody took it over
            throw;
        }
    }

    private void Tell(Exception error)
    {
        try
        {
            _onError(error);
        }
        catch (Exception)
        {
            // Who cannot be told, because a log cannot be written for instance, does not end the listener.
        }
    }

    private static long ReadDescriptorLimit()
    {
        if (!OperatingSystem.IsLinux())
            return long.MaxValue;
        try
        {
            // "Max open files            1024                 524288               files": the first number is the one that counts.
            const string Name = "Max open files";
            var line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
            var words = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
            return words.Length > 0 && long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
                ? limit
                : long.MaxValue;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;
        }
    }

    private async Task<bool> PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, _timeProvider, _stop.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
