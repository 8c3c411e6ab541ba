using MediaGraph.Security;

namespace MediaGraph.Hosting.Tests;

// The example of docs/rtsp.md.
public sealed class PasswordAuthorizer(IReadOnlyDictionary<string, Secret> passwords) : IStreamAuthorizer
{
    public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
    {
        var credentials = request.Peer.Credentials;
        var password = passwords.GetValueOrDefault(credentials.User ?? "");   // nobody's is empty, and never right
        return new(credentials.Verify(password) ? AuthorizationResult.Allow(credentials.User) : AuthorizationResult.Deny());
    }
}
