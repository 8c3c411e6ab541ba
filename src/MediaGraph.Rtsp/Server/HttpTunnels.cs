using System.Collections.Concurrent;
using System.Net;

namespace MediaGraph.Rtsp.Server;

/// <summary>The HTTP tunnels of a server, by their cookie and the address that both of their connections come from. Thread-safe.</summary>
internal sealed class HttpTunnels
{
    private readonly ConcurrentDictionary<(IPAddress Address, string Cookie), HttpTunnel> _tunnels = new();

    /// <summary>Registers a tunnel; false when the address has one of that cookie.</summary>
    public bool TryAdd(IPAddress address, string cookie, HttpTunnel tunnel) => _tunnels.TryAdd((address, cookie), tunnel);

    /// <summary>The tunnel that a POST belongs to; null when there is none.</summary>
    public HttpTunnel? Find(IPAddress address, string cookie) => _tunnels.GetValueOrDefault((address, cookie));

    /// <summary>The tunnel's session has ended.</summary>
    public void Remove(IPAddress address, string cookie, HttpTunnel tunnel) =>
        _tunnels.TryRemove(new KeyValuePair<(IPAddress, string), HttpTunnel>((address, cookie), tunnel));
}
