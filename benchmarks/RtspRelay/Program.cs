using System.Net;
using System.Runtime.InteropServices;
using MediaGraph.RtspRelay;

// Before anything touches a socket: they read it once.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

if (args.Length > 1 || !IPEndPoint.TryParse(args is [var text] ? text : "127.0.0.1:8554", out var endPoint))
{
    Console.Error.WriteLine("Usage: RtspRelay [ADDRESS:PORT]     (127.0.0.1:8554)");
    return 2;
}

var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var relay = new Relay(endPoint);
relay.Start();
Console.WriteLine($"rtsp://{relay.EndPoint}/");
await stop.Task;
return 0;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.TrySetResult();
}
