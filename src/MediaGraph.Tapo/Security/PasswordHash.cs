using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Security;

namespace MediaGraph.Tapo.Security;

/// <summary>What cameras take in place of a password.</summary>
internal static class PasswordHash
{
    private const string Short = "RDpbLfCPsJZ7fiv";

    private const string Long =
        "yLwVl0zKqws7LgKPRQ84Mdt708T1qQ3Ha7xv3H7NyU84p21BriUWBU43odz3iP4rBL3cD02KZciXTysVXiV8ngg6vL48rPJyAUw0HurW20xqxv9aYb4M9wK1Ae0wlro5" +
        "10qXeU07kV57fQMc8L6aLgMLwygtc0F10a0Dg70TOoouyFhdysuRMO51yY5ZlOZZLEal1h0t9YQW0Ko7oBwmCAHoic4HYbUyVeU3sfQ1xtXcPcf1aT303wAQhv66qzW";

    private const int Filler = 187; // past the end of either text

    /// <summary>MD5, in upper-case hexadecimal digits.</summary>
    [SuppressMessage("Security", "CA5351", Justification = "The cameras' own; newer ones ask for SHA-256.")]
    public static Secret Md5(Secret password) => new(Convert.ToHexString(MD5.HashData(Encoding.UTF8.GetBytes(password.Reveal()))));

    /// <summary>SHA-256, in upper-case hexadecimal digits.</summary>
    public static Secret Sha256(Secret password) => new(Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(password.Reveal()))));

    /// <summary>securityEncode: what VIGI cameras, and the web pages of TP-Link's routers, make of a password.</summary>
    public static Secret SecurityEncode(Secret password)
    {
        var bytes = Encoding.UTF8.GetBytes(password.Reveal());
        var encoded = new char[Math.Max(Short.Length, bytes.Length)];
        for (var i = 0; i < encoded.Length; i++)
        {
            var one = i < Short.Length ? Short[i] : Filler;
            var other = i < bytes.Length ? bytes[i] : Filler;
            encoded[i] = Long[(one ^ other) % Long.Length];
        }

        return new(new string(encoded));
    }
}
