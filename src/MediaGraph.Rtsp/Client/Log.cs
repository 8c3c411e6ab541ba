using System.Net;
using MediaGraph.Graph;
using MediaGraph.Media;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Rtsp.Client;

/// <summary>Log events 3500 to 3999.</summary>
internal static partial class Log
{
    [LoggerMessage(3500, LogLevel.Debug, "Connection {Id} to {RemoteEndPoint}")]
    public static partial void Connected(ILogger logger, long id, EndPoint? remoteEndPoint);

    [LoggerMessage(3501, LogLevel.Debug, "Connection {Id} ended after {Duration}: {Reason}")]
    public static partial void ConnectionClosed(ILogger logger, long id, TimeSpan duration, CloseReason reason);

    [LoggerMessage(3502, LogLevel.Error, "Connection {Id} failed, a fault of this software")]
    public static partial void ConnectionFaulted(ILogger logger, Exception exception, long id);

    [LoggerMessage(3503, LogLevel.Information, "{Stream} is pulled from {Url} (connection {Id})")]
    public static partial void Pulled(ILogger logger, string stream, RtspUrl url, long id);

    [LoggerMessage(3504, LogLevel.Information, "{Stream} is pushed to {Url} (connection {Id})")]
    public static partial void Pushed(ILogger logger, string stream, RtspUrl url, long id);

    [LoggerMessage(3505, LogLevel.Information, "{Stream} is redirected to {Url}")]
    public static partial void Redirected(ILogger logger, string stream, RtspUrl url);

    [LoggerMessage(3506, LogLevel.Information, "{Stream} is asked for over TCP: {Reason}")]
    public static partial void FellBack(ILogger logger, string stream, CloseReason reason);

    [LoggerMessage(3507, LogLevel.Information, "Track {Track} of {Stream} is left out (connection {Id}): {Reason}")]
    public static partial void TrackLeftOut(ILogger logger, string track, string stream, long id, string reason);

    [LoggerMessage(3508, LogLevel.Debug, "Track {Track} of {Stream} was set up (connection {Id})")]
    public static partial void TrackSetUp(ILogger logger, string track, string stream, long id);

    [LoggerMessage(3510, LogLevel.Debug, "Somebody talks to {Url}, the source of {Stream}, in {Codec} (connection {Id})")]
    public static partial void Talks(ILogger logger, RtspUrl url, string stream, Codec codec, long id);

    [LoggerMessage(3511, LogLevel.Error, "The transfer of {Stream} failed, a fault of this software")]
    public static partial void TransferFaulted(ILogger logger, Exception exception, string stream);

    [LoggerMessage(3509, LogLevel.Warning, "{Count} connections did not end in time and were cut")]
    public static partial void StopOverran(ILogger logger, int count);
}
