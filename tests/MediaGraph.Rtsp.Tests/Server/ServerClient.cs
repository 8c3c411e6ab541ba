using System.Buffers;
using System.Globalization;
using System.Text;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

/// <summary>
/// A raw client: it sends what it is told to, right or wrong, can stop at any byte, and collects what it receives, in order.
/// </summary>
internal sealed class ServerClient : IAsyncDisposable
{
    private readonly ITransport _transport;
    private readonly Lock _itemsLock = new(); // guards the fields below
    private readonly List<(RtspResponse? Response, int Channel, byte[] Payload)> _items = [];
    private bool _ended;
    private RtspReadError? _error;

    private readonly Task _pump;
    private uint _cseq;

    public ServerClient(ITransport transport, MemoryTransport? server = null)
    {
        _transport = transport;
        Server = server;
        _pump = Task.Run(PumpAsync);
    }

    /// <summary>The server's end, in memory.</summary>
    public MemoryTransport? Server { get; }

    public ITransport Transport => _transport;

    /// <summary>What the server said the session is, which requests repeat; null before.</summary>
    public string? Session { get; set; }

    /// <summary>Answers and frames in their order.</summary>
    public IReadOnlyList<(RtspResponse? Response, int Channel, byte[] Payload)> Items
    {
        get
        {
            lock (_itemsLock)
                return [.. _items];
        }
    }

    public IReadOnlyList<RtspResponse> Responses => [.. Items.Select(item => item.Response).OfType<RtspResponse>()];

    public IReadOnlyList<byte[]> FramesOf(int channel) => [.. Items.Where(i => i.Response is null && i.Channel == channel).Select(i => i.Payload)];

    /// <summary>Whether the server has ended the connection, in whatever way.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_itemsLock)
                return _ended;
        }
    }

    /// <summary>What the server sent that is no RTSP; null for nothing.</summary>
    public RtspReadError? Error
    {
        get
        {
            lock (_itemsLock)
                return _error;
        }
    }

    public string Url(string name = "live/cam") => $"rtsp://server/{name}";

    public async Task SendAsync(string text) => await _transport.SendAsync(Encoding.Latin1.GetBytes(text), CancellationToken.None);

    public async Task SendFrameAsync(byte channel, byte[] payload) => await _transport.SendAsync(
        (byte[])[(byte)'$', channel, (byte)(payload.Length >> 8), (byte)payload.Length, .. payload], CancellationToken.None);

    /// <summary>A request as text, with the next CSeq.</summary>
    public string Request(string method, string uri, string headers = "", string body = "")
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{method} {uri} RTSP/1.0\r\nCSeq: {++_cseq}\r\n");
        if (Session is not null && !headers.Contains("Session:", StringComparison.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"Session: {Session}\r\n");
        if (headers.Length > 0)
            text.Append(headers).Append("\r\n");
        if (body.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
        return text.Append("\r\n").Append(body).ToString();
    }

    /// <summary>Asks, and waits for the answer.</summary>
    public async Task<RtspResponse> AskAsync(string method, string uri, string headers = "", string body = "")
    {
        await SendAsync(Request(method, uri, headers, body));
        var cseq = _cseq;
        await Eventually.Async(
            () => HasEnded || Responses.Any(r => r.CSeq == cseq), $"an answer to {method} (only {string.Join(", ", Responses)})");
        var response = Responses.FirstOrDefault(r => r.CSeq == cseq) ?? throw new AssertionException($"no answer to {method}");
        if (RtspSessionId.TryParse(response.Headers[RtspHeaderNames.Session], out var session))
            Session = session.Id;
        return response;
    }

    /// <summary>Asks, and asserts what is answered.</summary>
    public async Task<RtspResponse> ExpectAsync(int status, string method, string uri, string headers = "", string body = "")
    {
        var response = await AskAsync(method, uri, headers, body);
        Assert.That(response.Status, Is.EqualTo(status), $"{method}: {response}");
        return response;
    }

    /// <summary>Sets a track up, interleaved.</summary>
    public Task<RtspResponse> SetUpAsync(string name = "live/cam", int track = 0, string transport = "RTP/AVP/TCP;unicast;interleaved=0-1") =>
        ExpectAsync(200, "SETUP", $"{Url(name)}/trackID={track}", $"Transport: {transport}");

    /// <summary>Announces and sets up a publisher's H.264, interleaved.</summary>
    public async Task AnnounceAsync(string name = "live/cam", string headers = "")
    {
        await ExpectAsync(200, "ANNOUNCE", Url(name), $"Content-Type: application/sdp{headers}", Sdp);
        await ExpectAsync(200, "SETUP", $"{Url(name)}/streamid=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record");
    }

    /// <summary>A description as ffmpeg writes it.</summary>
    public const string Sdp =
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=tool:libavformat\r\n" +
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; " +
        "sprop-parameter-sets=Z2QAKKzZQHgCJ+XARAAAAwAEAAADAMg8YMZY,aOvjyyLA; profile-level-id=640028\r\na=control:streamid=0\r\n";

    /// <summary>Waits for the end of the connection.</summary>
    public Task EndsAsync() => Eventually.Async(() => HasEnded, "the end of the connection");

    public async ValueTask DisposeAsync()
    {
        _transport.Abort(CloseReason.Requested);
        await _pump;
        await _transport.DisposeAsync();
    }

    private async Task PumpAsync()
    {
        var reader = new RtspReader(new RtspLimits());
        try
        {
            while (true)
            {
                var result = await _transport.Input.ReadAsync();
                var buffer = result.Buffer;
                while (reader.TryRead(ref buffer, out var item) && Take(item))
                {
                }

                _transport.Input.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                    break;
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // Cut.
        }

        lock (_itemsLock)
            _ended = true;
    }

    private bool Take(RtspItem item)
    {
        lock (_itemsLock)
        {
            if (item.Error is not null)
                _error = item.Error;
            else
                _items.Add((item.Message as RtspResponse, item.Channel, item.IsInterleaved ? item.Payload.ToArray() : []));
            return item.Error is not { CanContinue: false };
        }
    }
}
