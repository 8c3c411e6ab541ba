namespace MediaGraph.Rtsp.Security;

/// <summary>How a server asks who its clients are.</summary>
public sealed record RtspAuthenticationOptions
{
    /// <summary>What the realm is called: printable ASCII without quotes. Players show it when they ask for a password.</summary>
    public string Realm { get; init; } = "MediaGraph";

    /// <summary>Whether Digest is offered. An authorizer that has no passwords to compare with needs false.</summary>
    public bool OffersDigest { get; init; } = true;

    /// <summary>
    /// Whether Basic is offered on connections without TLS too, where everybody on the way can read the password. With TLS it always is.
    /// </summary>
    public bool AllowsBasicWithoutTls { get; init; }

    /// <summary>How long a nonce can be used, 1 s or more. Default 5 min; then the client is told that it is stale, and goes on.</summary>
    public TimeSpan NonceLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How many nonces a connection has, 1 or more: a new one beyond it ends the oldest. Default 4: requests that were sent before the
    /// answer to an earlier one came.
    /// </summary>
    public int MaxNonces { get; init; } = 4;

    /// <summary>Reports every value that is out of its range.</summary>
    /// <param name="prefix">What precedes the names, such as <c>MediaGraph:Rtsp:Authentication:</c>.</param>
    public IEnumerable<string> Validate(string prefix = "")
    {
        if (Realm.Length is 0 or > 128 || Realm.AsSpan().ContainsAnyExceptInRange(' ', '~') || Realm.AsSpan().ContainsAny('"', '\\'))
            yield return $"{prefix}{nameof(Realm)} must be 1 to 128 printable characters of ASCII without quotes.";
        if (NonceLifetime < TimeSpan.FromSeconds(1) || NonceLifetime > TimeSpan.FromDays(1))
            yield return $"{prefix}{nameof(NonceLifetime)} is {NonceLifetime}; it must be 1 second to 1 day.";
        if (MaxNonces is < 1 or > 64)
            yield return $"{prefix}{nameof(MaxNonces)} is {MaxNonces}; it must be 1 to 64.";
    }
}
