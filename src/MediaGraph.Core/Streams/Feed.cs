using System.Collections.Immutable;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Talk;

namespace MediaGraph.Streams;

/// <summary>
/// The right to write a stream, held by one publisher at a time. Disposing it gives the right back: when that returns, no packet
/// of this feed is on its way.
/// </summary>
public sealed class Feed : IAsyncDisposable
{
    private readonly MediaStream _stream;
    private readonly Action<CloseReason>? _onRevoked;
    private ImmutableArray<FeedTrack> _tracks = [];
    private volatile SourceMedia _promised;
    private TalkPlace? _talkPlace;
    private CloseReason? _talkEnded;
    private long _firstMedia = FeedTrack.Never;

    internal Feed(MediaStream stream, PublishRequest request, long number, long started, bool carriesMedia)
    {
        _stream = stream;
        _onRevoked = request.OnRevoked;
        LastHeard = request.LastHeard;
        Session = request.Session;
        Announced = request.Tracks;
        CarriesMedia = carriesMedia;
        Peer = request.Peer;
        Number = number;
        Started = started;
    }

    /// <summary>The stream's name.</summary>
    public string StreamName => _stream.Name;

    /// <summary>Counts the feeds of the stream, from 1.</summary>
    public long Number { get; }

    /// <summary>Who publishes.</summary>
    public Peer Peer { get; }

    /// <summary>The tracks so far.</summary>
    public ImmutableArray<FeedTrack> Tracks => _tracks;

    /// <summary>The place at the feed's loudspeaker; null while none is offered.</summary>
    internal TalkPlace? TalkPlace => Volatile.Read(ref _talkPlace);

    internal Func<long>? LastHeard { get; }

    internal long Started { get; }

    /// <summary>The run of a source that it belongs to; null for a publisher's.</summary>
    internal SourceSession? Session { get; }

    /// <summary>The tracks that were known from the start.</summary>
    internal IReadOnlyList<Track> Announced { get; }

    /// <summary>False for one that is there for its loudspeaker alone, so far. Guarded by the stream's state lock.</summary>
    internal bool CarriesMedia { get; set; }

    internal PacketPool Pool => _stream.Pool;

    internal TimeProvider Time => _stream.Time;

    /// <summary>Whether a kind of media has no track yet that was promised (<see cref="Promise"/>).</summary>
    internal bool LacksPromised =>
        _tracks.Aggregate(_promised, static (left, track) => left & ~SourceMediaKinds.Of(track.Track.Kind)) != SourceMedia.None;

    /// <summary>What is added to this feed's times; null before its first packet. Guarded by the push lock, like all below.</summary>
    internal TimeSpan? Offset { get; set; }

    /// <summary>What is added besides since its clock was set back.</summary>
    internal TimeSpan Correction { get; set; }

    /// <summary>How old its first packet is when it is written; set before that. Zero for one that comes live.</summary>
    internal TimeSpan FirstAge { get; set; }

    /// <summary>Whether its packets may pass.</summary>
    internal bool IsLive { get; set; }

    /// <summary>When its first picture or sound came, as a timestamp; null before.</summary>
    internal long? FirstMedia => Interlocked.Read(ref _firstMedia) is var time && time != FeedTrack.Never ? time : null;

    /// <summary>Whether its packets ever passed; one that was replaced before is not heard of.</summary>
    internal bool WasLive { get; set; }

    /// <summary>Why it ended. Guarded by the stream's state lock.</summary>
    internal CloseReason? EndReason { get; set; }

    /// <summary>Whether its end was told. Guarded by the push lock.</summary>
    internal bool IsFinished { get; set; }

    /// <summary>
    /// The video whose keyframes begin the groups of the other tracks: of several the one that is called so, or the first. Null
    /// without video.
    /// </summary>
    internal FeedTrack? LeadingVideo { get; private set; }

    internal long VideoPackets { get; private set; }

    internal long AudioPackets { get; private set; }

    internal long Bytes { get; private set; }

    /// <summary>Adds a track, which consumers then see.</summary>
    /// <param name="track">What is offered; its first codec is the one that is sent.</param>
    /// <exception cref="InvalidOperationException">The feed has a track of that id, or of that id and another kind exists.</exception>
    public FeedTrack AddTrack(Track track)
    {
        ArgumentNullException.ThrowIfNull(track);
        if (track.Codecs.IsEmpty)
            throw new ArgumentException("An offered track needs a codec.", nameof(track));
        if (_tracks.Any(existing => existing.Track.Id == track.Id))
            throw new InvalidOperationException($"The feed has a track '{track.Id}' already.");
        var receiver = _stream.GetOrAddReceiver(this, track, out var isAttached);
        var added = new FeedTrack(this, track, receiver) { Passes = Session is null };
        ImmutableInterlocked.Update(ref _tracks, static (all, one) => all.Add(one), added);
        if (track.Kind == MediaKind.Video && (LeadingVideo is null || track.Id == Track.Name(MediaKind.Video)))
            LeadingVideo = added;
        added.Announce(track.Codecs[0]);
        if (Session is { } session)
        {
            if (track.Kind != MediaKind.Data)
                _stream.NoteMedia(this);
            session.Runner.Sources.NoteMedia(session, SourceMediaKinds.Of(track.Kind));
        }
        else if (isAttached)
            _stream.AttachConsumers(receiver);
        return added;
    }

