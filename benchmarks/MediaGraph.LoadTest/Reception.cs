using System.Net.Sockets;

namespace MediaGraph.LoadTest;

/// <summary>Takes what comes on a socket, on the thread that saw it come; owns the socket.</summary>
internal sealed class Reception : IThreadPoolWorkItem, IDisposable
{
    private const int ReceivesAtOnce = 16; // before others of the same thread have their turn

    private readonly Socket _socket;
    private readonly byte[] _buffer;
    private readonly Action<ReadOnlySpan<byte>> _take;
    private readonly Action<Exception> _fail;
    private readonly SocketAsyncEventArgs _receiving = new();
    private readonly ITimer _pace;
    private volatile bool _isPaused;
    private int _waits; // paused with no receive under way
    private long _received;
    private long _pacedSince;
    private long _pacedFrom; // bytes
    private double _pacedRate; // bytes per second; 0 without limit

    public Reception(Socket socket, byte[] buffer, Action<ReadOnlySpan<byte>> take, Action<Exception> fail)
    {
        (_socket, _buffer, _take, _fail) = (socket, buffer, take, fail);
        _pace = TimeProvider.System.CreateTimer(_ => Receive(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Start()
    {
        _receiving.SetBuffer(_buffer);
        _receiving.Completed += (_, _) => OnReceived();
        Receive();
    }

    /// <summary>Stops, with at most one receive still under way.</summary>
    public void Pause() => _isPaused = true;

    public void Resume()
    {
        _isPaused = false;
        if (Interlocked.Exchange(ref _waits, 0) == 1)
            Receive();
    }

    /// <summary>No more than so many bytes per second from now on; 0 for no limit.</summary>
    public void SetRate(double bytesPerSecond)
    {
        _pacedSince = TimeProvider.System.GetTimestamp();
        _pacedFrom = _received;
        Volatile.Write(ref _pacedRate, bytesPerSecond);
    }

    public void Dispose()
    {
        _pace.Dispose();
        _socket.Dispose();
        _receiving.Dispose();
    }

    void IThreadPoolWorkItem.Execute() => Receive();

    private void Receive()
    {
        try
        {
            for (var i = 0; !_isPaused; i++)
            {
                if (TimeUntilDue() is { Ticks: > 0 } wait)
                {
                    _pace.Change(wait, Timeout.InfiniteTimeSpan);
                    return;
                }

                if (i == ReceivesAtOnce)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                    return;
                }

                if (_socket.ReceiveAsync(_receiving))
                    return;
                if (!TakeReceived())
                    return;
            }

            Volatile.Write(ref _waits, 1);
            if (!_isPaused && Interlocked.Exchange(ref _waits, 0) == 1)
                Receive();
        }
        catch (ObjectDisposedException)
        {
            // The end of the run.
        }
    }

    private TimeSpan TimeUntilDue()
    {
        var rate = Volatile.Read(ref _pacedRate);
        return rate == 0
            ? TimeSpan.Zero
            : TimeSpan.FromSeconds((_received - _pacedFrom) / rate) - TimeProvider.System.GetElapsedTime(_pacedSince);
    }

    private void OnReceived()
    {
        if (TakeReceived())
            Receive();
    }

    private bool TakeReceived()
    {
        if (_receiving.SocketError == SocketError.OperationAborted)
            return false;
        try
        {
            if (_receiving.SocketError != SocketError.Success || _receiving.BytesTransferred == 0)
                throw new EndOfStreamException($"The server closed the connection ({_receiving.SocketError}).");
            _received += _receiving.BytesTransferred;
            _take(_buffer.AsSpan(0, _receiving.BytesTransferred));
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        catch (Exception e)
        {
            _fail(e);
            return false;
        }
    }
}
