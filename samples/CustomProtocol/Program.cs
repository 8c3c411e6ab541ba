using System.Net;
using CustomProtocol;
using MediaGraph.Rtsp.Server;
using MediaGraph.Sources;
using MediaGraph.Streams;

if (args is not [var source])
{
    Console.Error.WriteLine("Usage: CustomProtocol ts+tcp://HOST:PORT");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

await using var hub = new StreamHub();
await using var rtsp = new RtspServer(hub, new() { EndPoint = new(IPAddress.Loopback, 8554) });
hub.AddSourceProtocol(new TsOverTcpProtocol());
await hub.SetStreamAsync(new StreamDefinition("cam") { Sources = [source] }, stop.Token);
await rtsp.StartAsync(stop.Token);
Console.WriteLine($"Watch it: ffplay rtsp://{rtsp.LocalEndPoint}/cam");
await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
return 0;
