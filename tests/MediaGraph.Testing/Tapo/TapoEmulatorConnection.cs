using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MediaGraph.Containers.MpegTs;
using MediaGraph.Graph;
using MediaGraph.Transport;

namespace MediaGraph.Testing.Tapo;

/// <summary>A connection of the emulator: logins, then parts.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The end of its run disposes of what it owns.")]
internal sealed class TapoEmulatorConnection
{
    private const string Realm = "TP-Link IP-Camera";
    private const string ClientDelimiter = "----client-stream-boundary--";
    private const string DeviceDelimiter = "----device-stream-boundary--";
    private const string Salt = "fedcba9876543210fedcba9876543210";

    private static int _sessionNumbers; // of the whole process: they only have to differ

    private readonly TapoEmulator _camera;
    private readonly ITransport _transport;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _over = new();
    private readonly MpegTsReader _talkReader = new();
    private readonly string _keyNonce = Nonce();
    private string? _nonce;
    private Task _media = Task.CompletedTask;

    public TapoEmulatorConnection(TapoEmulator camera, ITransport transport)
    {
        _camera = camera;
        _transport = transport;
    }

    public bool IsLoggedIn { get; private set; }

    public bool IsPreview { get; private set; }

    public bool IsTalk { get; private set; }

    private TapoEmulatorOptions Options => _camera.Options;

    private TapoBehaviour Behaviour => _camera.Behaviour;

    public void Abort() => _transport.Abort(new CloseReason(CloseCode.Requested, "switched off"));

    public async Task RunAsync()
    {
        try
        {
            if (Behaviour == TapoBehaviour.SaysNothing)
                await ReadToEndAsync();
            else if (await LogInAsync())
                await ReadPartsAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone, or the camera is.
        }
        finally
        {
            await _over.CancelAsync();
            await _media;
            EndTalk();
            (IsLoggedIn, IsPreview) = (false, false);
            await _transport.DisposeAsync();
            _over.Dispose();
            _sending.Dispose();
        }
    }

    // ---- The login ------------------------------------------------------------------------------------------------------------

    private async Task<bool> LogInAsync()
    {
        for (var requests = 1; ; requests++)
        {
            if (await ReadLineAsync() is not { } line)
                return false;
            var uri = line.Split(' ')[1];
            var headers = await ReadHeadersAsync();
            if (requests > 1 && Options.IgnoresSecondRequest)
            {
                await ReadToEndAsync();
                return false;
            }

            if (!Options.AsksForPassword || IsRight(headers, uri))
            {
                await BeginAsync();
                return true;
            }

            if (headers.ContainsKey("authorization"))
            {
                Interlocked.Increment(ref _camera.Counts.LoginsRefused);
                await ReadPartAsync(); // what came with it
            }

            await AskAsync();
            if (Options.ClosesAfter401)
            {
                _transport.CompleteOutput();
                return false;
            }
        }
    }

    private bool IsRight(Dictionary<string, string> headers, string uri)
    {
        var expected = Options.DeviceId is null ? "/stream" : $"/stream?deviceId={Options.DeviceId}";
        // A nonce counts once, on whatever connection.
        return Behaviour != TapoBehaviour.RefusesLogins && headers.TryGetValue("authorization", out var authorization) && uri == expected &&
            _camera.Nonces.TryRemove(NonceOf(authorization), out _) &&
            TapoEmulatorSecurity.Verify(Options, authorization, NonceOf(authorization), uri);
    }

    private static string NonceOf(string authorization)
    {
        var start = authorization.IndexOf(" nonce=\"", StringComparison.Ordinal);
        return start < 0 ? "" : authorization[(start + 8)..].Split('"')[0];
    }

    private async Task AskAsync()
    {
        _nonce = Nonce();
        _camera.Nonces[_nonce] = true;
        var challenge = $"Digest realm=\"{Realm}\",qop=\"auth\",nonce=\"{_nonce}\",opaque=\"{Nonce()}\",algorithm=\"{Options.DigestAlgorithm}\"" +
            (Options.SaysSha256 ? ",encrypt_type=\"3\"" : "");
        await SendAsync(
            $"HTTP/1.1 401 Unauthorized\r\n{(Options.DeclaresBody ? "Content-Length: 14\r\n" : "")}Connection: close\r\n" +
            $"WWW-Authenticate: {challenge}\r\n\r\nHTTP ERROR 401");
    }

    private async Task BeginAsync()
    {
        IsLoggedIn = true;
        if (Options.HoldsAnswerBack)
            return;
        await SendAnswerAsync();
    }

