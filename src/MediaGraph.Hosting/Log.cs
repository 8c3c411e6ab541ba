using Microsoft.Extensions.Logging;

namespace MediaGraph.Hosting;

/// <summary>Log events 5000 to 5999.</summary>
internal static partial class Log
{
    [LoggerMessage(5000, LogLevel.Warning, "{Key} is set, but nothing here uses it")]
    public static partial void KeyIgnored(ILogger logger, string key);

    [LoggerMessage(5001, LogLevel.Information, "The demo plays as stream {Stream}")]
    public static partial void DemoStarted(ILogger logger, string stream);

    [LoggerMessage(5002, LogLevel.Warning, "Someone else publishes {Stream}; the demo waits until it is free")]
    public static partial void DemoReplaced(ILogger logger, string stream);

    [LoggerMessage(5003, LogLevel.Error, "The demo cannot be played")]
    public static partial void DemoFailed(ILogger logger, Exception exception);

    [LoggerMessage(5004, LogLevel.Error, "The drain took longer than {Limit}; what was left was cut")]
    public static partial void DrainOverran(ILogger logger, TimeSpan limit);

    [LoggerMessage(5005, LogLevel.Error, "The changed configuration has an error; what it is about stays as it was. {Error}")]
    public static partial void StreamNotChanged(ILogger logger, string error);

    [LoggerMessage(5006, LogLevel.Error, "The changed configuration cannot be read or applied; it is tried again at the next change")]
    public static partial void ReloadFailed(ILogger logger, Exception exception);
}
