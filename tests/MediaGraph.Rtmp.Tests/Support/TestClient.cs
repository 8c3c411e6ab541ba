using System.Buffers;
using System.Net;
using System.Net.Sockets;
using MediaGraph.Graph;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Handshake;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Support;

/// <summary>
/// A raw client: it sends what it is told to, right or wrong, can stop at any byte, and collects what it receives. Its own reader
/// runs from the handshake on until <see cref="DisposeAsync"/>, unless the client was told not to read.
/// </summary>
internal sealed class TestClient(ITransport transport, Socket? socket = null) : IAsyncDisposable
{
    private const int CommandChunkStreamId = 3;

    private readonly Lock _messagesLock = new(); // guards the fields below
    private readonly List<ReceivedMessage> _messages = [];
    private readonly ArrayBufferWriter<byte> _raw = new();
    private int _cursor; // of the next message that is expected
    private bool _ended;
    private Exception? _failure;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly PacketPool _pool = new(new PacketPoolOptions { Diagnostics = false });
    private Task _pump = Task.CompletedTask;
    private double _transactions = 1;
    private uint _pings;

    public ITransport Transport => transport;

    /// <summary>Payload bytes per chunk of what this client sends; change it by <see cref="SetChunkSizeAsync"/>.</summary>
    public int ChunkSize { get; set; } = ChunkReader.DefaultChunkSize;

    /// <summary>Acknowledge what comes in, as a player does; null for never.</summary>
    public uint? AcknowledgeEvery { get; set; }

    /// <summary>Whether the server's pings are answered.</summary>
    public bool AnswersPings { get; set; } = true;

    /// <summary>Completes when nothing waits in the queues of the server; null for "do not wait for that".</summary>
    public Func<Task>? QueuesAreEmpty { get; set; }

    /// <summary>What came in so far.</summary>
    public IReadOnlyList<ReceivedMessage> Messages
    {
        get
        {
            lock (_messagesLock)
                return [.. _messages];
        }
    }

    public IReadOnlyList<ReceivedMessage> Media => [.. Messages.Where(m => m.IsMedia)];

    public IReadOnlyList<string> Golden => [.. Messages.Select(m => m.ToString())];

    /// <summary>All bytes behind the handshake.</summary>
    public byte[] Raw
    {
        get
        {
            lock (_messagesLock)
                return _raw.WrittenSpan.ToArray();
        }
    }

