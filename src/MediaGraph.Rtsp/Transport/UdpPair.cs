using System.Net;
using System.Net.Sockets;
using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Transport;

/// <summary>
/// Two sockets, their two receive loops, and the paths that use them. The owner, <see cref="UdpPorts"/>, changes the table of paths
/// under its lock; the loops read it without one.
/// </summary>
internal sealed class UdpPair
{
    // No sender of a report needs more. RTP may come in datagrams of any size on a local network.
    private const int ReportBytes = 2 << 10;
    private const int MediaBytes = 64 << 10;
    private const int DatagramsPerTurn = 64;
    private const int MostGone = 64;
    private const int FewErrors = 16; // in a row; refusals by a peer come one by one
    private static readonly TimeSpan ErrorPause = TimeSpan.FromMilliseconds(10);

    private readonly UdpSocket _rtp;
    private readonly UdpSocket _rtcp;
    private volatile UdpPath[] _paths = []; // copied on write
    private volatile UdpSender[] _gone = []; // the last peers that left: what they still send is no newcomer's. Copied on write
    private long _ignored;
    private volatile bool _isClosed;

    private UdpPair(IPAddress local, UdpSocket rtp, UdpSocket rtcp, bool takesMedia)
    {
        Local = local;
        (_rtp, _rtcp) = (rtp, rtcp);
        Ports = new PortPair(rtp.Port, rtcp.Port);
        Completion = Task.WhenAll(
            Task.Run(() => ReceiveAsync(rtp, isRtp: true, takesMedia ? MediaBytes : ReportBytes)),
            Task.Run(() => ReceiveAsync(rtcp, isRtp: false, ReportBytes)));
    }

    /// <summary>Our address.</summary>
    public IPAddress Local { get; }

    /// <summary>Our ports.</summary>
    public PortPair Ports { get; }

    /// <summary>Sends RTP.</summary>
    public UdpSocket Rtp => _rtp;

    /// <summary>Sends RTCP.</summary>
    public UdpSocket Rtcp => _rtcp;

    /// <summary>Datagrams that were no path's.</summary>
    public long Ignored => Volatile.Read(ref _ignored);

    /// <summary>Whether the ports are closed.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>Completes when the loops have ended; never fails.</summary>
    public Task Completion { get; }

    /// <summary>Binds a pair that the system chooses; null when the port beside its choice is taken.</summary>
    /// <inheritdoc cref="Bind"/>
    public static UdpPair? BindAny(IPAddress local, bool takesMedia)
    {
        var first = new UdpSocket(local, 0);
        try
        {
            var second = new UdpSocket(local, first.Port ^ 1);
            return first.Port < second.Port ? new(local, first, second, takesMedia) : new(local, second, first, takesMedia);
        }
        catch (SocketException e)
        {
            first.Dispose();
            if (!IsTaken(e))
                throw;
            return null;
        }
    }

    /// <summary>Binds a given pair; null when one of its ports is taken.</summary>
    /// <param name="local">The address.</param>
    /// <param name="port">That for RTP, an even one.</param>
    /// <param name="takesMedia">Whether RTP comes in, and not only goes out.</param>
    /// <exception cref="SocketException">It fails for another reason.</exception>
    public static UdpPair? Bind(IPAddress local, int port, bool takesMedia)
    {
        UdpSocket? rtp = null;
        try
        {
            rtp = new UdpSocket(local, port);
            return new UdpPair(local, rtp, new UdpSocket(local, port + 1), takesMedia);
        }
        catch (SocketException e)
        {
            rtp?.Dispose();
            if (!IsTaken(e))
                throw;
            return null;
        }
    }

    /// <summary>Takes a path in, unless its peer's datagrams could not be told from another one's. Under the owner's lock.</summary>
    public bool TryAddLocked(UdpPath path)
    {
        foreach (var other in _paths)
        {
            if (other.PeerAddress == path.PeerAddress
                && (Collide(other.RtpPort, path.RtpPort) || Collide(other.RtcpPort, path.RtcpPort)))
                return false;
        }

        _paths = [.. _paths, path];
        return true;
    }

    /// <summary>Takes a path out. Under the owner's lock.</summary>
    /// <returns>Whether none is left.</returns>
    public bool RemoveLocked(UdpPath path)
    {
        if (_paths.Contains(path))
        {
            var address = path.PeerAddress;
            _gone = [.. _gone.TakeLast(MostGone - 2), new(address, path.RtpPort.Number), new(address, path.RtcpPort.Number)];
        }

        _paths = [.. _paths.Where(other => other != path)];
        return _paths.Length == 0;
    }

    /// <summary>Closes the ports; the loops end soon. Idempotent.</summary>
    public void Close()
    {
        _isClosed = true;
        _rtp.Dispose();
        _rtcp.Dispose();
    }

    private static bool IsTaken(SocketException e) => e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied;

    private static bool Collide(UdpPeerPort one, UdpPeerPort other) =>
        one.Number == 0 || other.Number == 0 || one.Number == other.Number;

    private async Task ReceiveAsync(UdpSocket socket, bool isRtp, int length)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(length);
        var sender = new SocketAddress(Local.AddressFamily);
        var errors = 0;
        for (var turn = 1; !_isClosed; turn++)
        {
            try
            {
                var received = await socket.ReceiveAsync(buffer, sender).ConfigureAwait(false);
                Deliver(buffer.AsSpan(0, received), UdpSender.Read(sender), isRtp, isCut: received == length);
                errors = 0;
            }
            catch (Exception)
            {
                // What an earlier datagram met on its way is told here, and says nothing about the next one. Or the socket is closed.
                errors++;
            }

            if (errors > FewErrors)
                await Task.Delay(ErrorPause, TimeProvider.System).ConfigureAwait(false);
            else if (turn % DatagramsPerTurn == 0)
                await Task.Yield(); // a flood does not hold the thread
        }
    }

    private void Deliver(ReadOnlySpan<byte> datagram, UdpSender sender, bool isRtp, bool isCut)
    {
        if (isCut || Find(sender, isRtp) is not { } path)
            Interlocked.Increment(ref _ignored);
        else
            path.Deliver(datagram, isRtp);
    }

    // By the port in use, else by the announced one; else it is the peer's if no other peer has the address.
    private UdpPath? Find(UdpSender sender, bool isRtp)
    {
        UdpPath? candidate = null;
        var isAnnounced = false;
        var others = 0;
        foreach (var path in _paths)
        {
            if (path.PeerAddress != sender.Address)
                continue;
            var port = PortOf(path);
            if (port.Number == sender.Port && port.Accepts(sender.Port, mayLearn: false))
                return path;
            if (isAnnounced)
                continue;
            isAnnounced = port.Announced == sender.Port;
            candidate = path;
            others++;
        }

        if (candidate is null)
            return null;
        var mayLearn = others == 1 && !_gone.Contains(sender);
        return PortOf(candidate).Accepts(sender.Port, mayLearn) ? candidate : null;

        UdpPeerPort PortOf(UdpPath path) => isRtp ? path.RtpPort : path.RtcpPort;
    }
}
