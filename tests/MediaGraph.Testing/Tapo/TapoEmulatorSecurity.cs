using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace MediaGraph.Testing.Tapo;

/// <summary>The camera's side of logins and keys.</summary>
[SuppressMessage("Security", "CA5351", Justification = "The cameras' own.")]
internal static class TapoEmulatorSecurity
{
    private const string VigiShort = "RDpbLfCPsJZ7fiv";

    private const string VigiLong =
        "yLwVl0zKqws7LgKPRQ84Mdt708T1qQ3Ha7xv3H7NyU84p21BriUWBU43odz3iP4rBL3cD02KZciXTysVXiV8ngg6vL48rPJyAUw0HurW20xqxv9aYb4M9wK1Ae0wlro5" +
        "10qXeU07kV57fQMc8L6aLgMLwygtc0F10a0Dg70TOoouyFhdysuRMO51yY5ZlOZZLEal1h0t9YQW0Ko7oBwmCAHoic4HYbUyVeU3sfQ1xtXcPcf1aT303wAQhv66qzW";

    /// <summary>What a client has to prove that it knows.</summary>
    public static string LoginSecret(TapoEmulatorOptions options) =>
        options.IsVigi ? Encode(options.Password) : Convert.ToHexString(
            options.TakesSha256 ? SHA256.HashData(Encoding.UTF8.GetBytes(options.Password)) : MD5.HashData(Encoding.UTF8.GetBytes(options.Password)));

    /// <summary>What the keys are made of.</summary>
    public static string KeySecret(TapoEmulatorOptions options) => !options.AsksForPassword
        ? "TPL075526460603"
        : options.IsVigi ? options.Password : LoginSecret(options);

    /// <summary>Whether an Authorization is the answer to the nonce.</summary>
    public static bool Verify(TapoEmulatorOptions options, string authorization, string nonce, string uri)
    {
        string Field(string name) => Regex.Match(authorization, $"\\b{name}=\"?([^\",]*)").Groups[1].Value;
        if (Field("nonce") != nonce || Field("uri") != uri || Field("username") != "admin")
            return false;
        string Hash(string text) => Convert.ToHexStringLower(
            options.DigestAlgorithm == "MD5" ? MD5.HashData(Encoding.UTF8.GetBytes(text)) : SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        var key = Hash($"admin:TP-Link IP-Camera:{LoginSecret(options)}");
        var request = Hash($"POST:{uri}");
        return Field("response") == Hash($"{key}:{nonce}:{Field("nc")}:{Field("cnonce")}:auth:{request}");
    }

    /// <summary>Key and vector of the older way.</summary>
    public static (byte[] Key, byte[] Vector) Md5Keys(string user, string nonce, string secret) =>
        (MD5.HashData(Encoding.UTF8.GetBytes($"{nonce}:{secret}")), MD5.HashData(Encoding.UTF8.GetBytes($"{user}:{nonce}")));

    /// <summary>Keys of the newer way: for the media, and for their signature.</summary>
    public static (byte[] Key, byte[] HmacKey) HkdfKeys(string nonce, string secret, string salt)
    {
        var material = Encoding.UTF8.GetBytes($"{nonce}:{secret}");
        byte[] Derive(string info) => HKDF.DeriveKey(
            HashAlgorithmName.SHA256, material, 16, Encoding.UTF8.GetBytes(salt), Encoding.UTF8.GetBytes(info));
        return (Derive("stream_hkdf_aes_key"), Derive("stream_hkdf_hmac_key"));
    }

    private static string Encode(string password)
    {
        var text = new StringBuilder();
        for (var i = 0; i < Math.Max(15, password.Length); i++)
        {
            var a = i < VigiShort.Length ? VigiShort[i] : (char)187;
            var b = i < password.Length ? password[i] : (char)187;
            text.Append(VigiLong[(a ^ b) % 255]);
        }

        return text.ToString();
    }
}
