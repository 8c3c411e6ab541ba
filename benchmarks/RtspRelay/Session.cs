using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MediaGraph.RtspRelay;

/// <summary>One connection: answers requests, and groups what a publisher sends into access units.</summary>
internal sealed class Session(Relay relay, Socket socket) : IDisposable
{
    private const int LongestUnit = 16 << 20;

    private byte[] _buffer = new byte[4096];
    private int _length; // of what is in the buffer
    private int _unit; // bytes at its start that are of the access unit under way
    private int _channel = -1; // its; -1 before its first RTP packet
    private uint _timestamp;
    private bool _isKeyframe;
    private Broadcast? _broadcast;
    private bool _publishes;
    private byte[]? _rest; // of a unit that was sent in part

    /// <summary>Whether it got a keyframe.</summary>
    public bool HasStarted { get; set; }

    /// <summary>Where its datagrams go, by channel; null over TCP.</summary>
    public SocketAddress?[]? Addresses { get; private set; }

    public async Task RunAsync()
    {
        try
        {
            while (await socket.ReceiveAsync(_buffer.AsMemory(_length)).ConfigureAwait(false) is > 0 and var count)
            {
                _length += count;
                if (!Parse())
                    return;
                if (_length == _buffer.Length)
                    Array.Resize(ref _buffer, _length < LongestUnit ? 4 * _length : throw new InvalidDataException("That never ends."));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidDataException)
        {
            // It has left, or speaks nothing that is known here.
        }
        finally
        {
            if (_publishes)
                _broadcast!.End();
            else
                _broadcast?.Remove(this);
        }
    }

    public void Dispose() => socket.Dispose();

    /// <summary>Sends an access unit, if the socket takes it now.</summary>
    public void Send(ReadOnlySpan<byte> unit)
    {
        try
        {
            if (_rest is not null && !SendRest())
                return;
            var sent = socket.Send(unit, SocketFlags.None, out var error);
            if (error == SocketError.Success && sent < unit.Length)
                _rest = unit[sent..].ToArray();
            else if (error is not (SocketError.Success or SocketError.WouldBlock))
                socket.Dispose();
        }
        catch (ObjectDisposedException)
        {
            // It left a moment ago: that must not end the publisher, on whose thread this is.
        }
    }

    private bool SendRest()
    {
        var sent = socket.Send(_rest!, SocketFlags.None, out var error);
        if (error != SocketError.Success)
            return false;
        _rest = sent < _rest!.Length ? _rest[sent..] : null;
        return _rest is null;
    }

    // False when it shall end. What is not used yet moves to the buffer's start, after the unit under way.
    private bool Parse()
    {
        var start = 0; // of the unit under way
        var position = _unit;
        while (position < _length)
        {
            var rest = _buffer.AsSpan(position, _length - position);
            if (rest[0] == '$')
            {
                if (rest.Length < 4 || rest.Length < 4 + BinaryPrimitives.ReadUInt16BigEndian(rest[2..]))
                    break;
                var packet = rest[..(4 + BinaryPrimitives.ReadUInt16BigEndian(rest[2..]))];
                if (_publishes)
                    TakePacket(packet, ref start, position);
                position += packet.Length;
                if (!_publishes || (packet[1] % 2 == 0 && packet.Length > 5 && (packet[5] & 0x80) != 0))
                    EndUnit(ref start, position);
                continue;
            }

            var end = rest.IndexOf("\r\n\r\n"u8);
            if (end < 0)
                break;
            var request = Encoding.UTF8.GetString(rest[..end]);
            var length = end + 4 + (Header(request, "Content-Length") is { } text && ushort.TryParse(text, out var number) ? number : 0);
            if (rest.Length < length)
                break;
            EndUnit(ref start, position);
            if (!Answer(request, Encoding.UTF8.GetString(rest[(end + 4)..length])))
                return false;
            position += length;
            start = position;
        }

        _unit = position - start;
        _buffer.AsSpan(start, _length - start).CopyTo(_buffer);
        _length -= start;
        return true;
    }

    // Of RTP, on even channels, another timestamp or channel begins another unit; RTCP goes with what is under way or comes next.
    private void TakePacket(ReadOnlySpan<byte> packet, ref int start, int position)
    {
        if (packet[1] % 2 != 0 || packet.Length < 4 + 12)
            return;
        var timestamp = BinaryPrimitives.ReadUInt32BigEndian(packet[8..]);
        if (_channel >= 0 && (timestamp != _timestamp || packet[1] != _channel))
            EndUnit(ref start, position);
        if (_channel < 0)
            (_channel, _timestamp, _isKeyframe) = (packet[1], timestamp, _broadcast!.StartsAt(packet[1], packet[16..]));
    }

    private void EndUnit(ref int start, int end)
    {
        if (_publishes && end > start)
            _broadcast!.Send(_buffer.AsSpan(start, end - start), _isKeyframe);
        start = end;
        (_channel, _isKeyframe) = (-1, false);
    }

    private bool Answer(string request, string body)
    {
        var words = request.Split(' ', 3);
        if (words.Length < 3 || !Uri.TryCreate(words[1], UriKind.Absolute, out var url))
            throw new InvalidDataException("This is no request.");
        switch (words[0])
        {
            case "OPTIONS":
                Reply("200 OK", "Public: OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, GET_PARAMETER, TEARDOWN\r\n");
                break;
            case "ANNOUNCE":
                _broadcast = new Broadcast(relay, url.AbsolutePath, body);
                _publishes = relay.Broadcasts.TryAdd(url.AbsolutePath, _broadcast);
                Reply(_publishes ? "200 OK" : "403 Forbidden");
                return _publishes;
            case "DESCRIBE" when relay.Broadcasts.TryGetValue(url.AbsolutePath.TrimEnd('/'), out _broadcast):
                Reply("200 OK", $"Content-Type: application/sdp\r\nContent-Base: {words[1].TrimEnd('/')}/\r\n", _broadcast.Description);
                break;
            case "SETUP" when _broadcast is not null:
                SetUp(url, Header(request, "Transport") ?? "");
                break;
            case "PLAY" when _broadcast is not null:
                socket.Blocking = false;
                Reply("200 OK", "Session: 1\r\n");
                _broadcast.Add(this);
                break;
            case "RECORD" or "GET_PARAMETER" or "SET_PARAMETER":
                Reply("200 OK", "Session: 1\r\n");
                break;
            case "TEARDOWN":
                Reply("200 OK");
                return false;
            default:
                Reply("404 Not Found");
                break;
        }

        return true;

        void Reply(string status, string headers = "", string content = "")
        {
            if (_rest is not null)
                return; // it would stand within a packet
            var length = content.Length > 0 ? $"Content-Length: {Encoding.UTF8.GetByteCount(content)}\r\n" : "";
            socket.Send(Encoding.UTF8.GetBytes($"RTSP/1.0 {status}\r\nCSeq: {Header(request, "CSeq")}\r\n{headers}{length}\r\n{content}"));
        }

        // All viewers have their publisher's channels, whatever they ask for: they get the same bytes.
        void SetUp(Uri track, string transport)
        {
            var index = _broadcast!.IndexOf(track);
            if (Numbers(transport, "client_port=") is var (first, second) && !_publishes)
            {
                var (channel, _) = _broadcast.Channels[index];
                var address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
                Addresses ??= new SocketAddress?[256];
                Addresses[channel] = new IPEndPoint(address, first).Serialize();
                Addresses[channel + 1] = new IPEndPoint(address, second).Serialize();
                var ports = $"client_port={first}-{second};server_port={_broadcast.OpenPorts()}";
                Reply("200 OK", $"Session: 1\r\nTransport: RTP/AVP;unicast;{ports}\r\n");
                return;
            }

            if (_publishes)
                _broadcast.Channels[index] = Numbers(transport, "interleaved=") ?? ((index * 2) & 0xFE, ((index * 2) & 0xFE) + 1);
            var (even, odd) = _broadcast.Channels[index];
            Reply("200 OK", $"Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved={even}-{odd}\r\n");
        }
    }

    private static string? Header(string request, string name) => Array.Find(
        request.Split("\r\n"), line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();

    private static (int First, int Second)? Numbers(string transport, string name) =>
        Array.Find(transport.Split(';'), part => part.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Split('-')
            is [var one, var other] && ushort.TryParse(one, out var first) && ushort.TryParse(other, out var second)
            ? (first, second)
            : null;
}
