using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Tamper = System.Func<MediaGraph.LoadTest.Tests.RtpUnit, System.Collections.Generic.IEnumerable<MediaGraph.LoadTest.Tests.RtpUnit>?>;

namespace MediaGraph.LoadTest.Tests;

/// <summary>
/// As little of an RTSP server as the tool needs: it hands what is published to all who play, from the next keyframe on, and does to each
/// player's frames what a test asks for.
/// </summary>
/// <param name="tampering">Makes, for each player, what takes a frame and returns those to send instead; null ends the connection.</param>
/// <param name="startsAnywhere">Whether a player starts at the next frame that is no keyframe.</param>
/// <param name="describe">What a player is told of the publisher's description.</param>
internal sealed partial class RtspTamperingServer(
    Func<Tamper> tampering, bool startsAnywhere = false, Func<string, string>? describe = null) : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<Session> _players = [];
    private readonly List<Task> _tasks = [];
    private string _description = "";

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Hands on what comes.</summary>
    public static IEnumerable<RtpUnit> PassOn(RtpUnit unit) => [unit];

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
        try
        {
            using var stream = new NetworkStream(socket);
            var buffered = new BufferedStream(stream, 64 << 10);
            var start = new byte[4];
            while (true)
            {
                await buffered.ReadExactlyAsync(start, _stop.Token);
                if (start[0] == '$')
                    await TakePacketAsync(session, start, buffered);
                else
                    await AnswerAsync(session, await ReadRequestAsync(start, buffered));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException or IOException)
        {
            // The peer has left, or the test is over.
        }
        finally
        {
            lock (_lock)
                _players.Remove(session);
        }
    }

    private async Task TakePacketAsync(Session session, byte[] header, BufferedStream stream)
    {
        var packet = new byte[BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2))];
        await stream.ReadExactlyAsync(packet, _stop.Token);
        if (header[1] % 2 != 0)
            return;
        session.Published.Add(packet);
        var unit = new RtpUnit(header[1], [.. session.Published]);
        if (!unit.IsWhole)
            return;
        session.Published.Clear();
        Session[] players;
        lock (_lock)
            players = [.. _players];
        foreach (var player in players)
            await player.DeliverAsync(unit, _stop.Token);
    }

    private async Task<string> ReadRequestAsync(byte[] start, BufferedStream stream)
    {
        var request = new StringBuilder(Encoding.ASCII.GetString(start));
        var one = new byte[1];
        while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, _stop.Token);
            request.Append((char)one[0]);
        }

        if (ContentLength().Match(request.ToString()) is { Success: true } length)
        {
            var body = new byte[int.Parse(length.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)];
            await stream.ReadExactlyAsync(body, _stop.Token);
            request.Append(Encoding.ASCII.GetString(body));
        }

        return request.ToString();
    }

    private async Task AnswerAsync(Session session, string request)
    {
        var headers = "";
        var body = "";
        switch (request.Split(' ')[0])
        {
            case "ANNOUNCE":
                _description = request[(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
                break;
            case "DESCRIBE":
                body = describe?.Invoke(_description) ?? _description;
                headers = $"Content-Length: {body.Length}\r\n";
                break;
            case "SETUP":
                if (ClientPort().Match(request) is { Success: true } port)
                    session.Ports.Add(int.Parse(port.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
                headers = $"Session: 17;timeout=60\r\n{TransportHeader().Match(request).Value}\r\n";
                break;
        }

        var response = $"RTSP/1.0 200 OK\r\nCSeq: {CSeq().Match(request).Groups[1].Value}\r\n{headers}\r\n{body}";
        await session.SendAsync(Encoding.ASCII.GetBytes(response), _stop.Token);
        if (!request.StartsWith("PLAY", StringComparison.Ordinal))
            return;
        lock (_lock)
            _players.Add(session);
    }

    [GeneratedRegex(@"Content-Length: (\d+)")]
    private static partial Regex ContentLength();

    [GeneratedRegex(@"client_port=(\d+)")]
    private static partial Regex ClientPort();

    [GeneratedRegex(@"Transport: [^\r]+")]
    private static partial Regex TransportHeader();

    [GeneratedRegex(@"CSeq: (\d+)")]
    private static partial Regex CSeq();

    private sealed class Session(Socket socket, Tamper tamper, bool startsAnywhere) : IDisposable
    {
        private readonly Socket _datagrams = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private bool _hasStarted;
        private bool _hasEnded;

        /// <summary>The packets of the frame that is published now.</summary>
        public List<byte[]> Published { get; } = [];

        /// <summary>Of each track, where a player wants datagrams.</summary>
        public List<int> Ports { get; } = [];

        public async Task DeliverAsync(RtpUnit unit, CancellationToken stop)
        {
            if (_hasEnded || (!_hasStarted && (!unit.IsVideo || unit.IsKeyframe == startsAnywhere)))
                return;
            _hasStarted = true;
            try
            {
                if (tamper(unit) is not { } units)
                {
                    _hasEnded = true;
                    socket.Shutdown(SocketShutdown.Both);
                    return;
                }

                foreach (var one in units)
                    await SendAsync(one, stop);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                _hasEnded = true; // this player has left; the others have not
            }
        }

        public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
        {
            while (!bytes.IsEmpty)
                bytes = bytes[await socket.SendAsync(bytes, stop)..];
        }

        public void Dispose()
        {
            socket.Dispose();
            _datagrams.Dispose();
        }

        private async Task SendAsync(RtpUnit unit, CancellationToken stop)
        {
            var (channel, port) = ((byte)unit.Channel, Ports.ElementAtOrDefault(unit.Channel / 2));
            foreach (var packet in unit.Packets)
            {
                if (port > 0)
                    await _datagrams.SendToAsync(packet, SocketFlags.None, new IPEndPoint(IPAddress.Loopback, port), stop);
                else
                    await SendAsync((byte[])[(byte)'$', channel, (byte)(packet.Length >> 8), (byte)packet.Length, .. packet], stop);
            }
        }
    }
}