    private Task SendAnswerAsync()
    {
        var user = Options.AsksForPassword ? "admin" : "none";
        var keys = Options.Keys switch
        {
            TapoKeys.Md5 => $"Key-Exchange: cipher=\"AES_128_CBC\" username=\"{user}\" padding=\"PKCS7_16\" algorithm=\"MD5\" encrypt_type=\"3\" nonce=\"{_keyNonce}\"\r\n",
            TapoKeys.Hkdf => $"Key-Exchange: cipher=\"AES_128_CBC\" username=\"{user}\" padding=\"PKCS7_16\" algorithm=\"HKDF\" salt=\"{Salt}\" nonce=\"{_keyNonce}\"\r\n",
            _ => "",
        };
        var body = Options.AnswerBody ?? "";
        return SendAsync(
            "HTTP/1.0 200 OK\r\nServer: streamd\r\nContent-Type: multipart/mixed;boundary=--device-stream-boundary--\r\n" + keys +
            (body.Length > 0 ? $"Content-Length: {body.Length}\r\n" : "") + $"Connection: close\r\n\r\n{body}");
    }

    // ---- Parts ----------------------------------------------------------------------------------------------------------------

    private async Task ReadPartsAsync()
    {
        var isFirst = true;
        while (await ReadPartAsync() is var (headers, body))
        {
            if (isFirst && Options.HoldsAnswerBack)
                await SendAnswerAsync();
            isFirst = false;
            if (Behaviour == TapoBehaviour.SilentAfterLogin)
                continue;
            if (headers["content-type"] == "application/json")
                await AnswerAsync(Encoding.UTF8.GetString(body));
            else if (IsTalk && headers["content-type"] == "audio/mp2t" && headers.GetValueOrDefault("x-session-id") == _session)
                Hear(body);
        }
    }

    private string _session = "";

    private async Task AnswerAsync(string json)
    {
        _camera.Requests.Enqueue(json);
        if (Behaviour == TapoBehaviour.SendsBadMessage)
        {
            await SendPartAsync("application/json", "{\"type\":\"response\",\"seq\":"u8.ToArray());
            return;
        }

        using var document = JsonDocument.Parse(json);
        var sequence = document.RootElement.GetProperty("seq").GetInt32();
        var parameters = document.RootElement.GetProperty("params");
        if (parameters.TryGetProperty("stop", out _))
        {
            Interlocked.Increment(ref _camera.Counts.Stops);
            EndTalk();
            IsPreview = false;
            await _over.CancelAsync();
            return;
        }

        var isPreview = parameters.TryGetProperty("preview", out _);
        var error = isPreview ? Options.PreviewError : ErrorOfTalk(parameters.GetProperty("talk").GetProperty("mode").GetString()!);
        var media = new TapoEmulatorMedia(Options);
        if (isPreview && error == 0 && Options.SendsMediaFirst)
        {
            await SendMediaAsync(media.Tables());
            await SendMediaAsync(media.Next());
        }

        if (error == 0)
            _session = Interlocked.Increment(ref _sessionNumbers).ToString(CultureInfo.InvariantCulture);
        await SendPartAsync("application/json", Encoding.UTF8.GetBytes(error == 0
            ? $"{{\"type\":\"response\",\"seq\":{sequence},\"params\":{{\"error_code\":0,\"session_id\":\"{_session}\"}}}}"
            : $"{{\"type\":\"response\",\"seq\":{sequence},\"params\":{{\"error_code\":{error}}}}}"));
        if (error != 0)
            return;
        if (isPreview)
        {
            IsPreview = true;
            Interlocked.Increment(ref _camera.Counts.Previews);
            _media = SendMediaAsync(media);
        }
        else
        {
            IsTalk = true;
            Interlocked.Increment(ref _camera.Counts.Talks);
        }
    }

    private int ErrorOfTalk(string mode)
    {
        if (Options.TalkError != 0)
            return Options.TalkError;
        if (mode == "aec" && Options.AecError != 0)
            return Options.AecError;
        return _camera.TryTalk(this) ? 0 : -52411;
    }

    private void EndTalk()
    {
        _camera.EndTalk(this); // also where the answer that granted it could not be sent any more
        IsTalk = false;
    }

    private void Hear(byte[] packets)
    {
        var times = new List<long>();
        void Take(scoped in MpegTsUnit unit)
        {
            times.Add(unit.PresentationTime ?? -1);
            _camera.Hear(unit.Data);
        }

        _talkReader.Read(packets, Take);
        if (times.Count > 0)
            _camera.TalkParts.Enqueue((packets.Length, [.. times]));
    }

