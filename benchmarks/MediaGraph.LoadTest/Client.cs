using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MediaGraph.LoadTest;

/// <summary>One RTMP connection: asks for its stream, then takes what comes, on the thread that saw it come.</summary>
internal abstract class Client(int bufferLength) : ChunkParser, IDisposable
{
    public const int OutChunkSize = 60_000;

    private const int BlockLength = 1536;
    private const uint WindowAcknowledgement = 2_500_000;

    private readonly byte[] _buffer = new byte[bufferLength];
    private readonly byte[] _small = new byte[4096]; // commands and control messages
    private readonly List<string> _replies = [];
    private readonly SocketAsyncEventArgs _receiving = new();
    private long _acknowledged;
    private volatile bool _isPaused;
    private int _waits; // paused with no receive under way
    private uint _createdStream;

    public Exception? Failure { get; private set; }

    protected Socket Socket { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    /// <summary>Connects, asks for the stream and returns when the server has agreed.</summary>
    protected async Task OpenAsync(LoadOptions options, string command, string key, string agreed, CancellationToken stop)
    {
        await Socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(options.Host), options.Port), stop).ConfigureAwait(false);
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
        output.Command(0, "connect", 1, $"app={options.App}", $"tcUrl=rtmp://{options.Host}:{options.Port}/{options.App}");
        await SendAsync(block.AsMemory(1, BlockLength), stop).ConfigureAwait(false);
        await SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync("NetConnection.Connect.Success", stop).ConfigureAwait(false);
        output.Command(0, "createStream", 2);
        await SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync("", stop).ConfigureAwait(false);
        output.Command(_createdStream, command, 0, null, key);
        await SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync(agreed, stop).ConfigureAwait(false);
        StreamId = _createdStream;
    }

    protected uint StreamId { get; private set; }

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

    public void Dispose()
    {
        Socket.Dispose();
        _receiving.Dispose();
    }

    protected override void OnPayload(Message message, int offset, ReadOnlySpan<byte> bytes)
    {
        if (message.Type is 8 or 9 or 18 || message.Length > _small.Length)
            return;
        bytes.CopyTo(_small.AsSpan(offset));
        if (!message.IsComplete)
            return;
        var payload = _small.AsSpan(0, message.Length);
        if (message.Type == 20)
        {
            var text = Encoding.Latin1.GetString(payload);
            if (text.Contains("_result", StringComparison.Ordinal) && payload.Length >= 9)
                _createdStream = (uint)BinaryPrimitives.ReadDoubleBigEndian(payload[^8..]);
            _replies.Add(text);
        }
        else if (message.Type == 4 && payload is [0, 6, ..])
        {
            var output = new MessageWriter();
            output.PingResponse(payload[2..6]);
            Socket.Send(output.Take().Span);
        }
    }

    private async Task WaitForAsync(string code, CancellationToken stop)
    {
        while (true)
        {
            foreach (var reply in _replies)
            {
                if (reply.Contains("_error", StringComparison.Ordinal) || reply.Contains("\u0002\0\u0005error", StringComparison.Ordinal))
                    throw new InvalidDataException($"The server refused: {string.Concat(reply.Where(c => c is >= ' ' and < (char)127))}");
            }

            var found = _replies.Exists(reply => reply.Contains(code, StringComparison.Ordinal));
            if (found)
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
            while (!_isPaused)
            {
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
                var output = new MessageWriter();
                output.Acknowledgement((uint)_acknowledged);
                Socket.Send(output.Take().Span);
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

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await Socket.SendAsync(bytes, stop).ConfigureAwait(false)..];
    }
}
