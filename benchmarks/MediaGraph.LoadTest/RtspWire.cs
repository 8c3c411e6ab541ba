using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace MediaGraph.LoadTest;

/// <summary>RTSP 1.0 (RFC 2326) as a client speaks it: it records interleaved on its connection, and plays so or in datagrams.</summary>
/// <param name="client">Whose connection it is.</param>
/// <param name="published">What will be published; null where it plays.</param>
/// <param name="checks">Who checks what comes.</param>
internal sealed class RtspWire(Client client, SyntheticTrack[]? published, TrackCheck[] checks) : IWire
{
    private const int LongestMessage = 64 << 10;

    // Servers forget sessions of which they hear nothing for a minute.
    private static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(20);

    private readonly RtpWriter[] _writers = [.. (published ?? []).Select((track, i) => new RtpWriter(track, i))];
    private readonly RtpTrack[] _tracks = [.. checks.Select(check => new RtpTrack(check, client.Target.IsUdp))];
    private readonly RtpTrack?[] _channels = new RtpTrack?[256];
    private readonly List<DatagramPorts> _ports = [];
    private byte[] _partial = new byte[2048]; // what has come of a message or packet of which the rest has not
    private int _partialLength;
    private byte[] _image = [];
    private RtspResponse? _response;
    private string _url = "";
    private string _session = "";
    private int _sequence;
    private long _keptAliveAt;

    public PacketFaults? Packets => _tracks.Aggregate(default(PacketFaults), (sum, track) => sum + track.Faults);

    public async Task OpenAsync(string name, CancellationToken stop)
    {
        _url = $"{client.Target.Url}/{name}";
        await RequestAsync("OPTIONS", _url, "", stop).ConfigureAwait(false);
        client.SetConnected();
        if (published is null)
            await PlayAsync(stop).ConfigureAwait(false);
        else
            await RecordAsync(stop).ConfigureAwait(false);
        _keptAliveAt = TimeProvider.System.GetTimestamp();
    }

    public void StartReceiving()
    {
        foreach (var ports in _ports)
            ports.StartReceiving();
    }

    public void Parse(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty || _partialLength > 0)
        {
            var whole = _partialLength > 0 ? _partial.AsSpan(0, _partialLength) : bytes;
            var needed = NeededLength(whole);
            if (needed <= whole.Length)
            {
                // What it takes may not come back here: a partial one is over before.
                if (_partialLength == 0)
                    bytes = bytes[needed..];
                _partialLength = 0;
                Take(whole[..needed]);
                continue;
            }

            if (bytes.IsEmpty)
                break;
            var piece = bytes[..Math.Min(needed - _partialLength, bytes.Length)];
            if (_partialLength + piece.Length > _partial.Length)
                Array.Resize(ref _partial, Math.Max(needed, 2 * _partial.Length));
            piece.CopyTo(_partial.AsSpan(_partialLength));
            _partialLength += piece.Length;
            bytes = bytes[piece.Length..];
        }

