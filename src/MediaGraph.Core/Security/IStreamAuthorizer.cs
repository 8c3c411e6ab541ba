namespace MediaGraph.Security;

/// <summary>
/// Decides who may publish, play and talk. Every protocol asks it before it touches a stream. It never runs on a socket's
/// thread; it has until the session's deadline, and throwing means no.
/// </summary>
public interface IStreamAuthorizer
{
    /// <summary>Answers one question.</summary>
    /// <param name="request">Who wants to do what with which stream.</param>
    /// <param name="cancellationToken">Cancelled when the session ended or its deadline passed.</param>
    ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken);
}