    /// <summary>Whether the server has ended the connection, in whatever way.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_messagesLock)
                return _ended;
        }
    }

    /// <summary>What the end of the connection threw; null for a polite end.</summary>
    public Exception? Failure
    {
        get
        {
            lock (_messagesLock)
                return _failure;
        }
    }

    public static async Task<TestClient> OpenAsync(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(endPoint);
            return new TestClient(new SocketTransport(socket), socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // ---- Phases -----------------------------------------------------------------------------------------------------------

    /// <summary>The whole handshake; then the client reads, unless <paramref name="read"/> says that it never does.</summary>
    public async Task HandshakeAsync(RtmpHandshakeKind kind = RtmpHandshakeKind.Simple, bool read = true)
    {
        var c0c1 = new byte[RtmpHandshake.C0C1Length];
        RtmpHandshake.WriteC0C1(c0c1, kind, 0);
        await SendAsync(c0c1);
        var answer = await ReadExactlyAsync(RtmpHandshake.S0S1S2Length);
        var c2 = new byte[RtmpHandshake.BlockLength];
        var actual = RtmpHandshake.AnswerServer(answer, c0c1, c2, out var isAnswer);
        Assert.That((actual, isAnswer), Is.EqualTo((kind, true)), "the server's answer to the handshake");
        await SendAsync(c2);
        if (read)
            StartReading();
    }

    /// <summary>The whole handshake of a server; then it reads.</summary>
    public async Task AnswerHandshakeAsync()
    {
        var answer = new byte[RtmpHandshake.S0S1S2Length];
        RtmpHandshake.AnswerClient(await ReadExactlyAsync(RtmpHandshake.C0C1Length), answer, 0);
        await SendAsync(answer);
        Assert.That(
            RtmpHandshake.IsAnswer(await ReadExactlyAsync(RtmpHandshake.BlockLength), answer), Is.True, "C2 answers S1");
        StartReading();
    }

    /// <summary>Reads and forgets, from the first byte on.</summary>
    public void StartReadingRaw() => _pump = Task.Run(async () =>
    {
        try
        {
            while (await transport.Input.ReadAsync() is { IsCompleted: false, IsCanceled: false } result)
                transport.Input.AdvanceTo(result.Buffer.End);
        }
        catch (IOException)
        {
            // The connection was cut.
        }
    });

    public void StartReading() => _pump = Task.Run(PumpAsync);

    /// <summary>Handshake and connect; returns the answer to connect.</summary>
    public async Task<ReceivedMessage> ConnectAsync(string app = "live", RtmpHandshakeKind kind = RtmpHandshakeKind.Simple)
    {
        await HandshakeAsync(kind);
        return await CallAsync("connect", ConnectProperties(app));
    }

    public static AmfValue ConnectProperties(string app) => new AmfObject(
        new AmfProperty("app", app),
        new AmfProperty("type", "nonprivate"),
        new AmfProperty("flashVer", "FMLE/3.0 (compatible; test)"),
        new AmfProperty("tcUrl", $"rtmp://127.0.0.1/{app}"));

    public async Task<uint> CreateStreamAsync() => (uint)(await CallAsync("createStream", AmfValue.Null)).Values[3].AsNumber!.Value;

    /// <summary>Publishes through a new message stream and returns that.</summary>
    public async Task<uint> PublishAsync(string key)
    {
        var stream = await CreateStreamAsync();
        await CommandAsync(stream, "publish", AmfValue.Null, key, "live");
        await ExpectStatusAsync("NetStream.Publish.Start", stream);
        return stream;
    }

    /// <summary>Plays through a new message stream and returns that; when this returns the stream's packets come.</summary>
    public async Task<uint> PlayAsync(string key)
    {
        var stream = await CreateStreamAsync();
        await PlayAsync(key, stream);
        return stream;
    }

    public async Task PlayAsync(string key, uint stream)
    {
        await CommandAsync(stream, "play", AmfValue.Null, key);
        await ExpectStatusAsync("NetStream.Play.Start", stream);
        await SyncAsync();
    }

    // ---- Sending ----------------------------------------------------------------------------------------------------------

    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes) => transport.SendAsync(bytes, CancellationToken.None);

    public ValueTask MessageAsync(
        RtmpMessageType type, uint streamId, ReadOnlySpan<byte> payload, uint timestamp = 0, int? chunkStreamId = null, int format = 0) =>
        SendAsync(Chunks.Message(
            format,
            chunkStreamId ?? type switch
            {
                RtmpMessageType.Audio => 4,
                RtmpMessageType.Video => 6,
                RtmpMessageType.CommandAmf0 or RtmpMessageType.CommandAmf3 => CommandChunkStreamId,
                RtmpMessageType.DataAmf0 => 5,
                _ => 2,
            },
            timestamp, type, streamId, payload, ChunkSize));

    /// <summary>A command that is not answered, or by a status.</summary>
    public async Task CommandAsync(uint streamId, string name, params AmfValue[] values) =>
        await MessageAsync(RtmpMessageType.CommandAmf0, streamId, Chunks.Command(name, 0, values));

    /// <summary>A command with a transaction; returns its result or error.</summary>
    public async Task<ReceivedMessage> CallAsync(string name, params AmfValue[] values)
    {
        var transaction = _transactions++;
        await MessageAsync(RtmpMessageType.CommandAmf0, 0, Chunks.Command(name, transaction, values));
        return await ExpectAsync(
            m => m is { IsCommand: true, Name: "_result" or "_error" } && m.Values[1].AsNumber == transaction, $"the answer to {name}");
    }

    /// <summary>The answer to a command that the other side sent.</summary>
    public async Task AnswerAsync(ReceivedMessage command, params AmfValue[] values) => await MessageAsync(
        RtmpMessageType.CommandAmf0, 0, Chunks.Command("_result", command.Values[1].AsNumber!.Value, values));

    /// <summary>The refusal of a command that the other side sent.</summary>
    public async Task RefuseAsync(ReceivedMessage command, string code, string description, params AmfProperty[] more) => await MessageAsync(
        RtmpMessageType.CommandAmf0, 0,
        Chunks.Command("_error", command.Values[1].AsNumber!.Value, AmfValue.Null, Information("error", code, description, more)));

    /// <summary>The status of a stream, as a server tells it.</summary>
    public async Task StatusAsync(uint stream, string code, string level = "status", params AmfProperty[] more) => await MessageAsync(
        RtmpMessageType.CommandAmf0, stream, Chunks.Command("onStatus", 0, AmfValue.Null, Information(level, code, "As it is.", more)));

    public async Task SetChunkSizeAsync(int size)
    {
        await MessageAsync(RtmpMessageType.SetChunkSize, 0, Chunks.UInt32((uint)size));
        ChunkSize = size;
    }

    public ValueTask VideoAsync(uint stream, uint timestamp, byte[] body) =>
        MessageAsync(RtmpMessageType.Video, stream, body, timestamp);

    public ValueTask AudioAsync(uint stream, uint timestamp, byte[] body) =>
        MessageAsync(RtmpMessageType.Audio, stream, body, timestamp);

    /// <summary>Both headers, at time 0.</summary>
    public async Task HeadersAsync(uint stream, uint timestamp = 0)
    {
        await VideoAsync(stream, timestamp, Samples.VideoHeader);
        await AudioAsync(stream, timestamp, Samples.AudioHeader);
    }

    /// <summary>A keyframe with sound, followed by as many frames as asked for, each 40 ms later than the one before.</summary>
    public async Task GroupAsync(uint stream, uint timestamp, int frames = 3)
    {
        for (var i = 0; i < frames; i++)
        {
            var time = timestamp + (uint)(i * 40);
            await VideoAsync(stream, time, i == 0 ? Samples.Keyframe(mark: (byte)i) : Samples.InterFrame(mark: (byte)i));
            await AudioAsync(stream, time, Samples.Audio(mark: (byte)i));
        }
    }

    /// <summary>
    /// Returns when the server has handled everything that was sent so far, and everything that it had sent until then is here. A
    /// ping's response comes behind all but a joiner's replay, which is waited for in between.
    /// </summary>
    public async Task SyncAsync()
    {
        await PingAsync();
        if (QueuesAreEmpty is null)
            return;
        await QueuesAreEmpty();
        await PingAsync();
    }

    /// <summary>Sends a ping and waits for its response.</summary>
    public async Task PingAsync()
    {
        var number = 0xABC00000 | ++_pings;
        await MessageAsync(RtmpMessageType.UserControl, 0, Chunks.UserControl(UserControlEvent.PingRequest, number));
        await WaitAsync(
            () => _messages.FindLastIndex(m => IsPingResponse(m, number)) is var i and >= 0 ? _messages[i] : null, "a ping response");
        lock (_messagesLock)
        {
            var index = _messages.FindLastIndex(m => IsPingResponse(m, number));
            _messages.RemoveAt(index);
            if (index < _cursor)
                _cursor--;
        }
    }

    // ---- Receiving --------------------------------------------------------------------------------------------------------

    public Task<ReceivedMessage> ExpectStatusAsync(string code, uint? stream = null) =>
        ExpectAsync(m => m.IsCommand && m.Code == code && (stream is null || m.StreamId == stream), $"the status {code}");

    /// <summary>The next message that matches; those before it are passed over.</summary>
    public Task<ReceivedMessage> ExpectAsync(Func<ReceivedMessage, bool> match, string what) => WaitAsync(
        () =>
        {
            for (var i = _cursor; i < _messages.Count; i++)
            {
                if (!match(_messages[i]))
                    continue;
                _cursor = i + 1;
                return _messages[i];
            }

            return null;
        },
        what);

    /// <summary>Waits until the server has ended the connection.</summary>
    public Task EndAsync() => Eventually.Async(() => HasEnded, "the end of the connection");

    public async Task<byte[]> ReadExactlyAsync(int length)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        var result = await transport.Input.ReadAtLeastAsync(length, limit.Token);
        Assert.That(result.Buffer.Length, Is.GreaterThanOrEqualTo(length), "the connection ended early");
        var bytes = result.Buffer.Slice(0, length).ToArray();
        transport.Input.AdvanceTo(result.Buffer.GetPosition(length));
        return bytes;
    }

    /// <summary>Reads to the end of the connection; for a client that has no reader of its own.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        var all = new List<byte>();
        while (true)
        {
            var result = await transport.Input.ReadAsync(limit.Token);
            foreach (var segment in result.Buffer)
                all.AddRange(segment.Span);
            transport.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return [.. all];
        }
    }

    /// <summary>Sends FIN and goes on reading.</summary>
    public void HalfClose() => transport.CompleteOutput();

    /// <summary>Ends the connection by RST.</summary>
    public void Reset()
    {
        if (socket is not null)
            socket.LingerState = new LingerOption(true, 0);
        transport.Abort(CloseReason.Requested);
    }

    public async ValueTask DisposeAsync()
    {
        transport.Abort(CloseReason.Requested);
        await _pump;
        await transport.DisposeAsync();
    }

    private static AmfValue Information(string level, string code, string description, AmfProperty[] more) => new AmfObject(
        [new AmfProperty("level", level), new AmfProperty("code", code), new AmfProperty("description", description), .. more]);

    private static bool IsPingResponse(ReceivedMessage message, uint number) =>
        message.Type == RtmpMessageType.UserControl
        && ControlMessage.ReadUserControl(message.Payload) == (UserControlEvent.PingResponse, number);

    private async Task<ReceivedMessage> WaitAsync(Func<ReceivedMessage?> findLocked, string what)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        while (true)
        {
            Task changed;
            lock (_messagesLock)
            {
                if (findLocked() is { } found)
                    return found;
                if (_ended)
                {
                    throw new AssertionException(
                        $"the connection ended before {what} ({_failure?.Message}); came: {string.Join(", ", _messages)}");
                }

                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                throw new AssertionException($"{what} did not come; came: {string.Join(", ", Golden)}");
            }
        }
    }

    private async Task PumpAsync()
    {
        using var reader = new ChunkReader(_pool);
        Exception? failure = null;
        var acknowledged = 0L;
        try
        {
            while (true)
            {
                var result = await transport.Input.ReadAsync();
                var buffer = result.Buffer;
                while (reader.TryRead(ref buffer, out var message))
                    await TakeAsync(message);
                lock (_messagesLock)
                    _raw.Write(result.Buffer.Slice(0, buffer.Start).ToArray());
                transport.Input.AdvanceTo(buffer.Start, buffer.End);
                if (AcknowledgeEvery is { } window && reader.BytesRead - acknowledged >= window)
                {
                    acknowledged = reader.BytesRead;
                    await MessageAsync(RtmpMessageType.Acknowledgement, 0, Chunks.UInt32((uint)acknowledged));
                }

                if (result.IsCompleted || result.IsCanceled)
                    break;
            }
        }
        catch (Exception e)
        {
            failure = e; // the test looks at it
        }

        lock (_messagesLock)
        {
            _failure = failure;
            _ended = true;
        }

        Signal();
    }

    private async Task TakeAsync(RtmpMessage message)
    {
        var received = new ReceivedMessage(
            message.Type, message.Timestamp, message.StreamId, message.ChunkStreamId, message.Payload.ToArray());
        message.Buffer.Release();
        if (AnswersPings && received.Type == RtmpMessageType.UserControl
            && ControlMessage.ReadUserControl(received.Payload) is (UserControlEvent.PingRequest, var time))
            await MessageAsync(RtmpMessageType.UserControl, 0, Chunks.UserControl(UserControlEvent.PingResponse, time));
        lock (_messagesLock)
            _messages.Add(received);
        Signal();
    }

    private void Signal()
    {
        TaskCompletionSource changed;
        lock (_messagesLock)
        {
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }
}
