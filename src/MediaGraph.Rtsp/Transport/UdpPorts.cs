using System.Net;
using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Transport;

/// <summary>The UDP ports of a server or a client. Thread-safe.</summary>
/// <param name="range">From which ports pairs are taken, inclusive; null for any that the system gives.</param>
#pragma warning disable CS9113 // filled in with the next commit
internal sealed class UdpPorts((int First, int Last)? range) : IAsyncDisposable
{
    /// <summary>Opens a way for one track.</summary>
    /// <param name="local">The address to bind: that on which the RTSP connection came in.</param>
    /// <param name="remote">The peer's address: only datagrams from there count, and only there is sent.</param>
    /// <param name="remotePorts">The peer's ports; null where its answer will tell them (<see cref="UdpPath.SetRemote"/>).</param>
    /// <param name="onRtp">Takes an RTP packet, borrowed. Calls do not overlap for one path.</param>
    /// <param name="onRtcp">Takes an RTCP compound, borrowed.</param>
    /// <exception cref="IOException">There is no port left; the message says so.</exception>
    public UdpPath Open(IPAddress local, IPAddress remote, PortPair? remotePorts, UdpHandler? onRtp, UdpHandler? onRtcp) =>
        throw new NotImplementedException();

    /// <summary>Closes what is left.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
