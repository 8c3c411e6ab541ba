using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Tapo.Security;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Security;

// Rows: T7.

/// <summary>Values that were computed by other implementations.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class VectorTests
{
    private const string KeyNonce = "0123456789abcdef0123456789abcdef";

    private static readonly Secret Password = new("Cam-Pass-2024!");
    private static readonly Secret Md5 = new("48E19C483B43BD375C62A84CE3DAB42E");
    private static readonly Secret Sha256 = new("7E1285150C0B78180E64CEB737AE6C5E316CD07B9A10A1A84E9880EB94817E91");
    private static readonly byte[] NullPacket = [0x47, 0x1F, 0xFF, 0x10, .. Enumerable.Repeat((byte)0xFF, 184)];

    [Test]
    public void Passwords_go_as_hashes()
    {
        Assert.That(PasswordHash.Md5(Password), Is.EqualTo(Md5));
        Assert.That(PasswordHash.Sha256(Password), Is.EqualTo(Sha256));
        Assert.That(PasswordHash.SecurityEncode(Password).Reveal(), Is.EqualTo("QHQVqKrvJAx0VZK"));
        Assert.That(PasswordHash.SecurityEncode(new("0123456789abcdefXYZ")).Reveal(), Is.EqualTo("ww3iA8wWXM3g0g4b3Ue"));
        Assert.That(PasswordHash.SecurityEncode(default).Reveal(), Has.Length.EqualTo(15));
    }

    [TestCase("MD5", "sha256", "/stream", "b5284a373c08bd637acd9f2ba2e5587b")]
    [TestCase("MD5", "md5", "/stream", "34d526d4791b56bd84f4904bef65b792")]
    [TestCase("SHA-256", "sha256", "/stream?deviceId=CHILD1", "6d4660cf1d84bd7c45a648dcf776c571dde8553e8647e12deb6b706f4c121579")]
    [TestCase("MD5", "vigi", "/stream", "bac07b0c959ee6ff4e656453dcf55788")]
    public void Challenges_are_answered(string algorithm, string form, string uri, string response)
    {
        var challenge = DigestChallenge.Parse(
            $"Digest realm=\"TP-Link IP-Camera\",qop=\"auth\",nonce=\"00112233445566778899aabbccddeeff\",opaque=\"ab\",algorithm=\"{algorithm}\",encrypt_type=\"3\"");
        var secret = form switch { "sha256" => Sha256, "md5" => Md5, _ => PasswordHash.SecurityEncode(Password) };
        Assert.That(challenge!.WantsSha256);
        var answer = challenge.Answer("admin", secret, "POST", uri, "0a1b2c3d4e5f6071");
        Assert.That(answer, Is.EqualTo(
            $"Digest username=\"admin\", realm=\"TP-Link IP-Camera\", nonce=\"00112233445566778899aabbccddeeff\", uri=\"{uri}\", qop=auth, " +
            $"nc=00000001, cnonce=\"0a1b2c3d4e5f6071\", response=\"{response}\", opaque=\"ab\", algorithm={algorithm}"));
    }

    [TestCase(null)]
    [TestCase("Basic realm=\"a\"")]
    [TestCase("Digest realm=\"a\"")]
    [TestCase("Digest realm=\"a\", nonce=\"b\", algorithm=SHA-512")]
    public void Other_challenges_are_not_known(string? header) => Assert.That(DigestChallenge.Parse(header), Is.Null);

    [Test]
    public void Parts_are_decrypted_with_keys_of_MD5()
    {
        using var cipher = KeyExchange.CreateCipher(
            $"cipher=\"AES_128_CBC\" username=\"admin\" padding=\"PKCS7_16\" algorithm=\"MD5\" encrypt_type=\"3\" nonce=\"{KeyNonce}\"",
                Sha256)!;
        var body = Encrypt("bde45f0f3b8b03bda57c4ec47e365c91", "7dd2ae34d7265dafa853acf7c531aa67");
        Assert.That(Convert.ToHexStringLower(body),
            Does.StartWith("7caf7b9571da93302aa9941b92f8a9ec").And.EndsWith("2dae5716740188202b9ffe66b96cc379"));
        Assert.That(Decrypt(cipher, body, null, null), Is.EqualTo(NullPacket));
    }

    [TestCase("admin", "bfd3a7a52a68abf1e4b7219ff200df26", "7dd2ae34d7265dafa853acf7c531aa67")]
    [TestCase("none", "11a273b2bd0d3c643cba8842ad03bf67", "3e0989b8d1cf411e3d18dd06091fcb17")]
    public void Keys_are_made_of_what_the_camera_took(string user, string key, string vector)
    {
        using var cipher = KeyExchange.CreateCipher($"username=\"{user}\" algorithm=\"MD5\" nonce=\"{KeyNonce}\"", Md5)!;
        Assert.That(Decrypt(cipher, Encrypt(key, vector), null, null), Is.EqualTo(NullPacket));
    }

    [Test]
    public void Parts_are_decrypted_with_keys_of_HKDF_and_their_signature_is_checked()
    {
        using var cipher = KeyExchange.CreateCipher(
            $"algorithm=\"HKDF\" username=\"admin\" salt=\"fedcba9876543210fedcba9876543210\" nonce=\"{KeyNonce}\"", Sha256)!;
        const string Nonce = "000102030405060708090a0b0c0d0e0f";
        const string Signature = "ulK1DQSgw4FcuZhTq9VohWvv2ZLEP9NQUpLY26nuxNo=";
        var body = Encrypt("030cd2fcb1292c74e54f2450ecab6efd", Nonce);
        Assert.That(Convert.ToHexStringLower(body), Does.StartWith("0a7ce45a3e4e2ad2f19101507043ef10"));
        Assert.That(Decrypt(cipher, body, Nonce, Signature), Is.EqualTo(NullPacket));

        body[20] ^= 1;
        Assert.That(() => Decrypt(cipher, body, Nonce, Signature), Throws.TypeOf<SourceException>().With.Message.Contains("signature"));
        Assert.That(() => Decrypt(cipher, body, Nonce, "no base 64"), Throws.TypeOf<SourceException>());
        Assert.That(() => Decrypt(cipher, body, "short", null), Throws.TypeOf<SourceException>());
        Assert.That(() => Decrypt(cipher, body, null, null), Throws.TypeOf<SourceException>());
    }

    [Test]
    public void T7_a_damaged_part_is_an_error_and_no_crash()
    {
        using var cipher = KeyExchange.CreateCipher($"username=\"admin\" algorithm=\"MD5\" nonce=\"{KeyNonce}\"", Sha256)!;
        foreach (var body in new byte[][] { [], [1], new byte[15], new byte[17], new byte[16], new byte[192] })
            Assert.That(() => Decrypt(cipher, body, null, null), Throws.TypeOf<SourceException>());
        foreach (var padding in new byte[] { 0, 17, 255 })
        {
            var plain = new byte[32];
            plain.AsSpan(16).Fill(padding);
            Assert.That(() => Decrypt(cipher, EncryptPadded(plain), null, null), Throws.TypeOf<SourceException>());
        }

        var unequal = new byte[16];
        (unequal[14], unequal[15]) = (3, 2);
        Assert.That(() => Decrypt(cipher, EncryptPadded(unequal), null, null), Throws.TypeOf<SourceException>());
    }

    [Test]
    public void Another_algorithm_is_an_error_and_none_is_no_encryption()
    {
        Assert.That(() => KeyExchange.CreateCipher("algorithm=\"AES\"", Md5), Throws.TypeOf<SourceException>());
        Assert.That(KeyExchange.CreateCipher(null, Md5), Is.Null);
    }

    private static byte[] Decrypt(PartCipher cipher, byte[] body, string? nonce, string? signature)
    {
        var plain = new byte[body.Length];
        return plain[..cipher.Decrypt(body, nonce, signature, plain)];
    }

    private static byte[] Encrypt(string key, string vector)
    {
        using var aes = System.Security.Cryptography.Aes.Create();
        aes.Key = Convert.FromHexString(key);
        return aes.EncryptCbc(NullPacket, Convert.FromHexString(vector));
    }

    private static byte[] EncryptPadded(byte[] plain)
    {
        using var aes = System.Security.Cryptography.Aes.Create();
        aes.Key = Convert.FromHexString("bde45f0f3b8b03bda57c4ec47e365c91");
        return aes.EncryptCbc(plain, Convert.FromHexString("7dd2ae34d7265dafa853acf7c531aa67"),
            System.Security.Cryptography.PaddingMode.None);
    }
}
