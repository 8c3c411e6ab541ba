using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Security;

namespace MediaGraph.Rtsp.Security;

/// <summary>What a Digest response is computed of (RFC 7616 §3.4, and RFC 2069 §2.1.2 where there is no <c>qop</c>).</summary>
internal sealed record DigestHash
{
    public required DigestAlgorithm Algorithm { get; init; }

    /// <summary>Whether the algorithm is a <c>-sess</c> one, whose key has the nonces in it (§3.4.2).</summary>
    public bool IsSession { get; init; }

    /// <summary>The user's name as UTF-8 (§4).</summary>
    public required string User { get; init; }

    /// <summary>As it stood in the challenge: one byte for each character.</summary>
    public required string Realm { get; init; }

    public required string Nonce { get; init; }

    /// <summary>The client's nonce; null without <c>qop</c>.</summary>
    public string? ClientNonce { get; init; }

    /// <summary>The nonce count, eight hexadecimal digits; null without <c>qop</c>.</summary>
    public string? NonceCount { get; init; }

    public required string Method { get; init; }

    public required string Uri { get; init; }

    /// <summary>The response, in lower-case hexadecimal digits.</summary>
    public string Respond(Secret password)
    {
        byte[] secret = Encoding.UTF8.GetBytes(password.Reveal());
        var key = Hash([.. Encoding.UTF8.GetBytes(User), (byte)':', .. Bytes(Realm), (byte)':', .. secret]);
        if (IsSession)
            key = Hash(Bytes($"{key}:{Nonce}:{ClientNonce}"));
        var request = Hash(Bytes($"{Method}:{Uri}"));
        return Hash(Bytes(NonceCount is null
            ? $"{key}:{Nonce}:{request}"
            : $"{key}:{Nonce}:{NonceCount}:{ClientNonce}:auth:{request}"));
    }

    /// <summary>Whether a response is the one for this password; takes the same time whatever the answer.</summary>
    public bool Verify(Secret password, string response) =>
        CryptographicOperations.FixedTimeEquals(Bytes(Respond(password)), Bytes(response.ToLowerInvariant()));

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    [SuppressMessage("Security", "CA5351", Justification = "Devices and players know no other; SHA-256 is offered and chosen first.")]
    private string Hash(byte[] data) =>
        Convert.ToHexStringLower(Algorithm == DigestAlgorithm.Sha256 ? SHA256.HashData(data) : MD5.HashData(data));
}
