using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Security;

namespace MediaGraph.Rtmp.Client;

/// <summary>
/// How servers that follow Adobe's access manager ask who one is: they reject <c>connect</c> with a description that first names a
/// scheme (<c>authmod=adobe</c> or <c>authmod=llnw</c>) and then, asked again with the user's name, a challenge. The answer goes
/// behind the application, as a query.
/// </summary>
internal static class RtmpAuthentication
{
    private const string NeedsUser = "code=403 need auth";

    /// <summary>The query to connect with next time; null when the description asks for none, or says that it was wrong.</summary>
    /// <param name="description">Of the rejection.</param>
    /// <param name="url">Whose user and password to use.</param>
    /// <param name="nonce">Eight hexadecimal digits of chance.</param>
    public static string? Answer(string description, RtmpUrl url, string nonce)
    {
        if (url.User is not { } user || FindScheme(description) is not { } scheme)
            return null;
        if (description.Contains(NeedsUser, StringComparison.OrdinalIgnoreCase))
            return $"?authmod={scheme}&user={Escape(user)}";
        var question = description.IndexOf('?', StringComparison.Ordinal);
        if (question < 0)
            return null;
        var parameters = Parse(description[(question + 1)..]);
        if (parameters.GetValueOrDefault("reason") != "needauth")
            return null;
        return scheme == "adobe" ? AnswerAdobe(user, url.Password, parameters, nonce) : AnswerLimelight(user, url, parameters, nonce);
    }

    public static string NewNonce() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));

    [SuppressMessage("Security", "CA5351", Justification = "The scheme is what it is; the password itself never crosses the wire.")]
    private static string AnswerAdobe(string user, Secret password, Dictionary<string, string> parameters, string nonce)
    {
        var first = Convert.ToBase64String(Md5($"{user}{parameters.GetValueOrDefault("salt")}{password.Reveal()}"));
        var opaque = parameters.GetValueOrDefault("opaque");
        var challenge = opaque ?? parameters.GetValueOrDefault("challenge");
        var response = Convert.ToBase64String(Md5($"{first}{challenge}{nonce}"));
        return $"?authmod=adobe&user={Escape(user)}&challenge={nonce}&response={response}" + (opaque is null ? "" : $"&opaque={opaque}");
    }

    // HTTP's digest (RFC 2617 §3.2.2) with fixed realm, method and quality of protection.
    private static string AnswerLimelight(string user, RtmpUrl url, Dictionary<string, string> parameters, string nonce)
    {
        const string count = "00000001";
        var challenge = parameters.GetValueOrDefault("nonce");
        var path = url.App.Contains('/', StringComparison.Ordinal) ? url.App : $"{url.App}/_definst_";
        var who = Convert.ToHexStringLower(Md5($"{user}:live:{url.Password.Reveal()}"));
        var what = Convert.ToHexStringLower(Md5($"publish:/{path}"));
        var response = Convert.ToHexStringLower(Md5($"{who}:{challenge}:{count}:{nonce}:auth:{what}"));
        return $"?authmod=llnw&user={Escape(user)}&nonce={challenge}&cnonce={nonce}&nc={count}&response={response}";
    }

    private static string? FindScheme(string description) =>
        description.Contains("authmod=adobe", StringComparison.OrdinalIgnoreCase) ? "adobe"
        : description.Contains("authmod=llnw", StringComparison.OrdinalIgnoreCase) ? "llnw"
        : null;

    private static Dictionary<string, string> Parse(string query)
    {
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in query.Split('&', 32))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                parameters.TryAdd(part[..equals].Trim(), part[(equals + 1)..].Trim());
        }

        return parameters;
    }

    private static string Escape(string user) => Uri.EscapeDataString(user);

    [SuppressMessage("Security", "CA5351", Justification = "The scheme is what it is; the password itself never crosses the wire.")]
    private static byte[] Md5(string text) => MD5.HashData(Encoding.UTF8.GetBytes(text));
}