    /// <summary>Writes a frame to the feed's only track.</summary>
    /// <exception cref="InvalidOperationException">The feed has no track, or several: write to one of <see cref="Tracks"/>.</exception>
    /// <inheritdoc cref="FeedTrack.Write(ReadOnlySpan{byte}, TimeSpan, TimeSpan?, bool?)"/>
    public bool Write(ReadOnlySpan<byte> frame, TimeSpan presentationTime) =>
        _tracks is [var only]
            ? only.Write(frame, presentationTime)
            : throw new InvalidOperationException("Write to one of the feed's tracks.");

    /// <summary>
    /// Says that all tracks are there which will come, with what is known of them. Consumers that cannot add tracks later wait for it, or
    /// for 1 s after the first media, or 5 s for what its metadata announce. Idempotent; tracks may be added all the same.
    /// </summary>
    public void Settle() => _stream.Settle(this);

    /// <summary>Says that tracks of a kind will come, of which no more is known yet.</summary>
    internal void Promise(MediaKind kind) => _promised |= SourceMediaKinds.Of(kind);

    /// <summary>
    /// Offers the device's loudspeaker to those who want to talk, once per feed. It is used until <see cref="DisposeAsync"/> has returned.
    /// </summary>
    /// <exception cref="ArgumentException">Its track is not audio to be received, in codecs that it names.</exception>
    /// <exception cref="InvalidOperationException">The feed has offered one already.</exception>
    public void OfferSpeaker(ISpeaker speaker)
    {
        ArgumentNullException.ThrowIfNull(speaker);
        var place = _stream.CreateTalkPlace(speaker);
        if (Interlocked.CompareExchange(ref _talkPlace, place, null) is not null)
        {
            place.Close(CloseReason.Unused);
            throw new InvalidOperationException("The feed has offered a speaker already.");
        }

        Session?.Runner.Sources.NoteMedia(Session, SourceMedia.Talk);
        GraphLock.Point();
        if (Volatile.Read(ref _talkEnded) is { } reason)
            place.Close(reason); // the feed ended meanwhile
    }

    /// <summary>Ends the feed. Idempotent.</summary>
    /// <param name="reason">What the consumers are told.</param>
    public void Close(CloseReason reason) => _stream.EndFeed(this, reason);

    /// <summary>Ends the feed, and returns when its loudspeaker is used no longer; that is bounded. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Close(CloseReason.Requested);
        if (TalkPlace is { } place)
            await place.WhenEndedAsync().ConfigureAwait(false);
    }

    internal bool Write(
        FeedTrack track, PooledBuffer buffer, int offset, int length, Codec codec, long decodeTime, long presentationTime,
        bool isKeyframe, ReadyImage? image, FrameSource? source) =>
        _stream.Write(this, track, buffer, offset, length, codec, decodeTime, presentationTime, isKeyframe, image, source);

    internal void Announce(FeedTrack track, Codec codec) => _stream.Announce(this, track, codec);

    /// <summary>The track has a codec that consumers can take, perhaps, who could not take the one before.</summary>
    internal void AttachConsumers(FeedTrack track) => _stream.AttachConsumers(track.Receiver);

    internal void Forget(FeedTrack track) => _stream.Forget(this, track);

    /// <summary>A packet came, wherever it goes. True for the first that is a picture or sound of a source's.</summary>
    internal bool Note(FeedTrack track, long arrival)
    {
        track.NoteArrival(arrival);
        if (Session is null || _firstMedia != FeedTrack.Never || track.Track.Kind == MediaKind.Data)
            return false;
        Interlocked.Exchange(ref _firstMedia, arrival);
        return true;
    }

    internal void Count(MediaKind kind, int bytes)
    {
        if (kind == MediaKind.Video)
            VideoPackets++;
        else if (kind == MediaKind.Audio)
            AudioPackets++;
        Bytes += bytes;
    }

    internal FeedSnapshot GetSnapshot(TimeProvider timeProvider) => new(
        Number, Peer.Protocol, Peer.RemoteEndPoint?.ToString(), Peer.User, timeProvider.GetElapsedTime(Started), VideoPackets,
        AudioPackets, Bytes);

    /// <summary>
    /// Ends the talk sessions. Idempotent, and safe beside <see cref="OfferSpeaker"/>: the later of the two closes the place.
    /// </summary>
    internal void EndTalk(CloseReason reason)
    {
        reason = reason.Code is CloseCode.Stopping or CloseCode.Replaced
            ? reason
            : new CloseReason(CloseCode.PublisherLeft, "the device's feed ended");
        Interlocked.CompareExchange(ref _talkEnded, reason, null);
        GraphLock.Point();
        TalkPlace?.Close(reason);
    }

    /// <summary>Tells the publisher. What it does with it, a failure included, is its own affair.</summary>
    internal void Revoke(CloseReason reason)
    {
        try
        {
            _onRevoked?.Invoke(reason);
        }
        catch (Exception e)
        {
            _stream.LogCallbackFailed(e);
        }
    }
}
