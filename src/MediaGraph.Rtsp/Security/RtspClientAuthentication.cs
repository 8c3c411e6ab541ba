using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Security;

namespace MediaGraph.Rtsp.Security;

/// <summary>
/// Answers a server's challenges on one connection (RFC 7616, RFC 2617, RFC 2069, RFC 7617): the best of those that it gets. Not
/// thread-safe.
/// </summary>
/// <param name="user">The user; null where the address names none.</param>
/// <param name="password">The password.</param>
/// <param name="allowsBasic">
/// Whether the password itself may be sent: over TLS, or when asked for. Otherwise a device could have it for asking.
/// </param>
/// <param name="newClientNonce">Makes a client nonce; null for 16 random bytes in hexadecimal digits.</param>
internal sealed class RtspClientAuthentication(string? user, Secret password, bool allowsBasic, Func<string>? newClientNonce = null)
{
    private const int MaxAttempts = 3;

    private Challenge? _challenge;
    private uint _count;
    private int _attempts;
    private bool _wasAccepted;

    /// <summary>Takes a 401's challenges.</summary>
    /// <param name="response">The response.</param>
    /// <param name="error">Why asking again is of no use; for the reason of the connection's end.</param>
    /// <returns>Whether to ask again, with <see cref="Authorize"/>.</returns>
    public bool TryAccept(RtspResponse response, out string error)
    {
        error = "";
        var best = AuthenticationField.ParseAll(response.Headers.GetAll(RtspHeaderNames.WwwAuthenticate))
            .Select(Challenge.Read).OfType<Challenge>().Where(challenge => allowsBasic || !challenge.IsBasic)
            .OrderByDescending(challenge => challenge.Rank).FirstOrDefault();
        if (user is null)
            error = "the server asks who we are, and the address names no user";
        else if (best is null)
            error = "the server offers no way to authenticate that is safe, or known";
        else if (_challenge is not null && _attempts > 0 && !(best.IsStale || (_wasAccepted && best.Nonce != _challenge.Nonce)))
            error = "the server does not know the user, or the password is wrong";
        else if (_attempts >= MaxAttempts)
            error = "the server asks again and again who we are";
        if (error.Length > 0)
            return false;

        // A count belongs to a nonce.
        if (_challenge?.Nonce != best!.Nonce)
            _count = 0;
        _challenge = best;
        _attempts++;
        return true;
    }

    /// <summary>Notes that a request was let through: from now on, a new nonce is no reason to give up.</summary>
    public void Accepted()
    {
        _wasAccepted = _challenge is not null;
        _attempts = 0;
    }

    /// <summary>The Authorization header of a request; null while the server has not asked.</summary>
    public string? Authorize(string method, string uri)
    {
        if (_challenge is not { } challenge || user is null)
            return null;
        if (challenge.IsBasic)
            return $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password.Reveal()}"))}";

        var needsClientNonce = challenge.HasQop || challenge.IsSession;
        var hash = new DigestHash
        {
            Algorithm = challenge.Algorithm,
            IsSession = challenge.IsSession,
            User = user,
            Realm = challenge.Realm,
            Nonce = challenge.Nonce,
            NonceCount = challenge.HasQop ? (++_count).ToString("x8", CultureInfo.InvariantCulture) : null,
            ClientNonce = needsClientNonce ? NewClientNonce() : null,
            Method = method,
            Uri = uri,
        };
        var field = new AuthenticationField("Digest");
        field.Add("username", Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(user)));
        field.Add("realm", challenge.Realm);
        field.Add("nonce", challenge.Nonce);
        field.Add("uri", uri);
        field.Add("response", hash.Respond(password));
        if (challenge.AlgorithmText is { } algorithm)
            field.Add("algorithm", algorithm, isQuoted: false);
        if (hash.ClientNonce is { } clientNonce)
            field.Add("cnonce", clientNonce);
        if (challenge.Opaque is { } opaque)
            field.Add("opaque", opaque);
        if (hash.NonceCount is { } count)
        {
            field.Add("qop", "auth", isQuoted: false);
            field.Add("nc", count, isQuoted: false);
        }

        return field.Format();
    }

    private string NewClientNonce() => newClientNonce?.Invoke() ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private sealed record Challenge
    {
        public bool IsBasic { get; private init; }

        public DigestAlgorithm Algorithm { get; private init; }

        public bool IsSession { get; private init; }

        // As the server spelled it, one of four words.
        public string? AlgorithmText { get; private init; }

        public bool HasQop { get; private init; }

        public bool IsStale { get; private init; }

        public string Realm { get; private init; } = "";

        public string Nonce { get; private init; } = "";

        public string? Opaque { get; private init; }

        public int Rank => IsBasic ? 0 : 1 + (2 * (int)Algorithm) + (HasQop ? 1 : 0);

        // Null for what is not known.
        public static Challenge? Read(AuthenticationField field)
        {
            if (field.Is("Basic"))
                return new Challenge { IsBasic = true };
            if (!field.Is("Digest") || field["realm"] is not { } realm || field["nonce"] is not { } nonce)
                return null;
            var algorithm = field["algorithm"];
            var name = string.IsNullOrEmpty(algorithm) ? "MD5" : algorithm.ToUpperInvariant();
            var isSession = name.EndsWith("-SESS", StringComparison.Ordinal);
            DigestAlgorithm? known = (isSession ? name[..^5] : name) switch
            {
                "MD5" => DigestAlgorithm.Md5,
                "SHA-256" => DigestAlgorithm.Sha256,
                _ => null,
            };
            var qop = field["qop"];
            var hasQop = !string.IsNullOrWhiteSpace(qop);
            var qops = (qop ?? "").Split(',', StringSplitOptions.TrimEntries);
            if (known is null || (hasQop && !qops.Contains("auth", StringComparer.OrdinalIgnoreCase)))
                return null;
            return new Challenge
            {
                Algorithm = known.Value,
                IsSession = isSession,
                AlgorithmText = string.IsNullOrEmpty(algorithm) ? null : algorithm,
                HasQop = hasQop,
                IsStale = "true".Equals(field["stale"], StringComparison.OrdinalIgnoreCase),
                Realm = realm,
                Nonce = nonce,
                Opaque = field["opaque"],
            };
        }
    }
}
