using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Testing;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Tests.Client;

/// <summary>
/// A server's end of a connection. It answers as servers do, unless <see cref="Answer"/> says otherwise, and notes what it was asked.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    public const string Video =
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
        "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z2QAKKzZQHgCJ+XARAAAAwAEAAADAMg8YMZY,aOvjyyLA\r\na=control:trackID=0\r\n";

    public const string Audio = "m=audio 0 RTP/AVP 0\r\na=control:trackID=1\r\n";

    public const string Head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=cam\r\nt=0 0\r\n";

    private readonly MemoryTransport _transport;
    private readonly RtspReader _reader = new(new RtspLimits()) { SkipsGarbage = true };
    private readonly Task _serving;
    private int _sequence;

    public TestServer(MemoryTransport transport, Func<RtspRequest, string?>? answer = null, string? description = null)
    {
        _transport = transport;
        Answer = answer;
        Description = description ?? Head + Video + Audio;
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>The answer to a request: null for the usual one, empty for none. <c>{CSeq}</c> stands for the number.</summary>
    public Func<RtspRequest, string?>? Answer { get; set; }

    public string Description { get; }

    public ConcurrentQueue<RtspRequest> Requests { get; } = new();

    public ConcurrentQueue<RtspResponse> Replies { get; } = new();

    public ConcurrentQueue<(byte Channel, byte[] Payload)> Frames { get; } = new();

    public IEnumerable<string> Methods => Requests.Select(request => request.Method);

    /// <summary>Whether the client has closed the connection.</summary>
    public bool IsOver => _serving.IsCompleted;

    public MemoryTransport Transport => _transport;

    /// <summary>The n-th request of a method, when it has come.</summary>
    public async Task<RtspRequest> ExpectAsync(string method, int number = 1)
    {
        await Eventually.Async(() => Requests.Count(request => request.Method == method) >= number, $"{method} number {number}");
        return Requests.Where(request => request.Method == method).ElementAt(number - 1);
    }

    /// <summary>Waits until the client has read all that was sent, or ends the session.</summary>
    public async Task IsReadAsync()
    {
        var before = Replies.Count;
        await SendAsync("OPTIONS * RTSP/1.0\r\nCSeq: 7777\r\n\r\n");
        await Eventually.Async(() => Replies.Count > before || IsOver || Methods.Contains(RtspMethods.Teardown), "the client's answer");
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(byte[] bytes)
    {
        try
        {
            await _transport.SendAsync(bytes, CancellationToken.None);
        }
        catch (IOException)
        {
            // The client has gone.
        }
    }

    public Task SendFrameAsync(int channel, byte[] payload) => SendAsync(Frame(channel, payload));

    /// <summary>A packet of 20 ms of G.711, or of a small keyframe of H.264.</summary>
    public Task SendMediaAsync(int channel, int payloadType = 0)
    {
        _sequence++;
        var payload = payloadType == 0 ? new byte[160] : [0x65, 0x88, 0x80, 0x10];
        return SendFrameAsync(channel, Rtp(_sequence, payloadType, (uint)(_sequence * 160), payload));
    }

    public static byte[] Frame(int channel, byte[] payload) =>
        [(byte)'$', (byte)channel, (byte)(payload.Length >> 8), (byte)payload.Length, .. payload];

    public static byte[] Rtp(int sequence, int payloadType, uint timestamp, byte[] payload, uint ssrc = 7)
    {
        var packet = new byte[12 + payload.Length];
        packet[0] = 0x80;
        packet[1] = (byte)(0x80 | payloadType);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)sequence);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), ssrc);
        payload.CopyTo(packet, 12);
        return packet;
    }

    public static byte[] Goodbye(uint ssrc = 7)
    {
        byte[] packet = [0x80, 201, 0, 1, 0, 0, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), ssrc);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(12), ssrc);
        return packet;
    }

    public static string Reply(int status, params string[] headers) =>
        string.Create(CultureInfo.InvariantCulture, $"RTSP/1.0 {status} {RtspStatus.ReasonOf(status)}\r\nCSeq: {{CSeq}}\r\n")
        + string.Concat(headers.Select(header => header + "\r\n")) + "\r\n";

    public static string Described(string description, params string[] headers) =>
        "RTSP/1.0 200 OK\r\nCSeq: {CSeq}\r\nContent-Type: application/sdp\r\n" + string.Concat(headers.Select(header => header + "\r\n"))
        + string.Create(CultureInfo.InvariantCulture, $"Content-Length: {description.Length}\r\n\r\n{description}");

    /// <summary>Closes the server's end, as one that has crashed.</summary>
    public void Reset() => _transport.Abort(CloseReason.Requested);

    public async ValueTask DisposeAsync()
    {
        Reset();
        await _serving;
        await _transport.DisposeAsync();
    }

    private string Usual(RtspRequest request) => request.Method switch
    {
        RtspMethods.Options => Reply(200, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"),
        RtspMethods.Describe => Described(Description, $"Content-Base: {request.Uri}/"),
        RtspMethods.Setup => Reply(200, $"Transport: {request.Headers[RtspHeaderNames.Transport]}", "Session: 12345678;timeout=60"),
        _ => request.Headers[RtspHeaderNames.Session] is { } session ? Reply(200, $"Session: {session}") : Reply(200),
    };

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var result = await _transport.Input.ReadAsync();
                var buffer = result.Buffer;
                var answers = new StringBuilder();
                while (_reader.TryRead(ref buffer, out var item) && item.Error is null)
                {
                    if (item.IsInterleaved)
                        Frames.Enqueue((item.Channel, System.Buffers.BuffersExtensions.ToArray(item.Payload)));
                    else if (item.Message is RtspResponse reply)
                        Replies.Enqueue(reply);
                    else if (item.Message is RtspRequest request)
                        answers.Append(Take(request));
                }

                _transport.Input.AdvanceTo(buffer.Start, buffer.End);
                if (answers.Length > 0)
                    await SendAsync(answers.ToString());
                if (result.IsCompleted || result.IsCanceled)
                    return;
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // The client has gone.
        }
    }

    private string Take(RtspRequest request)
    {
        Requests.Enqueue(request);
        var answer = Answer?.Invoke(request) ?? Usual(request);
        return answer.Replace("{CSeq}", request.Headers[RtspHeaderNames.CSeq], StringComparison.Ordinal);
    }
}
