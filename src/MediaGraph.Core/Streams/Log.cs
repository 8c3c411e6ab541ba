using MediaGraph.Security;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Streams;

/// <summary>Log events 1000 to 1099.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Warning, "{Action} of {Stream} refused to {Peer}: {Reason}")]
    public static partial void Unauthorized(ILogger logger, StreamAction action, string stream, Peer peer, string reason);

    [LoggerMessage(1002, LogLevel.Error, "A callback for {Stream} failed")]
    public static partial void CallbackFailed(ILogger logger, Exception exception, string stream);

    [LoggerMessage(1003, LogLevel.Warning, "The authorizer did not end when it was cancelled; {Count} such calls run")]
    public static partial void AuthorizerAbandoned(ILogger logger, int count);

    [LoggerMessage(1001, LogLevel.Error, "The authorizer failed on {Action} of {Stream}, which counts as no")]
    public static partial void AuthorizerFailed(ILogger logger, Exception exception, StreamAction action, string stream);
}
