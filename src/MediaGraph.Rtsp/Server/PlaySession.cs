using System.Buffers.Binary;
using System.Collections.Immutable;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// A viewer's session: a subscription whose packets go interleaved, or over UDP. The viewer may talk beside it, or talk only; the one never
/// touches the other.
/// </summary>
/// <param name="parts">What connections share.</param>
/// <param name="writer">The connection's: the queue over TCP.</param>
/// <param name="stream">What is played.</param>
/// <param name="offers">Its tracks, as they were described.</param>
/// <param name="onFailed">Told when the connection must end.</param>
internal sealed class PlaySession(
    ServerParts parts, ConnectionWriter writer, MediaStream stream, ImmutableArray<RtpOffer> offers, Action<CloseReason> onFailed)
    : ServerSession(parts, writer, stream.Name)
{
    private readonly RtpOutput _output = new(parts.Hub.Pool, parts.CanonicalName);
    private DatagramWriter? _datagrams;
    private Subscription? _subscription; // null while paused
    private volatile TalkTrack? _talk; // null unless it was set up; read by the sweep and by the way over UDP

    /// <summary>The stream's tracks as they were described when the session began: others are none of its.</summary>
    public ImmutableArray<RtpOffer> Offers => offers;

    /// <summary>What is played.</summary>
    public MediaStream Stream => stream;

    /// <summary>What was set up of it. Data go with pictures or sound: who views nothing else wants what has them.</summary>
    public SourceMedia Wants
    {
        get
        {
            var wants = SourceMedia.None;
            foreach (var kind in Kinds)
                wants |= kind == MediaKind.Video ? SourceMedia.Video : kind == MediaKind.Audio ? SourceMedia.Audio : SourceMedia.None;
            if (HasMedia && wants == SourceMedia.None)
                wants = SourceMedia.Video | SourceMedia.Audio;
            return Tracks.Any(track => track.Key == Backchannel.Key) ? wants | SourceMedia.Talk : wants;
        }
    }

    /// <summary>Whether there is something to view, not only to say.</summary>
    public bool HasMedia => Tracks.Any(track => track.Key != Backchannel.Key);

    /// <summary>Opens the talk session, before its track is set up. Once it is there, nothing is done.</summary>
    /// <exception cref="StreamException">Another talks at this moment, or the speaker is gone.</exception>
    public void OpenTalk(Func<TalkTrack> create)
    {
        if (_talk is not null)
            return;
        var talk = create();
        talk.Open();
        _talk = talk;
    }

    /// <summary>Plays, or plays on after a pause: the reply goes out before any of the media that it announces.</summary>
    /// <param name="peer">Who plays.</param>
    /// <param name="onEnded">Told when the stream has ended.</param>
    /// <param name="reply">Sends the reply, with what is known of each track's first packet; null when there is nothing to view.</param>
    /// <exception cref="StreamException">The stream is no more, or has none of these tracks.</exception>
    public void Play(Peer peer, Action<CloseReason> onEnded, Action<IEnumerable<RtpInfo>?> reply)
    {
        if (!HasMedia)
        {
            PlayTalk(); // first: over UDP its words may come right behind the reply
            reply(null);
            IsRunning = true;
            return;
        }

        PacketQueue queue = IsTcp == true
            ? Writer
            : _datagrams ??= new DatagramWriter(Parts.Hub.Pool, onFailed, Parts.Options.Queue, Parts.Time);
        queue.Hold();
        try
        {
            var request = new SubscribeRequest(Name)
            {
                Peer = peer,
                Wanted = [.. Kinds.Select(Track.Any)],
                OnStateChanged = (state, reason) =>
                {
                    if (state == SubscriptionState.Ended && reason is { Code: not CloseCode.Requested })
                        onEnded(reason);
                },
            };
            var subscription = _subscription = Parts.Hub.Subscribe(request, queue, _output.Format);
            subscription.Start();
            var now = Parts.Time.GetUtcNow() - stream.Origin;
            PlayTalk();
            var played = Tracks.Where(track => track.Key != Backchannel.Key).Select(track => (OfferOf(track), track.Url));
            reply(RtpOutput.CreateInfos([.. played], subscription, now));
            IsRunning = true;
        }
        finally
        {
            queue.ReleaseHold();
        }

        SendReports(Parts.Time.GetTimestamp());
    }

    /// <summary>Lets the client talk, perhaps while it views already. Idempotent.</summary>
    public void PlayTalk() => _talk?.Play();

    /// <summary>Leaves a live stream for a while; what is missed is not made up for.</summary>
    public void Pause()
    {
        IsRunning = false;
        _talk?.Pause();
        _subscription?.Close(CloseReason.Requested);
        _subscription = null;
    }

    public override CloseReason? Tick(long now)
    {
        _talk?.Tick();
        return null;
    }

    protected override void Add(SessionTrack track)
    {
        if (track.Key == Backchannel.Key)
            _talk!.SetUp(isOrdered: track.Path is null);
        else if (track.Path is { } path)
            _output.Add(OfferOf(track), path);
        else
            _output.Add(OfferOf(track), (byte)track.Transport.Interleaved!.Value.Rtp);
    }

    protected override void Remove(SessionTrack track)
    {
        if (track.Key != Backchannel.Key)
        {
            _output.Remove(OfferOf(track));
            return;
        }

        _talk?.Dispose();
        _talk = null;
    }

    // What a viewer sends says only that it is there, unless it talks.
    protected override UdpHandler? RtpHandlerOf(int key) => key == Backchannel.Key ? packet => _talk?.TakeRtp(packet) : null;

    protected override UdpHandler? RtcpHandlerOf(int key) => key == Backchannel.Key ? compound => _talk?.TakeRtcp(compound) : null;

    protected override void Take(SessionTrack track, bool isRtcp, ReadOnlySpan<byte> packet)
    {
        if (track.Key != Backchannel.Key)
            return;
        if (isRtcp)
            _talk?.TakeRtcp(packet);
        else
            _talk?.TakeRtp(packet);
    }

    // At the end of a stream nothing is left to report on, but who reported says goodbye.
    protected override int WriteReport(SessionTrack track, Span<byte> destination, bool isLeaving)
    {
        if (track.Key == Backchannel.Key)
            return _talk?.WriteReport(destination, isLeaving) ?? 0;
        var length = _output.WriteReport(OfferOf(track), stream, Parts.Time.GetUtcNow(), destination, isLeaving);
        if (length > 0)
            track.Ssrc = BinaryPrimitives.ReadUInt32BigEndian(destination[4..]);
        else if (isLeaving && track.Ssrc is { } ssrc)
            length = RtcpWriter.Write(destination, ssrc, null, Parts.CanonicalName, isLeaving);
        return length;
    }

    // The device is told by the hub, and nobody waits for that here.
    protected override void Stop(CloseReason reason)
    {
        Pause();
        _talk?.Close();
    }

    protected override ValueTask ReleaseAsync()
    {
        _talk?.Dispose();
        return _datagrams?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    // Of the media that were set up.
    private IEnumerable<MediaKind> Kinds =>
        Tracks.Where(track => track.Key != Backchannel.Key).Select(track => OfferOf(track).Codec.Kind).Distinct();

    private RtpOffer OfferOf(SessionTrack track) => offers.First(offer => offer.Index == track.Key);
}
