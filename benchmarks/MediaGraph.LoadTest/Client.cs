using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace MediaGraph.LoadTest;

/// <summary>One RTMP connection: asks for its stream, then takes what comes, on the thread that saw it come.</summary>
internal abstract class Client : ChunkParser, IThreadPoolWorkItem, IDisposable
{
    public const int OutChunkSize = 60_000;

    private const int BlockLength = 1536;
    private const int CreateStream = 2;
    private const uint WindowAcknowledgement = 2_500_000;
    private const int ReceivesAtOnce = 16; // before others of the same thread have their turn

    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(30);

    private readonly Target _target;
    private readonly byte[] _buffer;
    private readonly byte[] _small = new byte[4096]; // commands and control messages
    private readonly byte[] _answer = new byte[12 + 6];
    private readonly List<string> _replies = [];
    private readonly SocketAsyncEventArgs _receiving = new();
    private readonly ITimer _pace;
    private long _acknowledged;
    private volatile bool _isPaused;
    private int _waits; // paused with no receive under way
    private uint _createdStream;
    private long _pacedSince;
    private long _pacedFrom; // bytes
    private double _pacedRate; // bytes per second; 0 without limit

    protected Client(Target target, int bufferLength)
    {
        _target = target;
        _buffer = new byte[bufferLength];
        Socket = new Socket(target.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _pace = TimeProvider.System.CreateTimer(_ => Receive(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Why it ended before it was disposed.</summary>
    public Exception? Failure { get; protected set; }

    /// <summary>From before the connection until the server has accepted the application.</summary>
    public TimeSpan? ConnectTime { get; private set; }

    /// <summary>Before the connection.</summary>
    protected long Started { get; private set; }

    protected Socket Socket { get; }

    protected uint StreamId { get; private set; }

    /// <summary>Connects, asks for the stream and returns when the server has agreed.</summary>
    /// <exception cref="IOException">It has not, for this reason; <see cref="Failure"/> says it too.</exception>
    protected async Task OpenAsync(string command, string key, string agreed, CancellationToken stop)
    {
        using var deadline = new CancellationTokenSource(OpenTimeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        try
        {
            await OpenCoreAsync(command, key, agreed, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            Failure = deadline.IsCancellationRequested
                ? new IOException($"The server did not agree to {command} within {OpenTimeout.TotalSeconds} s.")
                : e as IOException ?? new IOException($"{command}: {e.Message}", e);
            throw Failure;
        }
    }

    /// <summary>From now on everything is received by itself.</summary>
    protected void StartReceiving()
    {
        _receiving.SetBuffer(_buffer);
        _receiving.Completed += (_, _) => OnReceived();
        Receive();
    }

    /// <summary>Stops reading, with at most one receive still under way.</summary>
    public void Pause() => _isPaused = true;

    public void Resume()
    {
        _isPaused = false;
        if (Interlocked.Exchange(ref _waits, 0) == 1)
            Receive();
    }

    /// <summary>Reads no more than so many bytes per second from now on; 0 for no limit.</summary>
    protected void SetRate(double bytesPerSecond)
    {
        _pacedSince = TimeProvider.System.GetTimestamp();
        _pacedFrom = BytesParsed;
        Volatile.Write(ref _pacedRate, bytesPerSecond);
    }

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
        _pace.Dispose();
        Socket.Dispose();
        _receiving.Dispose();
    }

    void IThreadPoolWorkItem.Execute() => Receive();

    protected override void OnPayload(Message message, int offset, ReadOnlySpan<byte> bytes)
    {
        if (message.Type is 8 or 9 or 18 || message.Length > _small.Length)
            return;
        bytes.CopyTo(_small.AsSpan(offset));
        if (!message.IsComplete)
            return;
        var payload = _small.AsSpan(0, message.Length);
        if (message.Type == 20)
            TakeCommand(payload);
        else if (message.Type == 4 && payload is [0, 6, _, _, _, _])
            Answer(4, [0, 7, .. payload[2..]]); // a ping
    }

    protected async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await Socket.SendAsync(bytes, stop).ConfigureAwait(false)..];
    }

    /// <summary>Sends what the server wants to hear at once, on the thread that received.</summary>
    protected virtual void SendAnswer(ReadOnlySpan<byte> message) => Socket.Send(message);

    private async Task OpenCoreAsync(string command, string key, string agreed, CancellationToken stop)
    {
        Started = TimeProvider.System.GetTimestamp();
        await Socket.ConnectAsync(_target.EndPoint, stop).ConfigureAwait(false);
        var block = new byte[1 + (2 * BlockLength)];
        block[0] = 3;
        await SendAsync(block.AsMemory(0, 1 + BlockLength), stop).ConfigureAwait(false);
        for (var received = 0; received < block.Length;)
        {
            var count = await Socket.ReceiveAsync(block.AsMemory(received), stop).ConfigureAwait(false);
            received += count > 0 ? count : throw new EndOfStreamException("The server closed the connection in its handshake.");
        }

        var output = new MessageWriter();
        output.SetChunkSize(OutChunkSize);
        output.Command(0, "connect", 1, $"app={_target.App}", $"tcUrl={_target.Url}");
        await SendAsync(block.AsMemory(1, BlockLength), stop).ConfigureAwait(false);
        await SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync("NetConnection.Connect.Success", stop).ConfigureAwait(false);
        ConnectTime = TimeProvider.System.GetElapsedTime(Started);
        output.Command(0, "createStream", CreateStream);
        await SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync("createStream", stop).ConfigureAwait(false);
        StreamId = _createdStream;
        output.Command(StreamId, command, 0, null, key);
        await SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync(agreed, stop).ConfigureAwait(false);
    }

    private void TakeCommand(ReadOnlySpan<byte> payload)
    {
        var text = Encoding.Latin1.GetString(payload);
        // A string of 7 characters, a number, null, a number.
        if (text.StartsWith("\u0002\0\u0007_result\0", StringComparison.Ordinal) && payload.Length == 29
            && BinaryPrimitives.ReadDoubleBigEndian(payload[11..]) == CreateStream)
        {
            _createdStream = (uint)BinaryPrimitives.ReadDoubleBigEndian(payload[21..]);
            text = "createStream";
        }

        _replies.Add(text);
    }

    private async Task WaitForAsync(string code, CancellationToken stop)
    {
        while (true)
        {
            foreach (var reply in _replies)
            {
                if (reply.Contains("_error", StringComparison.Ordinal) || reply.Contains("\u0002\0\u0005error", StringComparison.Ordinal))
                    throw new IOException($"The server refused: {string.Concat(reply.Where(c => c is >= ' ' and < (char)127))}");
            }

            if (_replies.Exists(reply => reply.Contains(code, StringComparison.Ordinal)))
            {
                _replies.Clear();
                return;
            }

            var count = await Socket.ReceiveAsync(_buffer, stop).ConfigureAwait(false);
            if (count == 0)
                throw new EndOfStreamException("The server closed the connection.");
            Parse(_buffer.AsSpan(0, count));
        }
    }

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

                if (Socket.ReceiveAsync(_receiving))
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
            : TimeSpan.FromSeconds((BytesParsed - _pacedFrom) / rate) - TimeProvider.System.GetElapsedTime(_pacedSince);
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
            Parse(_buffer.AsSpan(0, _receiving.BytesTransferred));
            if (BytesParsed - _acknowledged >= WindowAcknowledgement)
            {
                _acknowledged = BytesParsed;
                Span<byte> count = stackalloc byte[4];
                BinaryPrimitives.WriteUInt32BigEndian(count, (uint)_acknowledged);
                Answer(3, count);
            }

            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        catch (Exception e)
        {
            Failure = e;
            return false;
        }
    }

    private void Answer(byte type, ReadOnlySpan<byte> payload)
    {
        MessageWriter.WriteHeader(_answer, 2, 0, type, 0, payload.Length);
        payload.CopyTo(_answer.AsSpan(12));
        SendAnswer(_answer.AsSpan(0, 12 + payload.Length));
    }
}
