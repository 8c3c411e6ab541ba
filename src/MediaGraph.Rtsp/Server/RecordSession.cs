using System.Diagnostics.CodeAnalysis;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Security;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Server;

/// <summary>A publisher's session: its packets become the frames of a feed.</summary>
/// <param name="parts">What connections share.</param>
/// <param name="writer">The connection's.</param>
/// <param name="name">The stream's name.</param>
/// <param name="description">What was announced.</param>
[SuppressMessage("Design", "CA1001", Justification = "EndAsync, the one way out, disposes of what it owns.")]
internal sealed class RecordSession(ServerParts parts, ConnectionWriter writer, string name, SdpSession description)
    : ServerSession(parts, writer, name)
{
    private readonly RtpFeed _rtp = new(parts.Hub.Pool, parts.Time);
    private readonly RtpFeedTrack?[] _tracks = new RtpFeedTrack?[description.Medias.Length];
    private Feed? _feed;
    private long _since; // of recording, as a timestamp

    /// <summary>What was announced.</summary>
    public SdpSession Description => description;

    /// <summary>Publishes what comes from now on.</summary>
    /// <param name="peer">Who publishes.</param>
    /// <param name="onRevoked">Told when the feed was taken away.</param>
    /// <exception cref="StreamException">The stream has a publisher.</exception>
    public void Record(Peer peer, Action<CloseReason> onRevoked)
    {
        _since = Parts.Time.GetTimestamp();
        _feed = Parts.Hub.Publish(new PublishRequest(Name) { Peer = peer, LastHeard = GetLastHeard, OnRevoked = onRevoked });
        _rtp.Start(_feed);
        IsRunning = true;
    }

    public override CloseReason? Tick(long now)
    {
        _rtp.Tick();
        if (!IsRunning)
            return null;
        if (_rtp.Tracks.All(track => track.SaidGoodbye))
            TryNoteEnd(new CloseReason(CloseCode.PeerClosed, "the publisher said goodbye"));
        else if (_rtp.IsEnded)
            TryNoteEnd(new CloseReason(CloseCode.Refused, "the stream takes no more of this publisher"));
        return Parts.Time.GetElapsedTime(GetLastHeard(), now) >= Parts.Options.PublisherTimeout
            ? new CloseReason(CloseCode.Deadline, "the publisher sent no media")
            : null;
    }

    protected override void Add(SessionTrack track)
    {
        var media = description.Medias[track.Key];
        Volatile.Write(ref _tracks[track.Key], _rtp.AddTrack(media.Kind, media.Format!, IdOf(track.Key), isOrdered: track.Path is null));
    }

    protected override void Remove(SessionTrack track) => throw new NotSupportedException("What was announced is set up once.");

    protected override UdpHandler? RtpHandlerOf(int key) => packet => Volatile.Read(ref _tracks[key])?.TakeRtp(packet);

    protected override UdpHandler? RtcpHandlerOf(int key) => compound => Volatile.Read(ref _tracks[key])?.TakeRtcp(compound);

    protected override void Take(SessionTrack track, bool isRtcp, ReadOnlySpan<byte> packet)
    {
        if (isRtcp)
            _tracks[track.Key]!.TakeRtcp(packet);
        else
            _tracks[track.Key]!.TakeRtp(packet);
    }

    protected override int WriteReport(SessionTrack track, Span<byte> destination, bool isLeaving) =>
        _tracks[track.Key]!.WriteReport(destination, isLeaving);

    protected override void Stop(CloseReason reason)
    {
        IsRunning = false;
        _feed?.Close(reason);
    }

    protected override ValueTask ReleaseAsync()
    {
        _rtp.Dispose(); // when no path brings anything any more
        return ValueTask.CompletedTask;
    }

    // By the description's order, which is the same the next time: a track's identity must be, too.
    private string IdOf(int key)
    {
        var kind = description.Medias[key].Kind;
        var number = description.Medias.Take(key).Count(media => media.Kind == kind);
        var name = kind switch
        {
            MediaKind.Video => "video",
            MediaKind.Audio => "audio",
            _ => "data",
        };
        return number == 0 ? name : $"{name}{number}";
    }

    private long GetLastHeard()
    {
        var last = _since;
        foreach (var track in _rtp.Tracks)
            last = Math.Max(last, track.LastArrival ?? last);
        return last;
    }
}
