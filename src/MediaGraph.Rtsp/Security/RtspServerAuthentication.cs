using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Security;

namespace MediaGraph.Rtsp.Security;

/// <summary>
/// One connection's authentication: challenges, and what clients answer (RFC 7616, RFC 7617). Nonces belong to the connection, so that
/// what is overheard on one is of no use on another. Not thread-safe; the credentials that it gives are.
/// </summary>
/// <remarks>
/// Whether a password is right is not decided here: a Digest answer becomes <see cref="Credentials"/> with a
/// <see cref="Credentials.Proof"/>, which the authorizer asks with the password that it knows. Answers without <c>qop</c> (RFC 2069) are
/// taken, because many players know no other; they can be repeated while their nonce lives, on the same connection.
/// </remarks>
internal sealed class RtspServerAuthentication(RtspAuthenticationOptions options, bool isSecure, TimeProvider timeProvider)
{
    private const string Basic = "Basic";
    private const string Digest = "Digest";

    private readonly LinkedList<Nonce> _nonces = new();

    private bool OffersBasic => isSecure || options.AllowBasicWithoutTls;

    /// <summary>Adds the challenges to a 401: SHA-256, MD5, Basic, one line each, because some clients read one only.</summary>
    /// <param name="headers">Of the response.</param>
    /// <param name="isStale">See <see cref="RtspAuthenticationOutcome.Stale"/>.</param>
    public void Challenge(RtspHeaders headers, bool isStale = false)
    {
        if (options.OfferDigest)
        {
            var nonce = NewNonce();
            foreach (var algorithm in new[] { "SHA-256", "MD5" })
            {
                var challenge = new AuthenticationField(Digest);
                challenge.Add("realm", options.Realm);
                challenge.Add("nonce", nonce);
                challenge.Add("qop", "auth");
                challenge.Add("algorithm", algorithm, isQuoted: false);
                if (isStale)
                    challenge.Add("stale", "true", isQuoted: false);
                headers.Add(RtspHeaderNames.WwwAuthenticate, challenge.Format());
            }
        }

        if (OffersBasic)
        {
            var challenge = new AuthenticationField(Basic);
            challenge.Add("realm", options.Realm);
            headers.Add(RtspHeaderNames.WwwAuthenticate, challenge.Format());
        }
    }

    /// <summary>Reads what a request says about who sent it. A nonce count is used up by it, right or wrong.</summary>
    /// <param name="request">The request.</param>
    /// <param name="credentials">For <see cref="RtspAuthenticationOutcome.Given"/> what the authorizer is to check, otherwise none.</param>
    public RtspAuthenticationOutcome Read(RtspRequest request, out Credentials credentials)
    {
        credentials = Credentials.None;
        var fields = request.Headers.GetAll(RtspHeaderNames.Authorization).Take(2).ToArray();
        if (fields.Length == 0)
            return RtspAuthenticationOutcome.Missing;
        if (fields.Length > 1 || AuthenticationField.Parse(fields[0]) is not { } field)
            return RtspAuthenticationOutcome.Unusable;
        if (field.Is(Basic) && OffersBasic)
            return ReadBasic(field, out credentials);
        return field.Is(Digest) && options.OfferDigest
            ? ReadDigest(request, field, out credentials)
            : RtspAuthenticationOutcome.Unusable;
    }

    private static RtspAuthenticationOutcome ReadBasic(AuthenticationField field, out Credentials credentials)
    {
        credentials = Credentials.None;
        var token = field.Token ?? "";
        var bytes = new byte[(token.Length / 4 * 3) + 3];
        if (!Convert.TryFromBase64String(token, bytes, out var length))
            return RtspAuthenticationOutcome.Unusable;
        var text = Encoding.UTF8.GetString(bytes, 0, length);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
            return RtspAuthenticationOutcome.Unusable;
        credentials = new Credentials { User = text[..colon], Password = new Secret(text[(colon + 1)..]) };
        return RtspAuthenticationOutcome.Given;
    }

    private RtspAuthenticationOutcome ReadDigest(RtspRequest request, AuthenticationField field, out Credentials credentials)
    {
        credentials = Credentials.None;
        DigestAlgorithm? algorithm = (field["algorithm"] ?? "MD5").ToUpperInvariant() switch
        {
            "MD5" => DigestAlgorithm.Md5,
            "SHA-256" => DigestAlgorithm.Sha256,
            _ => null,
        };
        if (algorithm is null || field["username"] is not { } user || field["response"] is not { } response ||
            field["nonce"] is not { } nonceText || field["uri"] is not { } uri || field["realm"] != options.Realm || !IsFor(request, uri))
            return RtspAuthenticationOutcome.Unusable;
        var qop = field["qop"];
        var (count, clientNonce) = qop is null ? (null, null) : (field["nc"], field["cnonce"]);
        uint number = 0;
        if (qop is not null &&
            (!qop.Equals("auth", StringComparison.OrdinalIgnoreCase) || clientNonce is null || count?.Length != 8 ||
             !uint.TryParse(count, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)))
            return RtspAuthenticationOutcome.Unusable;

        if (Find(nonceText) is not { } nonce || (qop is not null && !nonce.TryUse(number)))
            return RtspAuthenticationOutcome.Stale;
        user = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(user));
        var hash = new DigestHash
        {
            Algorithm = algorithm.Value,
            User = user,
            Realm = options.Realm,
            Nonce = nonceText,
            NonceCount = count,
            ClientNonce = clientNonce,
            Method = request.Method,
            Uri = uri,
        };
        credentials = new Credentials { User = user, Proof = password => hash.Verify(password, response) };
        return RtspAuthenticationOutcome.Given;
    }

    // Players name the presentation where they ask for one of its tracks, leave out or add a slash, or give the path alone.
    private static bool IsFor(RtspRequest request, string uri)
    {
        if (uri == request.Uri)
            return true;
        var (asked, given) = (Bare(request.Uri), Bare(uri));
        if (given == asked)
            return true;
        return given.Length > 0 && request.Method == RtspMethods.Setup && asked.StartsWith(given + '/', StringComparison.Ordinal);

        static string Bare(string text) => (RtspUrl.TryParse(text, out var url) ? $"{url.Path}?{url.Query}" : text).Trim('/', '?');
    }

    private Nonce? Find(string text)
    {
        while (_nonces.First is { } oldest && timeProvider.GetElapsedTime(oldest.Value.Since) >= options.NonceLifetime)
            _nonces.RemoveFirst();
        Nonce? found = null;
        foreach (var nonce in _nonces)
        {
            if (CryptographicOperations.FixedTimeEquals(Encoding.Latin1.GetBytes(nonce.Text), Encoding.Latin1.GetBytes(text)))
                found = nonce;
        }

        return found;
    }

    private string NewNonce()
    {
        while (_nonces.Count >= options.MaxNonces)
            _nonces.RemoveFirst();
        var text = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        _nonces.AddLast(new Nonce(text, timeProvider.GetTimestamp()));
        return text;
    }

    private sealed class Nonce(string text, long since)
    {
        private uint _lastCount;

        public string Text { get; } = text;

        /// <summary>A timestamp of the time provider.</summary>
        public long Since { get; } = since;

        /// <summary>Counts go up from 1 (RFC 7616 §3.4); one that does not was used before.</summary>
        public bool TryUse(uint count)
        {
            if (count <= _lastCount)
                return false;
            _lastCount = count;
            return true;
        }
    }
}