        if (TimeProvider.System.GetElapsedTime(_keptAliveAt) > KeepAliveInterval && _session.Length > 0)
            KeepAlive();
    }

    public ReadOnlyMemory<byte> WriteParameters(int track) => default; // the description has them

    public ReadOnlyMemory<byte> WriteFrame(int track, TimeSpan time, ReadOnlySpan<byte> frame)
    {
        if (_image.Length == 0)
            _image = new byte[_writers.Max(writer => writer.LongestImage)];
        return _image.AsMemory(0, _writers[track].Write(time, frame, _image));
    }

    public void Dispose()
    {
        foreach (var ports in _ports)
            ports.Dispose();
    }

    private async Task RecordAsync(CancellationToken stop)
    {
        var description = string.Concat(_writers.Select(writer => writer.Describe()));
        description = $"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=load\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n{description}";
        var content = $"Content-Type: application/sdp\r\nContent-Length: {description.Length}\r\n";
        await RequestAsync("ANNOUNCE", _url, content, stop, description).ConfigureAwait(false);
        for (var i = 0; i < _writers.Length; i++)
        {
            var transport = $"Transport: RTP/AVP/TCP;unicast;interleaved={2 * i}-{(2 * i) + 1};mode=record\r\n";
            await RequestAsync("SETUP", $"{_url}/streamid={i}", transport, stop).ConfigureAwait(false);
        }

        await RequestAsync("RECORD", _url, "Range: npt=0.000-\r\n", stop).ConfigureAwait(false);
    }

    private async Task PlayAsync(CancellationToken stop)
    {
        var described = await RequestAsync("DESCRIBE", _url, "Accept: application/sdp\r\n", stop).ConfigureAwait(false);
        var media = DescribedMedia.Parse(described.Body, described.Header("Content-Base") ?? _url);
        for (var i = 0; i < media.Count; i++)
        {
            var track = Array.FindIndex(checks, check => check.Track.IsVideo == media[i].IsVideo);
            if (track >= 0)
            {
                foreach (var set in media[i].ParameterSets)
                    checks[track].TakeParameterSet(set);
            }

            await SetUpAsync(i, media[i].Url, track < 0 ? null : _tracks[track], stop).ConfigureAwait(false);
        }

        if (checks.Any(check => !media.Any(one => one.IsVideo == check.Track.IsVideo)))
            throw new IOException("The server does not describe all that is published.");
        await RequestAsync("PLAY", _url, "Range: npt=0.000-\r\n", stop).ConfigureAwait(false);
    }

    private async Task SetUpAsync(int index, string url, RtpTrack? track, CancellationToken stop)
    {
        if (client.Target.IsUdp)
        {
            // Before it is asked for: packets may come before the answer.
            var ports = DatagramPorts.Bind(client.Target.EndPoint.Address, packet => TakeDatagram(track, packet), e => client.Failure = e);
            _ports.Add(ports);
            var udp = $"Transport: RTP/AVP;unicast;client_port={ports.Port}-{ports.Port + 1}\r\n";
            await RequestAsync("SETUP", url, udp, stop).ConfigureAwait(false);
            return;
        }

        var tcp = $"Transport: RTP/AVP/TCP;unicast;interleaved={2 * index}-{(2 * index) + 1}\r\n";
        var response = await RequestAsync("SETUP", url, tcp, stop).ConfigureAwait(false);
        var transport = response.Header("Transport") ?? "";
        var channels = Array.Find(transport.Split(';'), part => part.StartsWith("interleaved=", StringComparison.Ordinal));
        if (!byte.TryParse(channels?[12..].Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var channel))
            throw new IOException($"The server's Transport names no channel: {transport}");
        _channels[channel] = track;
    }

    private void TakeDatagram(RtpTrack? track, ReadOnlySpan<byte> packet)
    {
        track?.Take(packet);
        if (TimeProvider.System.GetElapsedTime(_keptAliveAt) > KeepAliveInterval)
            KeepAlive();
    }

    private void KeepAlive()
    {
        _keptAliveAt = TimeProvider.System.GetTimestamp();
        client.SendAnswer(MakeRequest("OPTIONS", _url, "").Span);
    }

    private async Task<RtspResponse> RequestAsync(string method, string url, string headers, CancellationToken stop, string body = "")
    {
        _response = null;
        await client.SendAsync(MakeRequest(method, url, headers, body), stop).ConfigureAwait(false);
        while (_response is null)
            await client.ReceiveAsync(stop).ConfigureAwait(false);
        if (_response.Status != 200)
            throw new IOException($"The server refused {method}: {_response.StatusLine}");
        if (_response.Header("Session") is { } session)
            _session = session.Split(';')[0];
        return _response;
    }

    private ReadOnlyMemory<byte> MakeRequest(string method, string url, string headers, string body = "")
    {
        var session = _session.Length > 0 ? $"Session: {_session}\r\n" : "";
        return Encoding.ASCII.GetBytes($"{method} {url} RTSP/1.0\r\nCSeq: {++_sequence}\r\n{session}{headers}\r\n{body}");
    }

    // At least; once so many are there, it may be more.
    private static int NeededLength(ReadOnlySpan<byte> bytes)
    {
        if (bytes[0] == '$')
            return bytes.Length < 4 ? 4 : 4 + BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (bytes.Length > LongestMessage || !char.IsAsciiLetterUpper((char)bytes[0]))
            throw new InvalidDataException("What comes is neither a message nor a packet.");
        var end = bytes.IndexOf("\r\n\r\n"u8);
        return end < 0 ? bytes.Length + 1 : end + 4 + RtspResponse.Parse(bytes[..end]).ContentLength;
    }

    private void Take(ReadOnlySpan<byte> whole)
    {
        if (whole[0] == '$')
            _channels[whole[1]]?.Take(whole[4..]);
        else if (whole.StartsWith("RTSP/"u8))
            _response = RtspResponse.Parse(whole);
    }
}
