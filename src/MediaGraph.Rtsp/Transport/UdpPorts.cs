using System.Net;
using System.Net.Sockets;
using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Transport;

/// <summary>
/// The UDP ports of a server or a client. Each path has a pair of its own, while there are any; of a range that is used up, pairs are
/// shared by paths whose peers can be told apart by address and port. Thread-safe.
/// </summary>
/// <param name="range">From which ports pairs are taken, inclusive; null for any that the system gives.</param>
/// <param name="segments">Whether runs of equal packets go out in one call, where the system can.</param>
internal sealed class UdpPorts((int First, int Last)? range, bool segments = true) : IAsyncDisposable
{
    private const int Attempts = 64; // at finding two neighbours that are free

    private readonly Lock _table = new();
    private readonly Dictionary<(IPAddress Local, int Port), UdpPair> _pairs = []; // guarded by _table, like all below
    private readonly HashSet<UdpPath> _paths = []; // until their end has come
    private int _next; // the pair of the range that has its turn
    private bool _isClosed;

    /// <summary>Opens a way for one track.</summary>
    /// <param name="local">The address to bind: that on which the RTSP connection came in.</param>
    /// <param name="remote">The peer's address: only datagrams from there count, and only there is sent.</param>
    /// <param name="remotePorts">The peer's ports; null where its answer will tell them (<see cref="UdpPath.SetRemote"/>).</param>
    /// <param name="onRtp">Takes an RTP packet, borrowed, perhaps before this returns. Its calls do not overlap for one path.</param>
    /// <param name="onRtcp">Takes an RTCP compound, likewise. It may run beside <paramref name="onRtp"/>.</param>
    /// <exception cref="IOException">There is no port left; the message says so.</exception>
    public UdpPath Open(IPAddress local, IPAddress remote, PortPair? remotePorts, UdpHandler? onRtp, UdpHandler? onRtcp)
    {
        remote = Unmap(remote);
        local = Unmap(local);
        if (local.AddressFamily != remote.AddressFamily) // none of both reaches the other: all of ours, then
            local = remote.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;
        var path = new UdpPath(this, remote, remotePorts, onRtp, onRtcp, segments && OperatingSystem.IsLinux());
        try
        {
            lock (_table)
            {
                if (_isClosed)
                    throw new IOException("the UDP ports are closed");
                path.Pair = range is { } bounds
                    ? TakeOfRangeLocked(local, path, bounds.First, bounds.Last)
                    : TakeAnyLocked(local, path, takesMedia: onRtp is not null);
                _paths.Add(path);
                return path;
            }
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot open UDP ports on {local}: {e.Message}", e);
        }
    }

    /// <summary>Closes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        UdpPath[] paths;
        lock (_table)
        {
            _isClosed = true;
            paths = [.. _paths];
        }

        foreach (var path in paths)
            await path.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Takes a path out of its pair, which is closed with its last one. Idempotent.</summary>
    public void Close(UdpPath path)
    {
        lock (_table) // together with the sockets: who opens the next path finds the pair in use, or free to bind
        {
            if (path.Pair.IsClosed || !path.Pair.RemoveLocked(path))
                return;
            _pairs.Remove((path.Pair.Local, path.Pair.Ports.Rtp));
            path.Pair.Close();
        }
    }

    /// <summary>Nothing of a path runs any more.</summary>
    public void Forget(UdpPath path)
    {
        lock (_table)
            _paths.Remove(path);
    }

    private static IPAddress Unmap(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private UdpPair TakeAnyLocked(IPAddress local, UdpPath path, bool takesMedia)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (UdpPair.BindAny(local, takesMedia) is { } pair)
                return AddLocked(pair, path);
        }

        throw new IOException($"no pair of neighbouring UDP ports is free on {local}");
    }

    // A pair that may be shared takes media too: a path to come may need it, and the buffer is chosen before.
    private UdpPair TakeOfRangeLocked(IPAddress local, UdpPath path, int first, int last)
    {
        first += first & 1;
        var count = (last - first + 1) / 2;
        for (var i = 0; i < count; i++)
        {
            var turn = (_next + i) % count;
            var port = first + (2 * turn);
            if (_pairs.ContainsKey((local, port)) || UdpPair.Bind(local, port, takesMedia: true) is not { } pair)
                continue;
            _next = turn + 1;
            return AddLocked(pair, path);
        }

        for (var i = 0; i < count; i++)
        {
            var turn = (_next + i) % count;
            if (!_pairs.TryGetValue((local, first + (2 * turn)), out var pair) || !pair.TryAddLocked(path))
                continue;
            _next = turn + 1;
            return pair;
        }

        throw new IOException(count > 0
            ? $"no UDP port is left: all {count} pairs of {first}-{last} are in use on {local}, also by this peer or others"
            : $"no UDP port is left: {first}-{last} holds no pair of an even port and the next");
    }

    private UdpPair AddLocked(UdpPair pair, UdpPath path)
    {
        pair.TryAddLocked(path); // the first one always
        _pairs.Add((pair.Local, pair.Ports.Rtp), pair);
        return pair;
    }
}
