using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace MediaGraph.Interop.Tests;

/// <summary>
/// Leads an RTSP connection on to a port of this machine, as over a network that lets no datagram through: client and server agree on UDP,
/// and each is told ports that nobody reads from as the other's.
/// </summary>
internal sealed partial class WayWithoutUdp : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly UdpClient[] _holes = [new(new IPEndPoint(IPAddress.Loopback, 0)), new(new IPEndPoint(IPAddress.Loopback, 0))];
    private readonly CancellationTokenSource _stop = new();
    private readonly int _port;
    private readonly Task _leading;

    public WayWithoutUdp(int port)
    {
        _port = port;
        _listener.Start();
        _leading = Task.Run(LeadAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _leading;
        foreach (var hole in _holes)
            hole.Dispose();
        _stop.Dispose();
    }

    // What is replaced has the same length as long as all ports have five digits.
    [GeneratedRegex("(?<=;(client|server)_port=)[0-9]{5}-[0-9]{5}")]
    private static partial Regex Ports();

    private async Task LeadAsync()
    {
        try
        {
            using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            using var server = new TcpClient();
            await server.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
            var (here, there) = (client.GetStream(), server.GetStream());
            await Task.WhenAll(CopyAsync(here, there), CopyAsync(there, here));
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
        {
            // the end
        }
    }

    // Each message comes in one piece, since it was sent so.
    private async Task CopyAsync(NetworkStream from, NetworkStream to)
    {
        var ports = string.Join('-', _holes.Select(hole => ((IPEndPoint)hole.Client.LocalEndPoint!).Port));
        var buffer = new byte[64 << 10];
        while (await from.ReadAsync(buffer, _stop.Token) is var count and > 0)
        {
            var text = Encoding.Latin1.GetString(buffer, 0, count);
            await to.WriteAsync(Encoding.Latin1.GetBytes(Ports().Replace(text, ports)), _stop.Token);
        }

        to.Socket.Shutdown(SocketShutdown.Send);
    }
}
