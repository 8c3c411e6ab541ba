namespace MediaGraph.Security;

/// <summary>An authorizer's answer.</summary>
public sealed record AuthorizationResult
{
    private AuthorizationResult(bool isAllowed, string? user, string? reason)
    {
        IsAllowed = isAllowed;
        User = user;
        Reason = reason;
    }

    /// <summary>Whether the action is allowed.</summary>
    public bool IsAllowed { get; }

    /// <summary>Who the peer is; null for anonymous. A stale publisher can be replaced by the same user only.</summary>
    public string? User { get; }

    /// <summary>Why not; told to the peer, so without secrets.</summary>
    public string? Reason { get; }

    /// <summary>Yes.</summary>
    /// <param name="user">Who the peer is; null for anonymous.</param>
    public static AuthorizationResult Allow(string? user = null) => new(true, user, null);

    /// <summary>No.</summary>
    /// <param name="reason">Why not; told to the peer, so without secrets.</param>
    public static AuthorizationResult Deny(string reason = "not authorized") => new(false, null, reason);
}
