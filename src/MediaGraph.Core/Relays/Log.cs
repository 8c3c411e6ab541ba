using MediaGraph.Graph;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Relays;

/// <summary>Log events 1400 to 1499.</summary>
internal static partial class Log
{
    [LoggerMessage(1400, LogLevel.Information, "{Stream} is pushed to {Relay}")]
    public static partial void Live(ILogger logger, string stream, string relay);

    [LoggerMessage(1401, LogLevel.Information, "{Stream} is no longer pushed to {Relay}: {Reason}")]
    public static partial void Left(ILogger logger, string stream, string relay, CloseReason reason);

    [LoggerMessage(1402, LogLevel.Warning, "Pushing {Stream} to {Relay} failed: {Reason}")]
    public static partial void Failed(ILogger logger, string stream, string relay, CloseReason reason);

    [LoggerMessage(1403, LogLevel.Warning, "Pushing {Stream} to {Relay} did not end when it was told to; it was left behind")]
    public static partial void Abandoned(ILogger logger, string stream, string relay);

    [LoggerMessage(1404, LogLevel.Warning, "Pushing {Stream} to {Relay} threw an exception")]
    public static partial void Faulted(ILogger logger, Exception exception, string stream, string relay);

    [LoggerMessage(1405, LogLevel.Debug, "The relay of {Stream} to {Relay} is {State}")]
    public static partial void Changed(ILogger logger, string stream, string relay, RelayState state);
}
