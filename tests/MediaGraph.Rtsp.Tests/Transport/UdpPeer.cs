using System.Net;
using System.Net.Sockets;
using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Tests.Transport;

/// <summary>The other side of a path: two sockets, used by hand.</summary>
internal sealed class UdpPeer : IDisposable
{
    private readonly byte[] _buffer = new byte[65_536];
    private readonly Socket _rtp;
    private readonly Socket _rtcp;

    /// <summary>Binds ports that need not be neighbours.</summary>
    /// <param name="address">All of 127.0.0.0/8 are addresses of this machine.</param>
    public UdpPeer(string address = "127.0.0.1")
    {
        Address = IPAddress.Parse(address);
        (_rtp, _rtcp) = (Bind(), Bind());
        Ports = new PortPair(PortOf(_rtp), PortOf(_rtcp));
    }

    public IPAddress Address { get; }

    public PortPair Ports { get; }

    /// <summary>Bytes that wait, of RTP.</summary>
    public int Available => _rtp.Available;

    public void SendRtp(int port, params byte[] datagram) => Send(_rtp, port, datagram);

    public void SendRtcp(int port, params byte[] datagram) => Send(_rtcp, port, datagram);

    public Task<(byte[] Datagram, int Port)> ReceiveRtpAsync() => ReceiveAsync(_rtp);

    public Task<(byte[] Datagram, int Port)> ReceiveRtcpAsync() => ReceiveAsync(_rtcp);

    public void Dispose()
    {
        _rtp.Dispose();
        _rtcp.Dispose();
    }

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private Socket Bind()
    {
        var socket = new Socket(Address.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 20 };
        socket.Bind(new IPEndPoint(Address, 0));
        return socket;
    }

    private void Send(Socket socket, int port, byte[] datagram)
    {
        var address = Address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        socket.SendTo(datagram, new IPEndPoint(address, port));
    }

    private async Task<(byte[] Datagram, int Port)> ReceiveAsync(Socket socket)
    {
        var any = new IPEndPoint(Address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        var result = await socket.ReceiveFromAsync(_buffer, SocketFlags.None, any, patience.Token);
        return (_buffer[..result.ReceivedBytes], ((IPEndPoint)result.RemoteEndPoint).Port);
    }
}
