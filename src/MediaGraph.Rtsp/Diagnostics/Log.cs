using System.Net;
using MediaGraph.Graph;
using MediaGraph.Security;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Rtsp.Diagnostics;

/// <summary>Log events 3000 to 3999.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Information, "{Protocol} listens on {EndPoint}")]
    public static partial void Listening(ILogger logger, string protocol, IPEndPoint endPoint);

    // Without the stack: when no descriptor is left, what it is made of cannot be opened.
    [LoggerMessage(3001, LogLevel.Warning, "Accepting failed, trying again: {Reason}")]
    public static partial void AcceptFailed(ILogger logger, string reason);

    [LoggerMessage(3002, LogLevel.Warning, "Connection from {RemoteEndPoint} refused: {Reason}")]
    public static partial void ConnectionRefused(ILogger logger, EndPoint? remoteEndPoint, string reason);

    [LoggerMessage(3003, LogLevel.Debug, "Connection {Id} from {RemoteEndPoint}")]
    public static partial void ConnectionOpened(ILogger logger, long id, EndPoint? remoteEndPoint);

    [LoggerMessage(3004, LogLevel.Debug, "Connection {Id} ended after {Duration}: {Reason}")]
    public static partial void ConnectionClosed(ILogger logger, long id, TimeSpan duration, CloseReason reason);

    [LoggerMessage(3005, LogLevel.Warning, "Connection {Id} from {RemoteEndPoint} closed: {Reason}")]
    public static partial void ConnectionCut(ILogger logger, long id, EndPoint? remoteEndPoint, CloseReason reason);

    [LoggerMessage(3006, LogLevel.Error, "Connection {Id} failed, a fault of this software")]
    public static partial void ConnectionFaulted(ILogger logger, Exception exception, long id);

    [LoggerMessage(3007, LogLevel.Information, "{Stream} is published by {RemoteEndPoint} (connection {Id})")]
    public static partial void Published(ILogger logger, string stream, EndPoint? remoteEndPoint, long id);

    [LoggerMessage(3008, LogLevel.Information, "{Stream} is no longer published (connection {Id}): {Reason}")]
    public static partial void Unpublished(ILogger logger, string stream, long id, CloseReason reason);

    [LoggerMessage(3009, LogLevel.Information, "{Stream} is played by {RemoteEndPoint} (connection {Id})")]
    public static partial void Played(ILogger logger, string stream, EndPoint? remoteEndPoint, long id);

    [LoggerMessage(3010, LogLevel.Information, "{Stream} is no longer played (connection {Id}): {Reason}")]
    public static partial void Unplayed(ILogger logger, string stream, long id, CloseReason reason);

    [LoggerMessage(3011, LogLevel.Warning, "Connection {Id} from {RemoteEndPoint} was refused {Action}: {Reason}")]
    public static partial void Refused(ILogger logger, long id, EndPoint? remoteEndPoint, string action, string reason);

    [LoggerMessage(3013, LogLevel.Warning, "{Count} connections did not end in time and were cut")]
    public static partial void StopOverran(ILogger logger, int count);

    [LoggerMessage(3014, LogLevel.Warning, "{Count} more warnings about peers were left out")]
    public static partial void WarningsSuppressed(ILogger logger, int count);

    [LoggerMessage(3015, LogLevel.Warning, "What connection {Id} of {Peer} says to {Stream} goes nowhere: {Reason}")]
    public static partial void TalkIgnored(ILogger logger, long id, Peer peer, string stream, string reason);
}
