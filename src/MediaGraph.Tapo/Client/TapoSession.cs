using System.Buffers;
using MediaGraph.Tapo.Control;
using MediaGraph.Tapo.Multipart;
using MediaGraph.Tapo.Security;

namespace MediaGraph.Tapo.Client;

/// <summary>A connection that is logged in: parts come and go.</summary>
internal sealed class TapoSession : IAsyncDisposable
{
    private readonly MultipartReader _parts;
    private readonly PartCipher? _cipher;
    private byte[] _contiguous = [];
    private byte[] _plain = [];
    private int _sequence = 1; // of the request that the connection was opened with

    public TapoSession(CameraConnection camera, string boundary, PartCipher? cipher, TapoOptions options)
    {
        Camera = camera;
        _parts = new MultipartReader(camera, boundary, options.MaxPartBytes);
        _cipher = cipher;
    }

    public CameraConnection Camera { get; }

    /// <summary>The number of the last request.</summary>
    public int Sequence => _sequence;

    /// <summary>The session's number, when the camera has told it.</summary>
    public string? Number { get; set; }

    public int NextSequence() => ++_sequence;

    /// <summary>Reads the next part.</summary>
    /// <exception cref="Sources.SourceException">It cannot be read, or the connection has ended.</exception>
    public async ValueTask<Part> ReadAsync() => await _parts.ReadAsync().ConfigureAwait(false) ?? throw CameraConnection.Closed();

    /// <summary>The contents of a part, decrypted where it says that it is encrypted. Valid until the next one is read.</summary>
    /// <exception cref="Sources.SourceException">They are damaged.</exception>
    public ReadOnlyMemory<byte> Open(in Part part)
    {
        var body = part.Body.IsSingleSegment ? part.Body.First : Copy(part.Body);
        if (!part.IsEncrypted)
            return body;
        if (_cipher is null)
            throw Failure.Malformed("the camera sent an encrypted part, and no key");
        Grow(ref _plain, body.Length);
        var length = _cipher.Decrypt(body.Span, part.Headers["X-Nonce"], part.Headers["X-Data-Hmac"], _plain);
        return _plain.AsMemory(0, length);
    }

    /// <summary>The message that a part carries; null when it carries something else.</summary>
    public ControlMessage? ReadMessage(in Part part) =>
        part.Is("application/json") ? ControlMessage.Parse(new ReadOnlySequence<byte>(Open(part))) : null;

    /// <summary>Tells the camera of the end, as far as it listens, and disconnects.</summary>
    public async ValueTask CloseAsync()
    {
        var farewell = Number is null ? [] : PartWriter.Control(ControlRequest.Stop(NextSequence()), Number);
        await Camera.CloseAsync(farewell).ConfigureAwait(false);
        _cipher?.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await Camera.DisposeAsync().ConfigureAwait(false);
        _cipher?.Dispose();
    }

    private static void Grow(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = new byte[Math.Max(length, 2 * buffer.Length)];
    }

    private ReadOnlyMemory<byte> Copy(in ReadOnlySequence<byte> body)
    {
        Grow(ref _contiguous, (int)body.Length);
        body.CopyTo(_contiguous);
        return _contiguous.AsMemory(0, (int)body.Length);
    }
}
