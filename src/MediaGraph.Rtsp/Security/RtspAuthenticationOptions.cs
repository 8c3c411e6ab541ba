namespace MediaGraph.Rtsp.Security;

/// <summary>How a server asks who its clients are.</summary>
internal sealed record RtspAuthenticationOptions
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
}
