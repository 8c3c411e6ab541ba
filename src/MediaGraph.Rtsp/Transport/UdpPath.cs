using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Transport;

/// <summary>One track's way over UDP: our two ports, and those of the peer. Thread-safe.</summary>
internal sealed class UdpPath : IAsyncDisposable
{
    /// <summary>Our ports, an even one for RTP and the next for RTCP.</summary>
    public PortPair LocalPorts => throw new NotImplementedException();

    /// <summary>Datagrams that came from elsewhere than the peer, and went nowhere.</summary>
    public long Ignored => throw new NotImplementedException();

    /// <summary>Where the peer is; its ports become known with its answer, or with its first packet.</summary>
    public void SetRemote(PortPair ports) => throw new NotImplementedException();

    /// <summary>Sends the datagrams of a <see cref="Rtp.DatagramImage"/>, and never waits. False when the system took not all of them.</summary>
    public bool TrySend(ReadOnlySpan<byte> image) => throw new NotImplementedException();

    /// <summary>Sends an RTCP compound, and never waits; what the system does not take is lost.</summary>
    public void SendRtcp(ReadOnlySpan<byte> compound) => throw new NotImplementedException();

    /// <summary>Sends an empty RTP packet and a report from both ports, so that a network address translator lets answers in.</summary>
    public void Punch() => throw new NotImplementedException();

    /// <summary>Closes the ports, unless others share them; when it returns, none of the handlers runs.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
