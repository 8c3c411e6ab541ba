using System.Collections.Concurrent;
using System.Net;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// The HTTP tunnels of a server, by their cookie, the address that both of their connections come from, and whether both go over TLS: what
/// one of them says in secret is not said in the open on the other. Thread-safe.
/// </summary>
internal sealed class HttpTunnels
{
    private readonly ConcurrentDictionary<(IPAddress Address, string Protocol, string Cookie), HttpTunnel> _tunnels = new();

    /// <summary>Registers a tunnel; false when the address has one of that cookie.</summary>
    public bool TryAdd(IPAddress address, string protocol, string cookie, HttpTunnel tunnel) =>
        _tunnels.TryAdd((address, protocol, cookie), tunnel);

    /// <summary>The tunnel that a POST belongs to; null when there is none.</summary>
    public HttpTunnel? Find(IPAddress address, string protocol, string cookie) => _tunnels.GetValueOrDefault((address, protocol, cookie));

    /// <summary>The tunnel's session has ended.</summary>
    public void Remove(IPAddress address, string protocol, string cookie, HttpTunnel tunnel) =>
        _tunnels.TryRemove(new KeyValuePair<(IPAddress, string, string), HttpTunnel>((address, protocol, cookie), tunnel));
}
