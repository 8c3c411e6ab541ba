using System.Net;
using System.Net.Sockets;

namespace MediaGraph.LoadTest;

/// <summary>Where the server is, the application there, and what it speaks.</summary>
/// <param name="IsRtsp">Not RTMP.</param>
/// <param name="IsUdp">Media comes in datagrams, of which some may be lost.</param>
internal sealed record Target(IPEndPoint EndPoint, string App, string Url, bool IsRtsp = false, bool IsUdp = false)
{
    /// <summary>Of a name with several addresses, the first of IPv4 if there is one.</summary>
    /// <exception cref="SocketException">The name of the host means nothing.</exception>
    public static async Task<Target> ResolveAsync(LoadOptions options, CancellationToken stop)
    {
        var addresses = await Dns.GetHostAddressesAsync(options.Host, stop).ConfigureAwait(false);
        var address = addresses.FirstOrDefault(one => one.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
        return new Target(new IPEndPoint(address, options.Port), options.App, options.Url, options.IsRtsp, options.IsUdp);
    }
}
