using MediaGraph.Graph;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Sources;

/// <summary>Log events 1300 to 1399.</summary>
internal static partial class Log
{
    [LoggerMessage(1300, LogLevel.Information, "{Stream} takes {Media} from {Source}")]
    public static partial void Live(ILogger logger, string stream, SourceMedia media, string source);

    [LoggerMessage(1301, LogLevel.Information, "{Stream} leaves {Source}: {Reason}")]
    public static partial void Left(ILogger logger, string stream, string source, CloseReason reason);

    [LoggerMessage(1302, LogLevel.Warning, "{Source} of {Stream} failed: {Reason}")]
    public static partial void Failed(ILogger logger, string source, string stream, CloseReason reason);

    [LoggerMessage(1303, LogLevel.Warning, "{Source} of {Stream} did not end when it was told to; it was left behind")]
    public static partial void Abandoned(ILogger logger, string source, string stream);

    [LoggerMessage(1304, LogLevel.Warning, "{Source} of {Stream} threw an exception")]
    public static partial void Faulted(ILogger logger, Exception exception, string source, string stream);

    [LoggerMessage(1305, LogLevel.Debug, "{Source} of {Stream} is {State}")]
    public static partial void Changed(ILogger logger, string source, string stream, SourceState state);
}
