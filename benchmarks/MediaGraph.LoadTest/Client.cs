using System.Net.Sockets;

namespace MediaGraph.LoadTest;

/// <summary>One connection: asks for its stream, then takes what comes.</summary>
internal abstract class Client : IDisposable
{
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(30);

    private readonly byte[] _buffer;
    private readonly Reception _reception;

    protected Client(Target target, int bufferLength)
    {
        Target = target;
        _buffer = new byte[bufferLength];
        Socket = new Socket(target.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _reception = new Reception(Socket, _buffer, Parse, e => Failure = e);
    }

    /// <summary>The server.</summary>
    public Target Target { get; }

    /// <summary>Why it ended before it was disposed.</summary>
    public Exception? Failure { get; set; }

    /// <summary>From before the connection until the server's first answer.</summary>
    public TimeSpan? ConnectTime { get; private set; }

    /// <summary>Before the connection.</summary>
    protected long Started { get; private set; }

    protected Socket Socket { get; }

    protected abstract IWire Wire { get; }

    /// <summary>What it asks for, in one word.</summary>
    protected abstract string Purpose { get; }

    /// <summary>Connects, asks for the stream and returns when the server has agreed.</summary>
    /// <exception cref="IOException">It has not, for this reason; <see cref="Failure"/> says it too.</exception>
    public async Task OpenAsync(string name, CancellationToken stop)
    {
        using var deadline = new CancellationTokenSource(OpenTimeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        try
        {
            Started = TimeProvider.System.GetTimestamp();
            await Socket.ConnectAsync(Target.EndPoint, either.Token).ConfigureAwait(false);
            await Wire.OpenAsync(name, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            Failure = deadline.IsCancellationRequested
                ? new IOException($"The server did not agree to {Purpose} within {OpenTimeout.TotalSeconds} s.")
                : e as IOException ?? new IOException($"{Purpose}: {e.Message}", e);
            throw Failure;
        }
    }

    /// <summary>The server has answered for the first time.</summary>
    public void SetConnected() => ConnectTime = TimeProvider.System.GetElapsedTime(Started);

    /// <summary>Receives once, while not receiving by itself.</summary>
    public async Task ReceiveAsync(CancellationToken stop) =>
        Parse(_buffer.AsSpan(0, await ReceiveAsync(_buffer, stop).ConfigureAwait(false)));

    /// <summary>Receives once, while not receiving by itself; at least one byte.</summary>
    public async Task<int> ReceiveAsync(Memory<byte> bytes, CancellationToken stop) =>
        await Socket.ReceiveAsync(bytes, stop).ConfigureAwait(false) is > 0 and var count
            ? count
            : throw new EndOfStreamException("The server closed the connection.");

    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await Socket.SendAsync(bytes, stop).ConfigureAwait(false)..];
    }

    /// <summary>Sends what the server wants to hear at once, on the thread that received.</summary>
    public virtual void SendAnswer(ReadOnlySpan<byte> message) => Socket.Send(message);

    /// <summary>Takes what came.</summary>
    public void Parse(ReadOnlySpan<byte> bytes) => Wire.Parse(bytes);

    /// <summary>Stops reading, with at most one receive still under way.</summary>
    public void Pause() => _reception.Pause();

    public void Resume() => _reception.Resume();

    /// <summary>Ends the connection: the server gets a FIN first, whatever is unread here.</summary>
    public void Finish()
    {
        Socket.Shutdown(SocketShutdown.Send);
        Dispose();
    }

    /// <summary>Ends the connection with a RST.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(enable: true, seconds: 0);
        Dispose();
    }

    /// <summary>Sends a FIN and reads on until the server ends it too; false when it has not in that time. Not while receiving by itself.</summary>
    public async Task<bool> HalfCloseAsync(TimeSpan patience, CancellationToken stop)
    {
        using var deadline = new CancellationTokenSource(patience, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
            while (await Socket.ReceiveAsync(_buffer, either.Token).ConfigureAwait(false) > 0)
            {
            }

            return true;
        }
        catch (SocketException)
        {
            return true; // a RST is an end too
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _reception.Dispose();
        Wire.Dispose();
    }

    /// <summary>From now on everything is received by itself.</summary>
    protected void StartReceiving()
    {
        _reception.Start();
        Wire.StartReceiving();
    }

    /// <summary>Reads no more than so many bytes per second from now on; 0 for no limit.</summary>
    protected void SetRate(double bytesPerSecond) => _reception.SetRate(bytesPerSecond);
}
