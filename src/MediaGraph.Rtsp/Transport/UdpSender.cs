using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MediaGraph.Rtsp.Transport;

/// <summary>From where a datagram came, read without allocation from what the system tells.</summary>
/// <param name="Address">The address's bytes as a number.</param>
/// <param name="Port">The port.</param>
internal readonly record struct UdpSender(UInt128 Address, int Port)
{
    /// <summary>Reads a socket address of either family. The sockets are of one family each, so none is mapped into the other.</summary>
    public static UdpSender Read(SocketAddress address)
    {
        // struct sockaddr_in and sockaddr_in6 are alike on all systems: family, port, for version 6 a flow label, address.
        var bytes = address.Buffer.Span;
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return new UdpSender(
            address.Family == AddressFamily.InterNetworkV6
                ? BinaryPrimitives.ReadUInt128BigEndian(bytes[8..])
                : BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            port);
    }
}
