using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MediaGraph.LoadTest.Tests;

/// <summary>
/// As little of an RTMP server as the tool needs: it hands what is published under a name to all who play that name, from the next
/// keyframe on, and does to each player's messages what a test asks for.
/// </summary>
/// <param name="tampering">Makes, for each player, what takes a media message and returns those to send instead; null ends the connection.</param>
/// <param name="startsAnywhere">Whether a player starts at the next frame that is no keyframe.</param>
internal sealed class TamperingServer(Func<Func<MediaMessage, IEnumerable<MediaMessage>?>> tampering, bool startsAnywhere = false) : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<Session> _sessions = [];
    private readonly List<Task> _tasks = [];

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Hands on what comes.</summary>
    public static IEnumerable<MediaMessage> PassOn(MediaMessage message) => [message];

    public void Start()
    {
        _listener.Start(512);
        _tasks.Add(Task.Run(AcceptAsync));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        Task[] tasks;
        lock (_lock)
            tasks = [.. _tasks];
        await Task.WhenAll(tasks);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                lock (_lock)
                    _tasks.Add(ServeAsync(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        using var session = new Session(socket, tampering(), startsAnywhere);
        lock (_lock)
            _sessions.Add(session);
        try
        {
            await session.ShakeHandsAsync(_stop.Token);
            while (await session.ReceiveAsync(_stop.Token))
            {
                foreach (var media in session.TakeMedia())
                {
                    Session[] players;
                    lock (_lock)
                        players = [.. _sessions.Where(other => other.Plays == session.Publishes)];
                    foreach (var player in players)
                        await player.DeliverAsync(media, session.Parameters, _stop.Token);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The peer has left, or the test is over.
        }
        finally
        {
            lock (_lock)
                _sessions.Remove(session);
        }
    }

    private sealed class Session(Socket socket, Func<MediaMessage, IEnumerable<MediaMessage>?> tamper, bool startsAnywhere) : ChunkParser, IDisposable
    {
        private const int ChunkSize = 4096;

        private readonly byte[] _buffer = new byte[64 << 10];
        private readonly MessageWriter _output = new();
        private readonly List<MediaMessage> _media = [];
        private byte[] _message = [];
        private bool _hasStarted;
        private bool _hasEnded;

        public string? Publishes { get; private set; }

        public string? Plays { get; private set; }

        public List<MediaMessage> Parameters { get; } = [];

        public async Task ShakeHandsAsync(CancellationToken stop)
        {
            await socket.ReceiveAsync(_buffer.AsMemory(0, 1), stop);
            for (var i = 0; i < 1536;)
                i += await socket.ReceiveAsync(_buffer.AsMemory(0, 1536 - i), stop);
            await SendAsync((byte[])[3, .. new byte[3072]], stop);
            for (var i = 0; i < 1536;)
                i += await socket.ReceiveAsync(_buffer.AsMemory(0, 1536 - i), stop);
        }

        public async Task<bool> ReceiveAsync(CancellationToken stop)
        {
            var count = await socket.ReceiveAsync(_buffer, stop);
            Parse(_buffer.AsSpan(0, count));
            await SendAsync(_output.Take(), stop);
            return count > 0;
        }

        /// <summary>What was published since the last call.</summary>
        public MediaMessage[] TakeMedia()
        {
            MediaMessage[] media = [.. _media];
            _media.Clear();
            return media;
        }

        public async Task DeliverAsync(MediaMessage message, IEnumerable<MediaMessage> parameters, CancellationToken stop)
        {
            if (_hasEnded || (!_hasStarted && (!message.IsVideo || message.IsParameters || message.IsKeyframe == startsAnywhere)))
                return;
            try
            {
                if (!_hasStarted)
                {
                    foreach (var parameter in parameters)
                        await TamperAsync(parameter, stop);
                }

                _hasStarted = true;
                await TamperAsync(message, stop);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                _hasEnded = true; // this player has left; the others have not
            }
        }

        public void Dispose() => socket.Dispose();

        protected override void OnPayload(Message message, int offset, ReadOnlySpan<byte> bytes)
        {
            if (offset == 0)
                _message = new byte[message.Length];
            bytes.CopyTo(_message.AsSpan(offset));
            if (!message.IsComplete)
                return;
            if (message.Type == 20)
                Answer();
            else if (message.Type is 8 or 9)
                Take(new MediaMessage(message.Type, _message));
        }

        private void Take(MediaMessage message)
        {
            if (message.IsParameters)
                Parameters.Add(message);
            _media.Add(message);
        }

        private void Answer()
        {
            // A string, a number, null, a string.
            var nameLength = BinaryPrimitives.ReadUInt16BigEndian(_message.AsSpan(1));
            switch (System.Text.Encoding.ASCII.GetString(_message, 3, nameLength))
            {
                case "connect":
                    _output.SetChunkSize(ChunkSize);
                    _output.Command(0, "_result", 1, "code=NetConnection.Connect.Success");
                    break;
                case "createStream":
                    _output.Command(0, "onBWDone", 0);
                    // _result, 2, null, 1
                    _output.Add(3, 20, 0, [2, 0, 7, .. "_result"u8, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0]);
                    break;
                case "publish":
                    Publishes = System.Text.Encoding.ASCII.GetString(_message.AsSpan(3 + nameLength + 9 + 1 + 3));
                    _output.Command(1, "onStatus", 0, "code=NetStream.Publish.Start");
                    break;
                case "play":
                    Plays = System.Text.Encoding.ASCII.GetString(_message.AsSpan(3 + nameLength + 9 + 1 + 3));
                    _output.Command(1, "onStatus", 0, "code=NetStream.Play.Start");
                    break;
            }
        }

        private async Task TamperAsync(MediaMessage message, CancellationToken stop)
        {
            if (tamper(message) is not { } messages)
            {
                _hasEnded = true;
                socket.Shutdown(SocketShutdown.Both);
                return;
            }

            foreach (var one in messages)
                await SendAsync(one.ToChunks(ChunkSize), stop);
        }

        private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
        {
            while (!bytes.IsEmpty)
                bytes = bytes[await socket.SendAsync(bytes, stop)..];
        }
    }
}
