using System.Net;
using System.Net.Sockets;

namespace MediaGraph.Testing;

/// <summary>Ports of the loopback address on which nobody listens, for programs that cannot choose one themselves.</summary>
public static class FreePort
{
    /// <summary>Asks the system for one; another process may take it meanwhile.</summary>
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
