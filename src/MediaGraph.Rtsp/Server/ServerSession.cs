using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Transport;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// What one client set up: for playing or for recording. Only its connection's task changes it; the sweep sends reports and asks how it is.
/// </summary>
/// <param name="parts">What connections share.</param>
/// <param name="writer">The connection's.</param>
/// <param name="name">The stream's name.</param>
internal abstract class ServerSession(ServerParts parts, ConnectionWriter writer, string name)
{
    private const int FramingLength = 4;

    private readonly Lock _reportLock = new(); // guards the times of the reports, and whether any more are sent
    private ImmutableArray<SessionTrack> _tracks = [];
    private CloseReason? _endReason;
    private bool _saidGoodbye;
    private volatile bool _isRunning;

    /// <summary>The stream's name.</summary>
    public string Name => name;

    /// <summary>The tracks that were set up, in their order.</summary>
    public ImmutableArray<SessionTrack> Tracks => _tracks;

    /// <summary>Whether the media go interleaved; null before the first track.</summary>
    public bool? IsTcp => _tracks is [var first, ..] ? first.Path is null : null;

    /// <summary>Whether media are to flow.</summary>
    public bool IsRunning
    {
        get => _isRunning;
        protected set
        {
            _isRunning = value;
            WasRunning |= value;
        }
    }

    /// <summary>Whether media ever were to flow.</summary>
    public bool WasRunning { get; private set; }

    /// <summary>Why the session is over, though the connection's task has not ended it yet; null otherwise.</summary>
    public CloseReason? EndReason => Volatile.Read(ref _endReason);

    protected ServerParts Parts => parts;

    protected ConnectionWriter Writer => writer;

    /// <summary>Notes the session's end, for the connection's task to see; false when it was noted before. Called by anyone.</summary>
    public bool TryNoteEnd(CloseReason reason) => Interlocked.CompareExchange(ref _endReason, reason, null) is null;

    /// <summary>Sets a track up.</summary>
    /// <param name="key">Which of the description's media.</param>
    /// <param name="url">The control URL.</param>
    /// <param name="transport">How its media go, without our ports.</param>
    /// <param name="local">Our address.</param>
    /// <param name="remote">The client's.</param>
    /// <param name="onRtcp">Told that a report came, over UDP.</param>
    /// <exception cref="IOException">There is no port left.</exception>
    public SessionTrack SetUp(int key, string url, RtspTransport transport, IPAddress local, IPAddress remote, Action onRtcp)
    {
        var path = transport.IsTcp ? null : OpenPath(key, transport.ClientPorts!.Value, local, remote, onRtcp);
        var track = new SessionTrack(key, url, transport with { ServerPorts = path?.LocalPorts }, path);
        ImmutableInterlocked.Update(ref _tracks, static (all, added) => all.Add(added), track); // first, so that its path has an owner
        Add(track);
        return track;
    }

    /// <summary>Takes a track back, for it to be set up in another way. The session does not run.</summary>
    public async Task RemoveAsync(SessionTrack track)
    {
        lock (_reportLock) // no report of it is on its way
            ImmutableInterlocked.Update(ref _tracks, static (all, removed) => all.Remove(removed), track);
        if (track.Path is { } path)
            await path.DisposeAsync().ConfigureAwait(false);
        Remove(track);
    }

    /// <summary>Takes an interleaved frame; false when nothing was set up for its channel.</summary>
    public bool TryTake(byte channel, in ReadOnlySequence<byte> payload)
    {
        foreach (var track in _tracks)
        {
            if (!track.UsesChannel(channel))
                continue;
            var isRtcp = track.Transport.Interleaved!.Value.Rtcp == channel;
            if (payload.IsSingleSegment)
            {
                Take(track, isRtcp, payload.FirstSpan);
                return true;
            }

            var length = (int)payload.Length;
            var copy = ArrayPool<byte>.Shared.Rent(length);
            payload.CopyTo(copy);
            Take(track, isRtcp, copy.AsSpan(0, length));
            ArrayPool<byte>.Shared.Return(copy);
            return true;
        }

        return false;
    }

    /// <summary>Sends the reports that are due.</summary>
    public void SendReports(long now)
    {
        lock (_reportLock)
        {
            if (_saidGoodbye || !IsRunning)
                return;
            foreach (var track in _tracks)
            {
                if (track.LastReport is { } last && parts.Time.GetElapsedTime(last, now) < parts.Options.ReportInterval)
                    continue;
                if (TrySendReport(track, isLeaving: false))
                    track.LastReport = now;
            }
        }
    }

    /// <summary>Called every second: what is to be done then, and whether the session has ended by itself.</summary>
    /// <returns>Why it must be cut; null when it goes on.</returns>
    public abstract CloseReason? Tick(long now);

    /// <summary>Ends the session: nothing of it comes or goes any more. Called once.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="saysGoodbye">Whether the peer is told.</param>
    public async Task EndAsync(CloseReason reason, bool saysGoodbye)
    {
        try
        {
            Stop(reason);
            lock (_reportLock)
            {
                _saidGoodbye = true;
                foreach (var track in saysGoodbye ? _tracks : [])
                    TrySendReport(track, isLeaving: true);
            }
        }
        finally
        {
            foreach (var track in _tracks)
            {
                if (track.Path is { } path)
                    await path.DisposeAsync().ConfigureAwait(false);
            }

            await ReleaseAsync().ConfigureAwait(false);
        }
    }

    protected abstract void Add(SessionTrack track);

    /// <summary>Undoes <see cref="Add"/>.</summary>
    protected abstract void Remove(SessionTrack track);

    protected abstract UdpHandler? RtpHandlerOf(int key);

    protected abstract UdpHandler? RtcpHandlerOf(int key);

    protected abstract void Take(SessionTrack track, bool isRtcp, ReadOnlySpan<byte> packet);

    /// <summary>Ends what feeds, or is fed.</summary>
    protected abstract void Stop(CloseReason reason);

    /// <summary>Gives back what is left.</summary>
    protected virtual ValueTask ReleaseAsync() => ValueTask.CompletedTask;

    /// <summary>Writes a report of a track; 0 bytes when there is nothing to report.</summary>
    protected abstract int WriteReport(SessionTrack track, Span<byte> destination, bool isLeaving);

    private UdpPath OpenPath(int key, PortPair clientPorts, IPAddress local, IPAddress remote, Action onRtcp)
    {
        var (onRtp, onReport) = (RtpHandlerOf(key), RtcpHandlerOf(key));
        return parts.Ports.Open(local, remote, clientPorts, onRtp, compound =>
        {
            onRtcp();
            onReport?.Invoke(compound);
        });
    }

    private bool TrySendReport(SessionTrack track, bool isLeaving)
    {
        Span<byte> frame = stackalloc byte[FramingLength + RtcpWriter.MaxLength];
        var length = WriteReport(track, frame[FramingLength..], isLeaving);
        if (length == 0)
            return false;
        if (track.Path is { } path)
        {
            path.SendRtcp(frame.Slice(FramingLength, length));
            return true;
        }

        (frame[0], frame[1]) = ((byte)'$', (byte)track.Transport.Interleaved!.Value.Rtcp);
        BinaryPrimitives.WriteUInt16BigEndian(frame[2..], (ushort)length);
        return writer.Send(frame[..(FramingLength + length)]);
    }
}
