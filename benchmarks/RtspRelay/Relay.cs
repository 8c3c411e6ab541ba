using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MediaGraph.RtspRelay;

/// <summary>
/// The floor that RTSP servers are compared with: what .NET cannot do with less. Publishers come over TCP, viewers over TCP and UDP. On the
/// thread that received the end of an access unit, each viewer gets it as it came, in one non-blocking send; over UDP in one send with
/// segmentation offload (UDP_SEGMENT) for each run of packets of one size. There is no queue, no cache of the group of pictures, no check of
/// what comes, no timeout, no access control. A viewer starts at the next keyframe of H264, and at once with other video. One that is not
/// ready loses whole access units, wherever it goes on: only the rest of one that was sent in part is kept, and goes out first.
/// </summary>
internal sealed class Relay(IPEndPoint endPoint) : IDisposable
{
    private readonly Socket _listener = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentDictionary<Session, bool> _sessions = [];

    /// <summary>What is published, by the paths of URLs.</summary>
    public ConcurrentDictionary<string, Broadcast> Broadcasts { get; } = [];

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public void Start()
    {
        _listener.Bind(endPoint);
        _listener.Listen(512);
        _ = AcceptAsync();
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var session in _sessions.Keys)
            session.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync().ConfigureAwait(false);
                socket.NoDelay = true;
                _ = ServeAsync(new Session(this, socket));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Session session)
    {
        _sessions[session] = true;
        using (session)
            await session.RunAsync().ConfigureAwait(false);
        _sessions.TryRemove(session, out _);
    }
}
