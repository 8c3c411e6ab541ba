namespace MediaGraph.Security;

/// <summary>A question to an <see cref="IStreamAuthorizer"/>.</summary>
/// <param name="Action">What is to be done.</param>
/// <param name="Stream">The stream's name, already checked to be well formed.</param>
/// <param name="Peer">Who asks.</param>
public sealed record AuthorizationRequest(StreamAction Action, string Stream, Peer Peer);
