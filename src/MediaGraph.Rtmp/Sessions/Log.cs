using System.Net;
using MediaGraph.Graph;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Rtmp.Sessions;

/// <summary>Log events 2000 to 2999.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "{Protocol} listens on {EndPoint}")]
    public static partial void Listening(ILogger logger, string protocol, IPEndPoint endPoint);

    // Without the stack: when no descriptor is left, what it is made of cannot be opened.
    [LoggerMessage(2001, LogLevel.Warning, "Accepting failed, trying again: {Reason}")]
    public static partial void AcceptFailed(ILogger logger, string reason);

    [LoggerMessage(2002, LogLevel.Warning, "Connection from {RemoteEndPoint} refused: {Reason}")]
    public static partial void ConnectionRefused(ILogger logger, EndPoint? remoteEndPoint, string reason);

    [LoggerMessage(2003, LogLevel.Debug, "Connection {Id} from {RemoteEndPoint}")]
    public static partial void ConnectionOpened(ILogger logger, long id, EndPoint? remoteEndPoint);

    [LoggerMessage(2004, LogLevel.Debug, "Connection {Id} ended after {Duration}: {Reason}")]
    public static partial void ConnectionClosed(ILogger logger, long id, TimeSpan duration, CloseReason reason);

    [LoggerMessage(2005, LogLevel.Warning, "Connection {Id} from {RemoteEndPoint} closed: {Reason}")]
    public static partial void ConnectionCut(ILogger logger, long id, EndPoint? remoteEndPoint, CloseReason reason);

    [LoggerMessage(2006, LogLevel.Error, "Connection {Id} failed, a fault of this software")]
    public static partial void ConnectionFaulted(ILogger logger, Exception exception, long id);

    [LoggerMessage(2007, LogLevel.Information, "{Stream} is published by {RemoteEndPoint} (connection {Id})")]
    public static partial void Published(ILogger logger, string stream, EndPoint? remoteEndPoint, long id);

    [LoggerMessage(2008, LogLevel.Information, "{Stream} is no longer published (connection {Id}): {Reason}")]
    public static partial void Unpublished(ILogger logger, string stream, long id, CloseReason reason);

    [LoggerMessage(2009, LogLevel.Information, "{Stream} is played by {RemoteEndPoint} (connection {Id})")]
    public static partial void Played(ILogger logger, string stream, EndPoint? remoteEndPoint, long id);

    [LoggerMessage(2010, LogLevel.Information, "{Stream} is no longer played (connection {Id}): {Reason}")]
    public static partial void Unplayed(ILogger logger, string stream, long id, CloseReason reason);

    [LoggerMessage(2011, LogLevel.Warning, "Connection {Id} from {RemoteEndPoint} was refused {Action}: {Reason}")]
    public static partial void Refused(ILogger logger, long id, EndPoint? remoteEndPoint, string action, string reason);

    [LoggerMessage(2012, LogLevel.Debug, "Connection {Id} sent the unknown command {Command}")]
    public static partial void UnknownCommand(ILogger logger, long id, string command);

    [LoggerMessage(2014, LogLevel.Warning, "{Count} more warnings about peers were left out")]
    public static partial void WarningsSuppressed(ILogger logger, int count);

    [LoggerMessage(2013, LogLevel.Warning, "{Count} connections did not end in time and were cut")]
    public static partial void StopOverran(ILogger logger, int count);

    [LoggerMessage(2020, LogLevel.Debug, "Connection {Id} to {RemoteEndPoint}")]
    public static partial void Connected(ILogger logger, long id, EndPoint? remoteEndPoint);

    [LoggerMessage(2021, LogLevel.Information, "{Stream} is pulled from {Url} (connection {Id})")]
    public static partial void Pulled(ILogger logger, string stream, RtmpUrl url, long id);

    [LoggerMessage(2022, LogLevel.Information, "{Stream} is pushed to {Url} (connection {Id})")]
    public static partial void Pushed(ILogger logger, string stream, RtmpUrl url, long id);

    [LoggerMessage(2023, LogLevel.Information, "{Stream} is redirected to {Url}")]
    public static partial void Redirected(ILogger logger, string stream, RtmpUrl url);

    [LoggerMessage(2024, LogLevel.Error, "The transfer of {Stream} failed, a fault of this software")]
    public static partial void TransferFaulted(ILogger logger, Exception exception, string stream);
}
