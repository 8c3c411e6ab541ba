namespace MediaGraph.Rtsp.Security;

/// <summary>What a request says about who sent it.</summary>
internal enum RtspAuthenticationOutcome
{
    /// <summary>Nothing: it comes from nobody.</summary>
    Missing,

    /// <summary>Nothing that can be used: malformed, in a scheme that is not offered, or for another request.</summary>
    Unusable,

    /// <summary>
    /// Its nonce is too old, not of this connection, or was used in this way before: the client may try again with a new one, without
    /// asking its user.
    /// </summary>
    Stale,

    /// <summary>Credentials that the authorizer can check.</summary>
    Given,
}
