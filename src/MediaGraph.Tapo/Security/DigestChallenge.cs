using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Security;

namespace MediaGraph.Tapo.Security;

/// <summary>A camera's question who we are: Digest (RFC 7616), with an <c>encrypt_type</c> that says what the password goes as.</summary>
internal sealed class DigestChallenge
{
    private const string Scheme = "Digest";
    private const string NonceCount = "00000001"; // each challenge is answered once

    private readonly FieldList _fields;

    private DigestChallenge(FieldList fields) => _fields = fields;

    /// <summary>Whether the camera says that it takes the SHA-256 of the password; else the MD5.</summary>
    public bool WantsSha256 => _fields["encrypt_type"] == "3";

    private bool IsSha256 => string.Equals(_fields["algorithm"], "SHA-256", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a WWW-Authenticate; null when it is no Digest that is known.</summary>
    public static DigestChallenge? Parse(string? header)
    {
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return null;
        var fields = FieldList.Parse(header.AsSpan(Scheme.Length));
        var algorithm = fields["algorithm"];
        var isKnown = string.IsNullOrEmpty(algorithm) || algorithm.Equals("MD5", StringComparison.OrdinalIgnoreCase) ||
            algorithm.Equals("SHA-256", StringComparison.OrdinalIgnoreCase);
        return isKnown && fields["realm"] is not null && fields["nonce"] is not null ? new DigestChallenge(fields) : null;
    }

    /// <summary>The Authorization of a request.</summary>
    /// <param name="user">The user.</param>
    /// <param name="secret">What the password goes as.</param>
    /// <param name="method">The request's method.</param>
    /// <param name="uri">Its path and query.</param>
    /// <param name="clientNonce">Ours.</param>
    public string Answer(string user, Secret secret, string method, string uri, string clientNonce)
    {
        var (realm, nonce, hasQop) = (_fields["realm"]!, _fields["nonce"]!, !string.IsNullOrEmpty(_fields["qop"]));
        var key = Hash($"{user}:{realm}:{secret.Reveal()}");
        var request = Hash($"{method}:{uri}");
        var response = Hash(hasQop ? $"{key}:{nonce}:{NonceCount}:{clientNonce}:auth:{request}" : $"{key}:{nonce}:{request}");
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Scheme} username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\"");
        if (hasQop)
            text.Append(CultureInfo.InvariantCulture, $", qop=auth, nc={NonceCount}, cnonce=\"{clientNonce}\"");
        text.Append(CultureInfo.InvariantCulture, $", response=\"{response}\"");
        if (_fields["opaque"] is { } opaque)
            text.Append(CultureInfo.InvariantCulture, $", opaque=\"{opaque}\"");
        if (_fields["algorithm"] is { Length: > 0 } algorithm)
            text.Append(CultureInfo.InvariantCulture, $", algorithm={algorithm}");
        return text.ToString();
    }

    public override string ToString() => Scheme;

    [SuppressMessage("Security", "CA5351", Justification = "Most cameras know no other.")]
    private string Hash(string text)
    {
        // A header's characters are its bytes, and the secret is encoded.
        var bytes = Encoding.Latin1.GetBytes(text);
        return Convert.ToHexStringLower(IsSha256 ? SHA256.HashData(bytes) : MD5.HashData(bytes));
    }
}