    // ---- Media ----------------------------------------------------------------------------------------------------------------

    private async Task SendMediaAsync(TapoEmulatorMedia media)
    {
        try
        {
            if (Behaviour == TapoBehaviour.BeginsWithScraps)
            {
                await SendPartAsync("video/mp2t", []);
                await SendPartAsync("video/mp2t", new byte[100]);
            }

            if (!Options.SendsMediaFirst)
                await SendMediaAsync(media.Tables());
            using var ticks = new PeriodicTimer(Options.FrameInterval, Options.TimeProvider);
            do
                await SendMediaAsync(media.Next());
            while (await ticks.WaitForNextTickAsync(_over.Token));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The session is over.
        }
    }

    private async Task SendMediaAsync(byte[] packets)
    {
        var length = Options.PartLength == 0 ? packets.Length : Options.PartLength;
        foreach (var part in packets.Chunk(length))
            await SendMediaPartAsync(part);
    }

    private Task SendMediaPartAsync(byte[] plain)
    {
        switch (Behaviour)
        {
            case TapoBehaviour.SendsNoMedia:
            case TapoBehaviour.SilentAfterLogin:
                return Task.CompletedTask;
            case TapoBehaviour.SendsGarbage:
                return SendAsync(RandomNumberGenerator.GetBytes(8_192));
            case TapoBehaviour.HalfCloses:
                return CloseAsync();
            case TapoBehaviour.Resets:
                Abort();
                return Task.CompletedTask;
            case TapoBehaviour.Answers401InTheMiddle:
                return SendAsync("HTTP/1.1 401 Unauthorized\r\nContent-Length: 14\r\n\r\nHTTP ERROR 401");
            case TapoBehaviour.SaysFinished:
                return SendPartAsync(
                    "application/json",
                    "{\"type\":\"notification\",\"params\":{\"event_type\":\"stream_status\",\"status\":\"finished\"}}"u8.ToArray());
            case TapoBehaviour.SendsEmptyPart:
                return SendPartAsync("video/mp2t", [], "X-If-Encrypt: 1\r\n");
            case TapoBehaviour.SendsOddPart:
                return SendPartAsync("video/mp2t", new byte[17], "X-If-Encrypt: 1\r\n");
            case TapoBehaviour.AnnouncesHugePart:
                return SendAsync($"{DeviceDelimiter}\r\nContent-Type: video/mp2t\r\nContent-Length: {int.MaxValue}\r\n\r\nabc");
            case TapoBehaviour.AnnouncesNegativePart:
                return SendAsync($"{DeviceDelimiter}\r\nContent-Type: video/mp2t\r\nContent-Length: -5\r\n\r\nabc");
        }

        if (Behaviour == TapoBehaviour.SendsNullPackets)
        {
            plain = new byte[MpegTsReader.PacketLength];
            (plain[0], plain[1], plain[2], plain[3]) = (0x47, 0x1F, 0xFF, 0x10);
        }

        var (headers, body) = Behaviour == TapoBehaviour.SendsBadPadding
            ? Encrypt(new byte[192], PaddingMode.None) // no padding ends in a zero
            : Encrypt(plain);
        switch (Behaviour)
        {
            case TapoBehaviour.StallsInMidPart:
            case TapoBehaviour.ClosesInMidPart:
                return SendHalfAsync(headers, body);
            case TapoBehaviour.DamagesFraming:
                return SendDamagedAsync(headers, body);
            default:
                return SendPartAsync("video/mp2t", body, headers);
        }
    }

    private async Task SendDamagedAsync(string headers, byte[] body)
    {
        await SendAsync($"{DeviceDelimiter}\r\nContent-Type: video/mp2t\r\nCont");
        await SendPartAsync("video/mp2t", body, headers);
        await SendAsync("more than was announced\r\n");
        await SendPartAsync("text/plain", "unknown"u8.ToArray());
    }

