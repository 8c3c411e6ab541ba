using System.Net;
using System.Net.Sockets;

namespace MediaGraph.LoadTest;

/// <summary>An even port for a track's RTP and the next one for its RTCP, RFC 3550, 11.</summary>
internal sealed class DatagramPorts : IDisposable
{
    private const int Attempts = 1000;
    private const int ReceiveBuffer = 4 << 20; // as much of it as the system allows

    private readonly Socket _reports; // nobody reads them
    private readonly Reception _packets;

    private DatagramPorts(int port, Socket packets, Socket reports, Action<ReadOnlySpan<byte>> take, Action<Exception> fail)
    {
        Port = port;
        _reports = reports;
        packets.ReceiveBufferSize = ReceiveBuffer;
        _packets = new Reception(packets, new byte[4096], take, fail);
    }

    /// <summary>Of RTP.</summary>
    public int Port { get; }

    /// <param name="server">Whose datagrams come: loopback's to loopback's address.</param>
    /// <param name="take">Takes an RTP packet.</param>
    /// <param name="fail">Takes the reason when no more can come.</param>
    public static DatagramPorts Bind(IPAddress server, Action<ReadOnlySpan<byte>> take, Action<Exception> fail)
    {
        var any = server.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        var address = IPAddress.IsLoopback(server) ? server : any;
        for (var i = 0; i < Attempts; i++)
        {
            var packets = Open(address, 0);
            if (packets is null)
                continue;
            var port = ((IPEndPoint)packets.LocalEndPoint!).Port;
            if (port % 2 == 0 && Open(address, port + 1) is { } reports)
                return new DatagramPorts(port, packets, reports, take, fail);
            packets.Dispose();
        }

        throw new IOException("There is no free pair of ports.");
    }

    public void StartReceiving() => _packets.Start();

    public void Dispose()
    {
        _packets.Dispose();
        _reports.Dispose();
    }

    private static Socket? Open(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
