using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Security;
using MediaGraph.Tapo.Client;

namespace MediaGraph.Tapo.Security;

/// <summary>How the media of a connection are encrypted, as the header Key-Exchange says it.</summary>
internal static class KeyExchange
{
    private const string NoUser = "none";

    private static readonly Secret NoUserSecret = new("TPL075526460603"); // of cameras that are not set up, or do not encrypt

    /// <summary>Makes what decrypts the parts; null when the camera sent no keys.</summary>
    /// <param name="header">The header; null without.</param>
    /// <param name="secret">What the camera took for the password.</param>
    /// <exception cref="Sources.SourceException">The header says something that is not known.</exception>
    public static PartCipher? CreateCipher(string? header, Secret secret)
    {
        if (string.IsNullOrWhiteSpace(header))
            return null;
        var fields = FieldList.Parse(header);
        var algorithm = fields["algorithm"] ?? "MD5";
        var user = fields["username"] ?? "admin";
        var nonce = fields["nonce"] ?? "";
        if (user == NoUser)
            secret = NoUserSecret;
        var key = Encoding.UTF8.GetBytes($"{nonce}:{secret.Reveal()}");
        if (algorithm.Equals("HKDF", StringComparison.OrdinalIgnoreCase))
        {
            var salt = Encoding.UTF8.GetBytes(fields["salt"] ?? "");
            return new PartCipher(
                Derive(key, salt, "stream_hkdf_aes_key"u8), iv: null, Derive(key, salt, "stream_hkdf_hmac_key"u8));
        }

        return algorithm.Equals("MD5", StringComparison.OrdinalIgnoreCase)
            ? new PartCipher(Md5(key), Md5(Encoding.UTF8.GetBytes($"{user}:{nonce}")), hmacKey: null)
            : throw Failure.Malformed("the camera encrypts in a way that is not known");
    }

    private static byte[] Derive(byte[] key, byte[] salt, ReadOnlySpan<byte> info)
    {
        var derived = new byte[PartCipher.BlockLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, salt, info);
        return derived;
    }

    [SuppressMessage("Security", "CA5351", Justification = "The cameras' own.")]
    private static byte[] Md5(byte[] data) => MD5.HashData(data);
}