    private async Task SendHalfAsync(string headers, byte[] body)
    {
        var part = Part("video/mp2t", body, headers);
        await SendAsync(part[..(part.Length / 2)]);
        if (Behaviour == TapoBehaviour.ClosesInMidPart)
            await CloseAsync();
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _over.Token);
    }

    private async Task CloseAsync()
    {
        await _sending.WaitAsync(_over.Token);
        _transport.CompleteOutput();
        _sending.Release();
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _over.Token);
    }

    private (string Headers, byte[] Body) Encrypt(byte[] plain, PaddingMode padding = PaddingMode.PKCS7)
    {
        if (Options.Keys == TapoKeys.Plain)
            return ("X-If-Encrypt: 0\r\n", plain);
        var secret = TapoEmulatorSecurity.KeySecret(Options);
        using var aes = Aes.Create();
        if (Options.Keys == TapoKeys.Md5)
        {
            var (key, vector) = TapoEmulatorSecurity.Md5Keys(Options.AsksForPassword ? "admin" : "none", _keyNonce, secret);
            aes.Key = key;
            var encrypted = aes.EncryptCbc(plain, vector, padding);
            if (Behaviour == TapoBehaviour.UsesAnotherKey)
            {
                do // until what the right key makes of it does not look padded by chance
                {
                    aes.Key = RandomNumberGenerator.GetBytes(16);
                    encrypted = aes.EncryptCbc(plain, vector);
                    aes.Key = key;
                }
                while (aes.DecryptCbc(encrypted, vector, PaddingMode.None)[^1] is > 0 and <= 16);
            }

            return ("X-If-Encrypt: 1\r\n", encrypted);
        }

        (aes.Key, var hmacKey) = TapoEmulatorSecurity.HkdfKeys(_keyNonce, secret, Salt);
        var nonce = RandomNumberGenerator.GetBytes(16);
        var body = aes.EncryptCbc(plain, nonce, padding);
        if (Behaviour == TapoBehaviour.SignsWrongly)
            hmacKey[0] ^= 1;
        var headers = $"X-If-Encrypt: 1\r\nX-Nonce: {Convert.ToHexStringLower(nonce)}\r\n";
        if (Behaviour != TapoBehaviour.SignsNothing)
            headers += $"X-Data-Hmac: {Convert.ToBase64String(HMACSHA256.HashData(hmacKey, body))}\r\n";
        return (headers, body);
    }

    // ---- The wire -------------------------------------------------------------------------------------------------------------

    private static string Nonce() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private static byte[] Part(string type, byte[] body, string headers) =>
    [
        .. Encoding.Latin1.GetBytes($"{DeviceDelimiter}\r\nContent-Type: {type}\r\n{headers}Content-Length: {body.Length}\r\n\r\n"),
        .. body, (byte)'\r', (byte)'\n',
    ];

    private Task SendPartAsync(string type, byte[] body, string headers = "X-If-Encrypt: 0\r\n") => SendAsync(Part(type, body, headers));

    private Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    private async Task SendAsync(byte[] bytes)
    {
        await _sending.WaitAsync(_over.Token);
        try
        {
            await _transport.SendAsync(bytes, _over.Token);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task<(Dictionary<string, string> Headers, byte[] Body)?> ReadPartAsync()
    {
        string? line;
        do
        {
            line = await ReadLineAsync();
            if (line is null)
                return null;
        }
        while (line != ClientDelimiter);

        var headers = await ReadHeadersAsync();
        var body = await ReadAsync(int.Parse(headers["content-length"], CultureInfo.InvariantCulture));
        if (headers["content-type"] == "application/json" && await ReadLineAsync() != "")
            throw new IOException("a message without its line end is never answered");
        return (headers, body);
    }

    private async Task<Dictionary<string, string>> ReadHeadersAsync()
    {
        var headers = new Dictionary<string, string>();
        while (await ReadLineAsync() is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon].ToLowerInvariant()] = line[(colon + 1)..].Trim();
        }

        return headers;
    }

    private async Task<string?> ReadLineAsync()
    {
        while (true)
        {
            var result = await _transport.Input.ReadAsync(_camera.Stopping);
            if (System.Buffers.BuffersExtensions.PositionOf(result.Buffer, (byte)'\n') is { } end)
            {
                var line = Encoding.Latin1.GetString(result.Buffer.Slice(0, end)).TrimEnd('\r');
                _transport.Input.AdvanceTo(result.Buffer.GetPosition(1, end));
                return line;
            }

            _transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted || result.IsCanceled)
                return null;
        }
    }

    private async Task<byte[]> ReadAsync(int length)
    {
        var result = await _transport.Input.ReadAtLeastAsync(length, _camera.Stopping);
        if (result.Buffer.Length < length)
            throw new IOException("the client has closed");
        var bytes = System.Buffers.BuffersExtensions.ToArray(result.Buffer.Slice(0, length));
        _transport.Input.AdvanceTo(result.Buffer.GetPosition(length));
        return bytes;
    }

    private async Task ReadToEndAsync()
    {
        while (await ReadLineAsync() is not null)
        {
            // Nobody answers.
        }
    }
}
