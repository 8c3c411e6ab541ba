using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Security;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Talk;

/// <summary>Log events 1200 to 1299.</summary>
internal static partial class Log
{
    [LoggerMessage(1200, LogLevel.Information, "{Peer} talks to {Stream} in {Codec}")]
    public static partial void Started(ILogger logger, Peer peer, string stream, Codec codec);

    [LoggerMessage(1201, LogLevel.Information, "{Peer} talked to {Stream} for {Duration}: {Reason}")]
    public static partial void Stopped(ILogger logger, Peer peer, string stream, TimeSpan duration, CloseReason reason);

    [LoggerMessage(1202, LogLevel.Warning, "The speaker of {Stream} failed ({Action}): {Reason}")]
    public static partial void Failed(ILogger logger, Exception? exception, string stream, string action, CloseReason reason);

    [LoggerMessage(1203, LogLevel.Warning, "The speaker of {Stream} did not end its call ({Action}) in time; it was left behind")]
    public static partial void Abandoned(ILogger logger, string stream, string action);
}
