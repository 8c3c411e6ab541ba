using System.Net;
using System.Runtime.InteropServices;
using MediaGraph.LoadTest;
using MediaGraph.Rtmp.Server;
using MediaGraph.Streams;

LoadOptions options;
var serves = args is ["serve", ..];
try
{
    options = LoadOptions.Parse(serves ? args.AsSpan(1) : args);
}
catch (FormatException e)
{
    Console.Error.WriteLine($"{e.Message}\n\n{LoadOptions.Usage}");
    return 2;
}

// Before anything touches a socket: they read it once.
if (options.InlineCompletions)
    Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
try
{
    return serves ? await ServeAsync() : await new LoadRun(options).RunAsync(stop.Token);
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or InvalidDataException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}

async Task<int> ServeAsync()
{
    await using var hub = new StreamHub();
    await using var server = new RtmpServer(hub, new RtmpServerOptions { EndPoint = new(IPAddress.Loopback, options.Port) });
    await server.StartAsync(stop.Token);
    Console.WriteLine($"listening {server.LocalEndPoint}");
    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    return 0;
}
