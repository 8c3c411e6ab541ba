using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Client;

/// <summary>A session that asks for a server's stream and feeds the hub with it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The end of the session's task disposes of what it owns.")]
internal sealed class RtspPull : RtspClientConnection
{
    private const int Channels = 256;

    private readonly ImmutableArray<Track>? _wanted;
    private readonly SourcePull? _source; // null for a transfer
    private readonly RtpFeed _rtp;
    private readonly (PulledTrack? Track, bool IsRtcp)[] _channels = new (PulledTrack?, bool)[Channels];
    private ImmutableArray<PulledTrack> _tracks = []; // that can be set up; those that the server wants to hear are none of them
    private RtspSpeaker? _speaker; // the camera's; null without
    private Feed? _feed;
    private bool _isPlaying; // read by the sweep, as is the next
    private long _played;
    private bool _isUdpLate;
    private long _lastReport;

    /// <param name="client">The client.</param>
    /// <param name="transport">Connected.</param>
    /// <param name="id">Its number.</param>
    /// <param name="url">The server's stream.</param>
    /// <param name="name">The hub's stream.</param>
    /// <param name="carrier">How media come.</param>
    /// <param name="wanted">The tracks to set up; null for all.</param>
    /// <param name="source">The source that it is a session of; null for a transfer.</param>
    public RtspPull(
        RtspClient client, ITransport transport, long id, RtspUrl url, string name, RtspUrlTransport carrier, ImmutableArray<Track>? wanted,
        SourcePull? source = null)
        : base(client, transport, id, url, name, carrier)
    {
        _wanted = wanted;
        _source = source;
        _rtp = new RtpFeed(Hub.Pool, Time);
    }

    /// <summary>The camera's loudspeaker, once it was described; null without.</summary>
    public RtspSpeaker? Speaker => _speaker;

    /// <summary>Of which kinds the server has something, once it was described; of a source's session alone.</summary>
    public SourceMedia Offered { get; private set; }

    /// <summary>Whether it plays; false for one that had nothing to set up.</summary>
    public bool IsPlaying => Volatile.Read(ref _isPlaying);

    /// <summary>See <see cref="RtspTransfer.SetUpAsync"/>.</summary>
    public Task AddAsync(Track wanted, CancellationToken cancellationToken) => DoAsync(() => AddAsync(wanted), cancellationToken);

    /// <summary>
    /// Adds all tracks of some kinds, of a source's session that plays. Those that are there already, and those that the server does not
    /// have, are no reason to ask it for anything.
    /// </summary>
    /// <exception cref="RtspClientException">The server does not allow it in a session that plays, or the session ended.</exception>
    public Task AddAsync(SourceMedia kinds, CancellationToken cancellationToken) => DoAsync(
        async () =>
        {
            var added = Choose(kinds).Where(track => !track.IsPlayed).ToList();
            foreach (var track in added)
                await SetUpAsync(track).ConfigureAwait(false);
            if (added.Count > 0)
                await PlayAsync().ConfigureAwait(false);
        },
        cancellationToken);

