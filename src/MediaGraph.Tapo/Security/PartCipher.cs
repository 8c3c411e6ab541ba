using System.Security.Cryptography;
using MediaGraph.Tapo.Client;

namespace MediaGraph.Tapo.Security;

/// <summary>
/// Decrypts parts: AES-128 in CBC mode, each part on its own, with PKCS #7 padding. Total: any part gives bytes or an error.
/// </summary>
/// <param name="key">16 bytes.</param>
/// <param name="iv">16 bytes, the same for every part; null where each part has its own.</param>
/// <param name="hmacKey">What signs the parts; null where they are not signed.</param>
internal sealed class PartCipher(byte[] key, byte[]? iv, byte[]? hmacKey) : IDisposable
{
    public const int BlockLength = 16;

    private readonly Aes _aes = Create(key);

    /// <summary>Decrypts a part, and returns how many bytes it has.</summary>
    /// <param name="body">What came.</param>
    /// <param name="nonce">The part's X-Nonce; null without.</param>
    /// <param name="signature">The part's X-Data-Hmac; null without. Needed where parts are signed.</param>
    /// <param name="destination">At least as long as the body.</param>
    /// <exception cref="Sources.SourceException">It is damaged, or the key is wrong.</exception>
    public int Decrypt(ReadOnlySpan<byte> body, string? nonce, string? signature, Span<byte> destination)
    {
        if (body.IsEmpty || body.Length % BlockLength != 0)
            throw Failure.Malformed("the camera sent an encrypted part of an impossible length");
        if (hmacKey is not null)
            Verify(body, signature ?? throw Failure.Malformed("the camera sent a part without its signature"));
        Span<byte> vector = stackalloc byte[BlockLength];
        if (iv is not null)
            iv.CopyTo(vector);
        else if (nonce is not { Length: 2 * BlockLength } ||
            Convert.FromHexString(nonce, vector, out _, out _) != System.Buffers.OperationStatus.Done)
            throw Failure.Malformed("the camera sent an encrypted part without its nonce");

        _aes.DecryptCbc(body, vector, destination, PaddingMode.None);
        var padding = destination[body.Length - 1];
        if (padding is 0 or > BlockLength || destination[(body.Length - padding)..body.Length].ContainsAnyExcept(padding))
            throw Failure.Malformed("the camera's media cannot be decrypted: they are damaged, or the key is another");
        return body.Length - padding;
    }

    public void Dispose() => _aes.Dispose();

    private static Aes Create(byte[] key)
    {
        var aes = Aes.Create();
        aes.Key = key;
        return aes;
    }

    private void Verify(ReadOnlySpan<byte> body, string signature)
    {
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(hmacKey, body, expected);
        if (!Convert.TryFromBase64String(signature, given, out var length) || length != given.Length ||
            !CryptographicOperations.FixedTimeEquals(expected, given))
            throw Failure.Malformed("the camera sent a part with a wrong signature");
    }
}
