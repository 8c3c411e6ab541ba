using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MediaGraph.Transport;

namespace MediaGraph.Testing.Tapo;

/// <summary>A Kasa camera, by HTTPS on a free port of the loopback address. It sends its frames in real time.</summary>
public sealed class KasaEmulator : IAsyncDisposable
{
    private const string User = "me@example.org";
    private const string Password = "Cam-Pass-2024!";
    private const string Sets = "000000016742c01ed90141fb0110000003001000000301e0f162e4800000000168ebe3cb22c0";

    private readonly bool _isChunked;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly TlsServerCertificate _tls;
    private readonly Task _serving;
    private int _sessions;

    public KasaEmulator(TestCertificate certificate, bool isChunked)
    {
        _isChunked = isChunked;
        _tls = new TlsServerCertificate(certificate.Server);
        _listener.Start();
        _serving = Task.Run(AcceptAsync);
    }

    public string Url => UrlOf(Password);

    /// <summary>Sessions that are logged in now.</summary>
    public int Sessions => Volatile.Read(ref _sessions);

    public string UrlOf(string password) =>
        $"kasa://{Uri.EscapeDataString(User)}:{Uri.EscapeDataString(password)}@127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/https/stream/mixed";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _listener.Stop();
        await _tls.DisposeAsync();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
                serving.Add(ServeAsync(new SocketTransport(await _listener.AcceptSocketAsync(_stop.Token))));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(SocketTransport socket)
    {
        await using var transport = new TlsTransport(socket, _tls);
        try
        {
            await transport.OpenAsync(_stop.Token);
            var request = await ReadHeadAsync(transport);
            var password = Convert.ToBase64String(Encoding.UTF8.GetBytes(Password));
            var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{password}"));
            var isRight = request.StartsWith("GET /https/stream/mixed HTTP/1.1\r\n", StringComparison.Ordinal) &&
                request.Contains($"Authorization: Basic {credentials}\r\n", StringComparison.Ordinal);
            if (!isRight)
            {
                await transport.SendAsync("HTTP/1.0 401 Unauthorized\r\n\r\n"u8.ToArray(), _stop.Token);
                return;
            }

            Interlocked.Increment(ref _sessions);
            try
            {
                await SendAsync(transport);
            }
            finally
            {
                Interlocked.Decrement(ref _sessions);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or TlsHandshakeException)
        {
            // The client is gone, or the camera is.
        }
    }

    private static async Task<string> ReadHeadAsync(TlsTransport transport)
    {
        while (true)
        {
            var result = await transport.Input.ReadAsync();
            var text = Encoding.Latin1.GetString(result.Buffer);
            transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (text.EndsWith("\r\n\r\n", StringComparison.Ordinal) || result.IsCompleted)
                return text;
        }
    }

    private async Task SendAsync(TlsTransport transport)
    {
        await transport.SendAsync("HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=data-boundary--\r\n\r\n"u8.ToArray(), _stop.Token);
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        for (var frame = 0; ; frame++)
        {
            var time = (1_700_000_000 + (frame / 50.0)).ToString("0.000000", CultureInfo.InvariantCulture);
            var picture = frame % 10 == 0 ? Sets + "000000016588AABB" : "00000001419ACCDD";
            await SendPartAsync(transport, "video/x-h264", time, Convert.FromHexString(picture));
            await SendPartAsync(transport, "audio/g711u", time, new byte[160]);
            await ticks.WaitForNextTickAsync(_stop.Token);
        }
    }

    private async Task SendPartAsync(TlsTransport transport, string type, string time, byte[] body)
    {
        byte[] part =
        [
            .. Encoding.Latin1.GetBytes($"--data-boundary--\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\nX-Timestamp: {time}\r\n\r\n"),
            .. body, (byte)'\r', (byte)'\n',
        ];
        if (!_isChunked)
        {
            await transport.SendAsync(part, _stop.Token);
            return;
        }

        // Chunks that know nothing of the parts.
        foreach (var chunk in part.Chunk(50))
            await transport.SendAsync((byte[])[.. Encoding.Latin1.GetBytes($"{chunk.Length:x}\r\n"), .. chunk, (byte)'\r', (byte)'\n'],
                _stop.Token);
    }
}
