using MediaGraph.Security;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Streams;

/// <summary>Log events 1000 to 1999.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Warning, "{Action} of {Stream} refused to {Peer}: {Reason}")]
    public static partial void Unauthorized(ILogger logger, StreamAction action, string stream, Peer peer, string reason);

    [LoggerMessage(1001, LogLevel.Error, "The authorizer failed on {Action} of {Stream}, which counts as no")]
    public static partial void AuthorizerFailed(ILogger logger, Exception exception, StreamAction action, string stream);
}
