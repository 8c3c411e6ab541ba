using System.Buffers.Binary;
using System.Net;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;

namespace MediaGraph.Rtsp.Transport;

/// <summary>One track's way over UDP: our two ports, and those of the peer. Thread-safe.</summary>
internal sealed class UdpPath : IAsyncDisposable
{
    private const int MaxSegments = 64; // of the kernel, UDP_MAX_SEGMENTS
    private const int MaxBytes = 65_507; // of a datagram over IPv4, and so of one call
    private const int Closed = 1 << 30;

    private readonly UdpPorts _ports;
    private readonly UdpHandler? _onRtp;
    private readonly UdpHandler? _onRtcp;
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private UdpPair? _pair; // set once, before anyone else knows the path
    private int _calls; // handlers that run, and Closed
    private int _maxSegment; // the longest packets that go to the peer several at a time, in bytes
    private long _failures;

    /// <summary>Creates one, which is no pair's yet.</summary>
    /// <param name="ports">The owner.</param>
    /// <param name="remote">The peer's address.</param>
    /// <param name="remotePorts">Its ports, if they are known.</param>
    /// <param name="onRtp">Takes RTP.</param>
    /// <param name="onRtcp">Takes RTCP.</param>
    /// <param name="segments">Whether to send several packets in one call.</param>
    public UdpPath(
        UdpPorts ports, IPAddress remote, PortPair? remotePorts, UdpHandler? onRtp, UdpHandler? onRtcp, bool segments)
    {
        _ports = ports;
        _onRtp = onRtp;
        _onRtcp = onRtcp;
        _maxSegment = segments ? MaxBytes : 0;
        PeerAddress = UdpSender.Read(new IPEndPoint(remote, 0).Serialize()).Address;
        RtpPort = new UdpPeerPort(remote, remotePorts?.Rtp);
        RtcpPort = new UdpPeerPort(remote, remotePorts?.Rtcp);
    }

    /// <summary>Our ports, an even one for RTP and the next for RTCP.</summary>
    public PortPair LocalPorts => Pair.Ports;

    /// <summary>Datagrams that came to our ports from elsewhere than their peers, and went nowhere.</summary>
    public long Ignored => Pair.Ignored;

    /// <summary>Datagrams whose handler threw.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>The peer's address, as datagrams show it.</summary>
    public UInt128 PeerAddress { get; }

    /// <summary>The peer's port for RTP.</summary>
    public UdpPeerPort RtpPort { get; }

    /// <summary>The peer's port for RTCP.</summary>
    public UdpPeerPort RtcpPort { get; }

    /// <summary>The sockets, perhaps shared. Set by the owner.</summary>
    public UdpPair Pair
    {
        get => _pair!;
        set => _pair = value;
    }

    /// <summary>Where the peer is; its ports become known with its answer, or with its first packet.</summary>
    public void SetRemote(PortPair ports)
    {
        RtpPort.Announce(ports.Rtp);
        RtcpPort.Announce(ports.Rtcp);
    }

    /// <summary>
    /// Sends the datagrams of a <see cref="DatagramImage"/>, and never waits. False when the system took not all of them. While the peer's
    /// port is unknown, and after the end, all of them are lost on the way.
    /// </summary>
    public bool TrySend(ReadOnlySpan<byte> image)
    {
        if (RtpPort.Target is not { } target)
            return true;
        var bounds = 2 + (2 * BinaryPrimitives.ReadUInt16BigEndian(image));
        var lengths = image[2..bounds];
        var packets = image[bounds..];
        while (!lengths.IsEmpty)
        {
            var segment = BinaryPrimitives.ReadUInt16BigEndian(lengths);
            var count = CountGroup(lengths, segment, out var total);
            switch (Pair.Rtp.Send(packets[..total], segment, target))
            {
                case UdpSendResult.Full:
                    return false;
                case UdpSendResult.SegmentTooLarge:
                    Volatile.Write(ref _maxSegment, segment - 1);
                    continue; // once more, one by one
                case UdpSendResult.CannotSegment:
                    Volatile.Write(ref _maxSegment, 0);
                    continue;
            }

            lengths = lengths[(2 * count)..];
            packets = packets[total..];
        }

        return true;
    }

    /// <summary>Sends one RTP packet, and never waits; what the system does not take is lost.</summary>
    public void SendRtp(ReadOnlySpan<byte> packet)
    {
        if (RtpPort.Target is { } target)
            Pair.Rtp.Send(packet, packet.Length, target);
    }

    /// <summary>Sends an RTCP compound, and never waits; what the system does not take is lost.</summary>
    public void SendRtcp(ReadOnlySpan<byte> compound)
    {
        if (RtcpPort.Target is { } target)
            Pair.Rtcp.Send(compound, compound.Length, target);
    }

    /// <summary>Sends an empty RTP packet and a report from both ports, so that a network address translator lets answers in.</summary>
    public void Punch()
    {
        if (RtpPort.Target is { } target)
        {
            Span<byte> packet = stackalloc byte[RtpHeader.Length];
            default(RtpHeader).Write(packet);
            Pair.Rtp.Send(packet, packet.Length, target);
        }

        // A receiver report of nobody about nobody, without a description: the form that servers know from other clients.
        SendRtcp([0x80, (byte)RtcpPacketType.ReceiverReport, 0, 1, 0, 0, 0, 0]);
    }

    /// <summary>Runs a handler, unless the path is closed. Called by the pair's loops.</summary>
    public void Deliver(ReadOnlySpan<byte> datagram, bool isRtp)
    {
        try
        {
            if (Interlocked.Increment(ref _calls) < Closed)
                (isRtp ? _onRtp : _onRtcp)?.Invoke(datagram);
        }
        catch (Exception)
        {
            Interlocked.Increment(ref _failures); // the loop serves others too
        }
        finally
        {
            if (Interlocked.Decrement(ref _calls) == Closed)
                _idle.TrySetResult();
        }
    }

    /// <summary>Closes the ports, unless others share them; when it returns, none of the handlers runs. These do not await it.</summary>
    public async ValueTask DisposeAsync()
    {
        _ports.Close(this);
        if (Interlocked.Or(ref _calls, Closed) == 0)
            _idle.TrySetResult();
        await _idle.Task.ConfigureAwait(false);
        if (Pair.IsClosed)
            await Pair.Completion.ConfigureAwait(false);
        _ports.Forget(this);
    }

    // Packets of one length, of which the last may be shorter, go out in one call.
    private int CountGroup(ReadOnlySpan<byte> lengths, int segment, out int total)
    {
        total = segment;
        if (segment > Volatile.Read(ref _maxSegment))
            return 1;
        var most = Math.Min(lengths.Length / 2, MaxSegments);
        for (var count = 1; count < most; count++)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(lengths[(2 * count)..]);
            if (length > segment || length == 0 || total + length > MaxBytes)
                return count;
            total += length;
            if (length < segment)
                return count + 1;
        }

        return most;
    }
}
