using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MediaGraph.Rtsp.Transport;

/// <summary>
/// A socket that sends without waiting, exceptions, or allocation, several datagrams in one call where the system can. It stays
/// unconnected, because several peers may share it, and because a connected one would not see the first datagram from behind a
/// network address translator. Thread-safe.
/// </summary>
internal sealed class UdpSocket : IDisposable
{
    private const int BufferBytes = 1 << 20; // for each direction; the system has a lower limit by default (212,992 on Linux)
    private const int Udp = 17; // SOL_UDP and UDP_SEGMENT of Linux; .NET has no names for them
    private const int Segment = 103;
    private const int CarefulSends = 1024;

    private readonly Lock _sending = new();
    private readonly Socket _socket;
    private int _segment; // the size that is set; 0 for none. Guarded by _sending, like all below
    private int _carefulSends; // how many sends still ask first whether there is room
    private bool _isClosed;

    /// <summary>Binds.</summary>
    /// <param name="local">The address.</param>
    /// <param name="port">0 for one that the system chooses.</param>
    /// <exception cref="SocketException">That is impossible.</exception>
    public UdpSocket(IPAddress local, int port)
    {
        _socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            _socket.SendBufferSize = BufferBytes;
            _socket.ReceiveBufferSize = BufferBytes;
            if (local.AddressFamily == AddressFamily.InterNetwork)
                _socket.DontFragment = false; // a tunnel on the way may be narrower than the publisher's packets
            _socket.Bind(new IPEndPoint(local, port));
            _socket.Blocking = false;
            Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Our port.</summary>
    public int Port { get; }

    /// <summary>Sends, and never waits. On a closed socket all is lost.</summary>
    /// <param name="datagrams">Datagrams without gaps.</param>
    /// <param name="segment">The length of each but the last, which may be shorter.</param>
    /// <param name="target">Where to.</param>
    public UdpSendResult Send(ReadOnlySpan<byte> datagrams, int segment, SocketAddress target)
    {
        lock (_sending) // the size of segments is the socket's
        {
            try
            {
                if (_isClosed)
                    return UdpSendResult.Done;
                if (_carefulSends > 0 && !IsWritableLocked())
                    return UdpSendResult.Full;
                // A datagram that is no longer than a segment goes out as it is, so the size stays set from run to run.
                if (segment < datagrams.Length ? !TrySetSegmentLocked(segment) : datagrams.Length > _segment && !TrySetSegmentLocked(0))
                    return segment < datagrams.Length ? UdpSendResult.CannotSegment : UdpSendResult.Done;
                _socket.SendTo(datagrams, SocketFlags.None, target);
                return UdpSendResult.Done;
            }
            catch (SocketException e)
            {
                return ReadErrorLocked(e.SocketErrorCode);
            }
            catch (ObjectDisposedException)
            {
                return UdpSendResult.Done;
            }
        }
    }

    /// <summary>Receives one datagram.</summary>
    /// <param name="buffer">What is longer than this is cut.</param>
    /// <param name="sender">Set to whence it came.</param>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, SocketAddress sender) =>
        _socket.ReceiveFromAsync(buffer, SocketFlags.None, sender);

    /// <summary>Closes. A receive that waits fails.</summary>
    public void Dispose()
    {
        lock (_sending)
            _isClosed = true;
        _socket.Dispose();
    }

    // SendTo with a SocketAddress allocates nothing, but tells of a full buffer by an exception alone; the form of Send that returns
    // the error needs a connected socket. So the first exception is taken, and the sends after it look first, until there was room for a
    // while: 20,000 sends into a full buffer meet one exception, and take 2 µs each. A socket that keeps up pays nothing.
    private bool IsWritableLocked()
    {
        var isWritable = _socket.Poll(0, SelectMode.SelectWrite);
        _carefulSends = isWritable ? _carefulSends - 1 : CarefulSends;
        return isWritable;
    }

    private bool TrySetSegmentLocked(int size)
    {
        if (size == _segment)
            return true;
        try
        {
            _socket.SetRawSocketOption(Udp, Segment, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in size)));
            _segment = size;
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private UdpSendResult ReadErrorLocked(SocketError error)
    {
        switch (error)
        {
            case SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable:
                _carefulSends = CarefulSends;
                return UdpSendResult.Full;
            case SocketError.MessageSize or SocketError.InvalidArgument when _segment != 0 && TrySetSegmentLocked(0):
                return UdpSendResult.SegmentTooLarge; // while a size is set, nothing is fragmented
            case SocketError.SocketError when _segment != 0 && TrySetSegmentLocked(0):
                return UdpSendResult.CannotSegment; // EIO: the device, or an encrypted way
            default:
                return UdpSendResult.Done; // refused, unreachable, forbidden: as if lost on the way
        }
    }
}
