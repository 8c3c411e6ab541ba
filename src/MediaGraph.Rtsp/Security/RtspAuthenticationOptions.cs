using MediaGraph.Validation;

namespace MediaGraph.Rtsp.Security;

/// <summary>How a server asks who its clients are.</summary>
public sealed record RtspAuthenticationOptions : IValidatedOptions
{
    /// <summary>What the realm is called: 1 to 128 characters of printable ASCII without quotes. Players show it.</summary>
    public string Realm { get; init; } = "MediaGraph";

    /// <summary>Whether Digest is offered. An authorizer that has no passwords to compare with needs false.</summary>
    public bool OfferDigest { get; init; } = true;

    /// <summary>
    /// Whether Basic is offered on connections without TLS too, where everybody on the way can read the password. With TLS it always is.
    /// </summary>
    public bool AllowBasicWithoutTls { get; init; }

    /// <summary>How long a nonce can be used, 1 s to 1 day. Default 5 min; then the client is told that it is stale.</summary>
    public TimeSpan NonceLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How many nonces a connection has, 1 to 64: a new one beyond it ends the oldest. Default 4: requests that were sent before the
    /// answer to an earlier one came.
    /// </summary>
    public int MaxNonces { get; init; } = 4;

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Require(
            Realm.Length is > 0 and <= 128 && !Realm.AsSpan().ContainsAnyExceptInRange(' ', '~') && !Realm.AsSpan().ContainsAny('"', '\\'),
            $"{nameof(Realm)} must be 1 to 128 printable characters of ASCII without quotes.")
        .Check(NonceLifetime)
        .Check(MaxNonces, 1, 64);
}
