using System.Net;
using System.Net.Sockets;

namespace MediaGraph.LoadTest;

/// <summary>Where the server is, and the application there.</summary>
internal sealed record Target(IPEndPoint EndPoint, string App, string Url)
{
    /// <exception cref="SocketException">The name of the host means nothing.</exception>
    public static async Task<Target> ResolveAsync(LoadOptions options, CancellationToken stop)
    {
        var addresses = await Dns.GetHostAddressesAsync(options.Host, stop).ConfigureAwait(false);
        return new Target(new IPEndPoint(addresses[0], options.Port), options.App, $"rtmp://{options.Host}:{options.Port}/{options.App}");
    }
}