    private async Task DoAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(async () =>
        {
            if (cancellationToken.IsCancellationRequested)
                return;
            try
            {
                await work().ConfigureAwait(false);
                done.SetResult();
            }
            catch (RtspClientException e)
            {
                done.SetException(e); // those that play go on
                _ = done.Task.Exception;
            }
        });
        await Task.WhenAny(done.Task, Completion).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!done.Task.IsCompleted)
            throw new RtspClientException(Reason!);
        await done.Task.ConfigureAwait(false);
    }

    protected override async Task ServeAsync()
    {
        await AskOptionsAsync().ConfigureAwait(false);
        await DescribeAsync().ConfigureAwait(false);
        ImmutableArray<PulledTrack> chosen = _source is null ? Choose() : [.. Choose(_source.Kinds)];
        if (_source is null)
        {
            foreach (var track in chosen)
                await SetUpAsync(track).ConfigureAwait(false);
        }
        else if (chosen.Length > 0)
        {
            await SetUpWhatCanBeAsync(chosen, _source).ConfigureAwait(false);
        }
        else
        {
            NoteOpened(); // what is wanted is known now
            return;
        }

        if (!_tracks.Any(track => track.Rtp is not null))
            throw new RtspClientException(new CloseReason(CloseCode.Refused, "the server lets no track be set up"));
        await PlayAsync().ConfigureAwait(false);
        _played = _lastReport = Time.GetTimestamp();
        Volatile.Write(ref _isPlaying, true);
        if (Carrier == RtspUrlTransport.Udp)
        {
            await ReadAsync(() => HasMedia || Volatile.Read(ref _isUdpLate)).ConfigureAwait(false);
            if (!HasMedia)
                throw NoPacket();
        }

        BeginFeed();
        await RunJobsAsync().ConfigureAwait(false);
    }

    protected override void OnFrame(byte channel, ReadOnlySpan<byte> packet)
    {
        var (track, isRtcp) = _channels[channel];
        if (track is null)
            return;
        if (isRtcp || (track.Channels.Rtp == track.Channels.Rtcp && RtcpPacket.IsRtcp(packet)))
            TakeRtcp(track, packet);
        else
            track.Rtp?.TakeRtp(packet);
    }

    protected override void OnSecond(long now)
    {
        if (!Volatile.Read(ref _isPlaying))
            return;
        if (Carrier == RtspUrlTransport.Udp && !HasMedia && Time.GetElapsedTime(_played, now) >= Options.UdpTimeout)
        {
            Volatile.Write(ref _isUdpLate, true);
            Wake();
        }

        if (WhyDead(now) is { } reason)
            RequestClose(reason);
        _rtp.Tick();
        if (Time.GetElapsedTime(_lastReport, now) < ReportInterval)
            return;
        _lastReport = now;
        Span<byte> report = stackalloc byte[MaxReportLength];
        foreach (var track in _tracks)
        {
            if (track.Rtp is { } rtp)
                SendReport(report, rtp.WriteReport(ReportSpan(report)), track.Path, track.Channels.Rtcp);
        }
    }

    // A source's feed that was there before, for who talks, ends with the session too: the next one feeds anew.
    protected override void OnEnding(CloseReason reason) => _feed?.Close(reason);

    protected override async ValueTask ReleaseAsync()
    {
        foreach (var track in _tracks)
        {
            if (track.Path is { } path)
                await path.DisposeAsync().ConfigureAwait(false);
        }

        _rtp.Dispose();
        if (_feed is not null)
            await _feed.DisposeAsync().ConfigureAwait(false); // whoever talks has a connection of its own, and it ends too
    }

    // ---- The steps ----------------------------------------------------------------------------------------------------------

    private async Task DescribeAsync()
    {
        var (session, root) = await DescribeAsync(isTalk: Options.Talk ? null : false).ConfigureAwait(false);
        var backchannel = session.FindBackchannel();
        _speaker = Options.Talk && backchannel is not null ? RtspSpeaker.Of(backchannel, Client, Url, Carrier, Name) : null;
        var counts = new Dictionary<MediaKind, int>();
        var tracks = ImmutableArray.CreateBuilder<PulledTrack>();
        foreach (var media in session.Medias)
        {
            if (backchannel is not null && media is { Kind: MediaKind.Audio, Direction: SdpDirection.SendOnly })
                continue; // the camera's speaker
            var count = counts.GetValueOrDefault(media.Kind);
            counts[media.Kind] = count + 1;
            var kind = media.Kind switch { MediaKind.Video => "video", MediaKind.Audio => "audio", _ => "data" };
            var id = count == 0 ? kind : string.Create(CultureInfo.InvariantCulture, $"{kind}{count}");
            if (media.Format is { } format)
                tracks.Add(new PulledTrack(Track.Of(format.Codec!, id), format, RtspControl.Resolve(root, media.Control)));
            else
                Log.TrackLeftOut(Client.Logger, id, Name, Id, media.Formats.FirstOrDefault()?.Problem ?? "it has no payload type");
        }

        _tracks = tracks.ToImmutable();
        if (_tracks.IsEmpty && (_source is null || _speaker is null))
            throw new RtspClientException(new CloseReason(CloseCode.CodecMismatch, "the server offers no track that is known"));
        if (_source is null)
            return;
        _tracks = Choose();
        Offered = _tracks.Aggregate(
            _speaker is null ? SourceMedia.None : SourceMedia.Talk, static (all, track) => all | KindOf(track));
        _source.Session.Announce(SourceMedia.All, Offered);
    }

    // The tracks of some kinds. Data go with whatever is viewed.
    private IEnumerable<PulledTrack> Choose(SourceMedia kinds) => (kinds & (SourceMedia.Video | SourceMedia.Audio)) == SourceMedia.None
        ? []
        : _tracks.Where(track => KindOf(track) is var kind && (kind == SourceMedia.None || (kinds & kind) != SourceMedia.None));

    // A track that the server does not let be set up is left out, if it lets another: it would be as if there were none.
    private async Task SetUpWhatCanBeAsync(ImmutableArray<PulledTrack> chosen, SourcePull source)
    {
        RtspClientException? refusal = null;
        foreach (var track in chosen)
        {
            try
            {
                await SetUpAsync(track).ConfigureAwait(false);
            }
            catch (RtspClientException e) when (e.StatusCode is >= 400 and not RtspStatus.Unauthorized && !FallsBack)
            {
                refusal = e;
                Log.TrackLeftOut(Client.Logger, track.Offer.Id, Name, Id, e.Reason.Text);
            }
        }

        if (refusal is null)
            return;
        if (!chosen.Any(track => track.Rtp is not null))
            throw refusal;
        var refused = chosen.Where(track => track.Rtp is null).Aggregate(SourceMedia.None, (all, track) => all | KindOf(track));
        var has = chosen.Where(track => track.Rtp is not null).Aggregate(SourceMedia.None, (all, track) => all | KindOf(track));
        source.Session.Announce(refused & ~has, SourceMedia.None);
    }

    private static SourceMedia KindOf(PulledTrack track) => track.Offer.Kind switch
    {
        MediaKind.Video => SourceMedia.Video,
        MediaKind.Audio => SourceMedia.Audio,
        _ => SourceMedia.None,
    };

    private ImmutableArray<PulledTrack> Choose()
    {
        if (_wanted is not { } wanted || _tracks.IsEmpty)
            return _tracks;
        if (TrackMatch.TryMatch([.. _tracks.Select(track => track.Offer)], wanted, out var matches, out var failure))
            return [.. matches.Select(match => _tracks.First(track => track.Offer == match.Offered))];
        throw new RtspClientException(new CloseReason(CloseCode.CodecMismatch, failure));
    }

    // One that is set up already, and was not played, is left as it is.
    private async Task SetUpAsync(PulledTrack track)
    {
        if (track.Rtp is not null)
            return;

        // What comes before the track is known goes nowhere.
        var channel = Enumerable.Range(0, Channels / 2).Select(i => 2 * i).First(IsFree);
        var (transport, path) = await SetUpAsync(
            track.Control, channel, isRecord: false, packet => TakeUdp(track, packet), packet => TakeRtcp(track, packet))
            .ConfigureAwait(false);
        track.Path = path;
        if (path is null)
        {
            // Servers exist that answer all tracks with the same channels, and then use those that they were asked for.
            var channels = transport.Interleaved!.Value;
            track.Channels = IsFree(channels.Rtp) && IsFree(channels.Rtcp) ? channels : new PortPair(channel, channel + 1);
            _channels[track.Channels.Rtcp] = (track, true);
            _channels[track.Channels.Rtp] = (track, false);
        }

        track.Rtp = _rtp.AddTrack(track.Offer.Kind, track.Format, track.Offer.Id, isOrdered: path is null);
        Log.TrackSetUp(Client.Logger, track.Offer.Id, Name, Id);

        bool IsFree(int number) => _channels[number].Track is null;
    }

    // All that is set up. What the server does not play is offered to nobody, unless it comes all the same.
    private async Task PlayAsync()
    {
        Require(await CallAsync(RtspMethods.Play, ControlUri).ConfigureAwait(false));
        foreach (var track in _tracks)
        {
            if (track.Rtp is not { } rtp)
                continue;
            track.IsPlayed = true;
            _rtp.Offer(rtp);
        }
    }

    // Looks only, unless something is really new (R3).
    private async Task AddAsync(Track wanted)
    {
        if (TrackMatch.TryMatch([.. _tracks.Where(track => track.IsPlayed).Select(track => track.Offer)], [wanted], out _, out _))
            return;
        if (!TrackMatch.TryMatch([.. _tracks.Select(track => track.Offer)], [wanted], out var matches, out var failure))
            throw new RtspClientException(new CloseReason(CloseCode.CodecMismatch, failure));
        await SetUpAsync(_tracks.First(track => track.Offer == matches[0].Offered)).ConfigureAwait(false);
        await PlayAsync().ConfigureAwait(false);
    }

    private void BeginFeed()
    {
        try
        {
            var request = new PublishRequest(Name)
            {
                Peer = Peer,
                Speaker = _speaker,
                LastHeard = () => _rtp.Tracks.Max(track => track.LastArrival) ?? _played,
                OnRevoked = RequestClose,
            };
            _feed = _source is null ? Hub.Publish(request) : _source.Feed ??= _source.Session.Publish(request);
        }
        catch (StreamException e)
        {
            throw new RtspClientException(new CloseReason(CloseCode.Refused, e.Message));
        }

        _rtp.Start(_feed);
        Log.Pulled(Client.Logger, Name, Url, Id);
    }

    // ---- Media --------------------------------------------------------------------------------------------------------------

    private bool HasMedia => _rtp.Tracks.Any(track => track.LastArrival is not null);

    private void TakeUdp(PulledTrack track, ReadOnlySpan<byte> packet)
    {
        if (track.Rtp is not { } rtp)
            return;
        var isFirst = rtp.LastArrival is null;
        rtp.TakeRtp(packet);
        if (isFirst)
            Wake();
    }

    private void TakeRtcp(PulledTrack track, ReadOnlySpan<byte> compound)
    {
        track.Rtp?.TakeRtcp(compound);
        if (track.Rtp is { SaidGoodbye: true } && _rtp.Tracks.All(other => other.SaidGoodbye || other.LastArrival is null))
            RequestClose(new CloseReason(CloseCode.PublisherLeft, "the server's stream has ended"));
    }

    // Keep-alives may be answered by a server whose media have died (R8); cameras have tracks that never send anything.
    private CloseReason? WhyDead(long now)
    {
        if (!HasMedia)
            return Time.GetElapsedTime(_played, now) >= Options.MediaTimeout ? Late("the server sent no media") : null;
        var silent = _tracks.FirstOrDefault(track => track.Offer.Kind != MediaKind.Data && track.Rtp?.LastArrival is { } last
            && Time.GetElapsedTime(last, now) >= Options.MediaTimeout);
        return silent is null ? null : Late($"the server's {silent.Offer.Id} track fell silent");
    }

    /// <summary>A track that the server offers. What it has besides is there once it was set up.</summary>
    private sealed record PulledTrack(Track Offer, SdpFormat Format, string Control)
    {
        private volatile RtpFeedTrack? _rtp;

        public RtpFeedTrack? Rtp
        {
            get => _rtp;
            set => _rtp = value;
        }

        /// <summary>Whether the server agreed to play it; until then it is not there.</summary>
        public bool IsPlayed { get; set; }

        public UdpPath? Path { get; set; }

        public PortPair Channels { get; set; }
    }
}
