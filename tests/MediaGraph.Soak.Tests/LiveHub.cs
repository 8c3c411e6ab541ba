using System.Net;
using MediaGraph.Relays;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Server;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Tapo;
using MediaGraph.Testing;

namespace MediaGraph.Soak.Tests;

/// <summary>A hub with all that stands around it, on ports that the system chose.</summary>
internal sealed class LiveHub : IAsyncDisposable
{
    private LiveHub(StreamHubOptions options, TestLog log)
    {
        var anyPort = new IPEndPoint(IPAddress.Loopback, 0);
        Hub = new StreamHub(options, log);
        Rtmp = new RtmpServer(Hub, new RtmpServerOptions { EndPoint = anyPort }, log);
        Rtsp = new RtspServer(Hub, new RtspServerOptions { EndPoint = anyPort }, log);
        RtmpClient = new RtmpClient(Hub, null, log);
        RtspClient = new RtspClient(Hub, null, log);
        Tapo = new TapoSourceProtocol(null, log);
        Hub.AddSourceProtocol(new RtmpSourceProtocol(RtmpClient));
        Hub.AddSourceProtocol(new RtspSourceProtocol(RtspClient));
        Hub.AddSourceProtocol(Tapo);
        Hub.AddRelayProtocol(new RtmpRelayProtocol(RtmpClient));
        Hub.AddRelayProtocol(new RtspRelayProtocol(RtspClient));
    }

    /// <summary>Everything is tried again soon, and stops soon.</summary>
    public static StreamHubOptions Fast { get; } = new()
    {
        WaitForPublisher = TimeSpan.FromSeconds(1),
        Sources = new SourceOptions
        {
            Linger = TimeSpan.FromMilliseconds(100),
            MinBackoff = TimeSpan.FromMilliseconds(100),
            MaxBackoff = TimeSpan.FromSeconds(1),
            SilenceLimit = TimeSpan.FromSeconds(2),
            MaxSessionsPerMinute = 6000,
        },
        Relays = new RelayOptions
        {
            MinBackoff = TimeSpan.FromMilliseconds(100),
            MaxBackoff = TimeSpan.FromSeconds(1),
            MaxSessionsPerMinute = 6000,
        },
    };

    public StreamHub Hub { get; }

    public RtmpServer Rtmp { get; }

    public RtspServer Rtsp { get; }

    public RtmpClient RtmpClient { get; }

    public RtspClient RtspClient { get; }

    public TapoSourceProtocol Tapo { get; }

    /// <summary>Of servers and clients, with what they are connected to.</summary>
    public int Connections => Rtmp.Connections + Rtsp.Connections + RtmpClient.Connections + RtspClient.Connections + Tapo.Connections;

    public static async Task<LiveHub> StartAsync(TestLog log, StreamHubOptions? options = null)
    {
        var live = new LiveHub(options ?? Fast, log);
        await live.Rtmp.StartAsync();
        await live.Rtsp.StartAsync();
        return live;
    }

    public string RtmpUrl(string stream) => $"rtmp://{Rtmp.LocalEndPoint}/{stream}";

    public string RtspUrl(string stream) => $"rtsp://{Rtsp.LocalEndPoint}/{stream}";

    public async ValueTask DisposeAsync()
    {
        await Rtmp.DisposeAsync();
        await Rtsp.DisposeAsync();
        await Hub.DisposeAsync();
        await RtmpClient.DisposeAsync();
        await RtspClient.DisposeAsync();
        Tapo.Dispose();
    }
}
