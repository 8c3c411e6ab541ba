using MediaGraph.Security;

namespace MediaGraph.Hosting.Tests;

// The example of docs/rtmp.md.
public sealed class TokenAuthorizer(Secret token) : IStreamAuthorizer
{
    public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
    {
        if (request.Action == StreamAction.Play)
            return new(AuthorizationResult.Allow());
        return request.Peer.Credentials.Parameters.TryGetValue("token", out var given) && given == token
            ? new(AuthorizationResult.Allow(user: "encoder"))
            : new(AuthorizationResult.Deny());
    }
}
