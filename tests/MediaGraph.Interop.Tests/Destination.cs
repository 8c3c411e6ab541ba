using System.Globalization;
using System.Net;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;

namespace MediaGraph.Interop.Tests;

/// <summary>Another hub with one server, of the scheme that a relay pushes by; on a port of its own, or the one of a server before it.</summary>
internal sealed class Destination : IAsyncDisposable
{
    private readonly TestLog _log = new();
    private readonly string _scheme;
    private IAsyncDisposable _server = null!;

    private Destination(string scheme)
    {
        _scheme = scheme;
        Hub = new StreamHub(null, _log);
    }

    public StreamHub Hub { get; }

    public int Port { get; private set; }

    public static async Task<Destination> StartAsync(string scheme, int port = 0)
    {
        var destination = new Destination(scheme);
        var endPoint = new IPEndPoint(IPAddress.Loopback, port);
        if (scheme == "rtmp")
        {
            var server = new RtmpServer(destination.Hub, new RtmpServerOptions { EndPoint = endPoint }, destination._log);
            await server.StartAsync();
            (destination._server, destination.Port) = (server, server.LocalEndPoint!.Port);
        }
        else
        {
            var server = new RtspServer(destination.Hub, new RtspServerOptions { EndPoint = endPoint }, destination._log);
            await server.StartAsync();
            (destination._server, destination.Port) = (server, server.LocalEndPoint!.Port);
        }

        return destination;
    }

    public string Url(string stream) => string.Create(CultureInfo.InvariantCulture, $"{_scheme}://127.0.0.1:{Port}/{stream}");

    /// <summary>Waits until pictures and sound have come in, so many packets of each.</summary>
    public Task WaitForMediaAsync(string stream, int packets = 20) => Eventually.Async(
        () => Hub.Find(stream)?.GetSnapshot() is { Feed: { } feed } && feed.VideoPackets >= packets && feed.AudioPackets >= packets,
        $"{packets} packets of pictures and of sound of {stream}");

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await Hub.DisposeAsync();
        _log.Dispose();
    }
}
