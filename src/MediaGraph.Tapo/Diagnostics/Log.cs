using System.Net;
using MediaGraph.Graph;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Tapo.Diagnostics;

/// <summary>Log events 4000 to 4999.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Debug, "Connected to {Url} at {RemoteEndPoint}")]
    public static partial void Connected(ILogger logger, TapoUrl url, EndPoint? remoteEndPoint);

    [LoggerMessage(4001, LogLevel.Debug, "Disconnected from {Url}")]
    public static partial void Disconnected(ILogger logger, TapoUrl url);

    [LoggerMessage(4002, LogLevel.Information, "{Stream} is pulled from {Url}")]
    public static partial void Pulled(ILogger logger, string stream, TapoUrl url);

    [LoggerMessage(4003, LogLevel.Debug, "The preview of {Url} for {Stream} ended: {Reason}")]
    public static partial void PreviewEnded(ILogger logger, TapoUrl url, string stream, CloseReason reason);

    [LoggerMessage(4004, LogLevel.Information, "{Url} takes the {Hash} hash of the password, against what it says")]
    public static partial void OtherHash(ILogger logger, TapoUrl url, string hash);

    [LoggerMessage(4005, LogLevel.Debug, "{Url} answers only on a new connection after it has asked who we are")]
    public static partial void NewConnection(ILogger logger, TapoUrl url);

    [LoggerMessage(4006, LogLevel.Debug, "{Url} sends a stream of type {Type}, which is left out of {Stream}")]
    public static partial void StreamLeftOut(ILogger logger, TapoUrl url, byte type, string stream);

    [LoggerMessage(4007, LogLevel.Debug, "Somebody talks to {Url}, the source of {Stream} ({Mode})")]
    public static partial void Talks(ILogger logger, TapoUrl url, string stream, string mode);

    [LoggerMessage(4008, LogLevel.Debug, "Nobody talks to {Url}, the source of {Stream}, any more: {Reason}")]
    public static partial void TalkEnded(ILogger logger, TapoUrl url, string stream, CloseReason reason);

    [LoggerMessage(4009, LogLevel.Information, "{Url} refuses to talk in full duplex ({Code}), and is asked for half duplex")]
    public static partial void HalfDuplex(ILogger logger, TapoUrl url, int code);
}
