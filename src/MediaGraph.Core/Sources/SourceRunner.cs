using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Streams;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Sources;

/// <summary>
/// Runs one source. Its one task reads what is wanted of the source and makes it so: it alone begins and ends sessions, one after the
/// other. Whoever changes what is wanted wakes it, and waits for nothing.
/// </summary>
internal sealed class SourceRunner
{
    // How soon to look at the soonest whether a source has become healthy.
    private static readonly TimeSpan LeastHealthPause = TimeSpan.FromMilliseconds(100);

    private readonly ISource _source;
    private readonly Backoff _backoff;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _url; // what tells one device from another. Holds secrets
    private Task? _awaited; // a session that did not end in time, whoever began it

    public SourceRunner(StreamSources sources, string address, ISource source, SourceMedia allowed, ILogger logger)
    {
        Sources = sources;
        Address = address;
        _url = SourceAddress.Parse(address).Url;
        Allowed = allowed;
        _source = source;
        _logger = logger;
        var options = sources.Options;
        Tries = sources.Tries ?? new Tries(options.MaxSessionsPerMinute, Time);
        _backoff = new Backoff(options.MinBackoff, options.MaxBackoff, Tries, Time, () => sources.Hub.NextRandom());
        SinceLocked = Time.GetTimestamp();
    }

    public StreamSources Sources { get; }

    /// <summary>As it was configured: what tells whether it is the same after a change. Holds secrets.</summary>
    public string Address { get; }

    public string Name => _source.Name;

    public bool IsSelective => _source.IsSelective;

    /// <summary>What it is used for.</summary>
    public SourceMedia Allowed { get; }

    /// <summary>Counts its sessions, and what they count.</summary>
    public Tries Tries { get; }

    /// <summary>Wakes the task.</summary>
    public Signal Signal { get; } = new();

    /// <summary>Ends when nothing of the source runs, but for what was left behind.</summary>
    public Task Completion => _ended.Task;

    // ---- What is known of it: guarded by the lock of the stream's sources ------------------------------------------------------

    public SourceState StateLocked { get; set; }

    public long SinceLocked { get; set; }

    /// <summary>When it is tried again, as a timestamp; null while that is not planned.</summary>
    public long? NextTryLocked { get; set; }

    /// <summary>What is wanted of it.</summary>
    public SourceMedia AskLocked { get; set; }

    /// <summary>Of which kinds it is known whether it has them.</summary>
    public SourceMedia KnownLocked { get; set; }

    /// <summary>Which of these it has.</summary>
    public SourceMedia HasLocked { get; set; }

    public SourceSession? SessionLocked { get; set; }

    public bool IsHealthyLocked { get; set; }

    public bool IsRemovedLocked { get; set; }

    /// <summary>It has brought all that it had, for those who have asked so far.</summary>
    public bool IsFinishedLocked { get; set; }

    /// <summary>Whether it has failed since it last delivered.</summary>
    public bool HasFailedLocked { get; set; }

    /// <summary>Number of its last failure among those of all the stream's sources.</summary>
    public long FailureNumberLocked { get; set; }

    public CloseReason? LastFailureLocked { get; set; }

    public long RunsLocked { get; set; }

    public long FailuresLocked { get; set; }

    // When pictures, and sound, came to be asked for in this session, as timestamps; null while they are not. Of the task alone.
    private long? _videoAsked;
    private long? _audioAsked;

    // Kinds that it announced and did not send, for which it was restarted: not again before one came. Of the task alone.
    private SourceMedia _absent;

    // ---- Its task ------------------------------------------------------------------------------------------------------------

    private TimeProvider Time => Sources.Hub.TimeProvider;

    private SourceOptions Options => Sources.Options;

    /// <summary>Starts the task; called once. It ends when the source is removed.</summary>
    /// <param name="before">Sources of which nothing may run any more when its first session begins.</param>
    public void Start(IEnumerable<SourceRunner> before) => _ = GraphLock.Run(() => RunAsync([.. before])).ContinueWith(
        static (task, ended) => ((TaskCompletionSource)ended!).SetFromTask(task), _ended, CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private async Task RunAsync(SourceRunner[] before)
    {
        foreach (var other in before)
            await Time.WaitAsync(other.Completion, TimeSpan.MaxValue).ConfigureAwait(false);
        while (true)
        {
            var woken = Signal.Take();
            var plan = Sources.Look(this);
            if (plan.IsRemoved)
                break;
            if (plan.Ask == SourceMedia.None)
            {
                Sources.Note(this, plan.IsFinished ? SourceState.Finished : SourceState.Idle);
                await Time.WaitAsync(woken, plan.Expires).ConfigureAwait(false);
            }
            else if (Sources.Hub.SourcesLeftBehind[_url] is { IsCompleted: false } behind)
            {
                if (!ReferenceEquals(behind, _awaited))
                    Signal.SetAfter(_awaited = behind);
                Sources.Note(this, SourceState.Stuck);
                await Time.WaitAsync(woken, plan.Expires).ConfigureAwait(false);
            }
            else if (_backoff.Remaining is var rest && rest > TimeSpan.Zero)
            {
                Sources.Note(this, SourceState.BackingOff, rest);
                await Time.WaitAsync(woken, Sooner(plan.Expires, rest)).ConfigureAwait(false);
            }
            else
            {
                await RunSessionAsync(plan.Ask).ConfigureAwait(false);
            }
        }

        Sources.Note(this, SourceState.Removed);
        Sources.Hub.Forget(Sources);
    }

    private async Task RunSessionAsync(SourceMedia ask)
    {
        var session = new SourceSession(this, ask);
        Sources.Begin(this, session);
        _backoff.Try();
        var started = Time.GetTimestamp();
        (_videoAsked, _audioAsked) = (null, null);
        var call = new UserCall<bool>(
            async token =>
            {
                await _source.RunAsync(session, token).ConfigureAwait(false);
                return true;
            },
            Signal);

        CloseReason? stop = null;
        var isFailure = false;
        while (stop is null)
        {
            var woken = Signal.Take();
            if (call.Work.IsCompleted)
                break;
            var plan = Sources.Look(this);
            if (plan.IsRemoved || plan.Ask == SourceMedia.None)
            {
                stop = plan.StopReason;
                break;
            }

            var (late, due) = Check(session, plan.Ask, started);
            if (late is not null)
                (stop, isFailure) = (late, true);
            else
                await Time.WaitAsync(woken, Sooner(plan.Expires, due)).ConfigureAwait(false);
        }

        if (stop is not null)
            await StopAsync(session, call, stop, isFailure).ConfigureAwait(false);
        else
            (stop, isFailure) = Outcome(call.Work, session);
        if (Sources.Read(session, static s => s.Published) is { } published && MediaSpan(published) >= Options.HealthyAfter)
            _backoff.Succeed(); // also when nobody has looked since
        if (isFailure)
            _backoff.Fail(); // first, so that who is told of it is told when the next try is
        if (Sources.End(this, session, stop, isFailure ? _backoff.Remaining : null) is { } feed)
        {
            feed.Close(stop); // if the source did not
            await feed.DisposeAsync().ConfigureAwait(false); // whoever talks through it
        }
    }

    // What is late, or how long nothing can be.
    private (CloseReason? Late, TimeSpan Due) Check(SourceSession session, SourceMedia ask, long started)
    {
        var now = Time.GetTimestamp();
        if (Sources.Read(session, static s => s.Feed) is not { } feed)
        {
            var ended = Sources.Read(session, static s => s.FeedEnded);
            var rest = Options.ConnectLimit - Time.GetElapsedTime(ended ?? started, now);
            return rest > TimeSpan.Zero ? (null, rest)
                : (Late(ended is null ? "it did not connect in time" : "it went on without feeding"), TimeSpan.Zero);
        }

        var first = feed.FirstMedia;
        var due = TimeSpan.MaxValue;
        var settling = feed.LacksPromised ? MediaStream.PromisedLimit : MediaStream.SettleLimit;
        if (!IsSettled() && first is not null && !HasTime(settling - Time.GetElapsedTime(first.Value, now)))
            Sources.NoteSettled(session);
        var isTalk = !Sources.MayView(this, ask) && (!feed.CarriesMedia
            || (IsSettled() && feed.TalkPlace is not null && feed.Tracks.All(track => track.Track.Kind == MediaKind.Data)));
        NoteAsked(session.IsHeldBack ? SourceMedia.None : session.Wanted, now);
        if (isTalk)
        {
            NoteHealth(Time.GetElapsedTime(feed.Started, now));
            return (null, due);
        }

        if (!_source.IsSelfPaced && FindSilence() is { } silence)
            return (Late(silence), TimeSpan.Zero);
        if (first is not null)
            NoteHealth(MediaSpan(feed));
        return (null, due);

        string? FindSilence()
        {
            if (first is null)
                return FirstAsked is { } since && IsSilentSince(Math.Max(feed.Started, since)) ? "it sent no media" : null;
            foreach (var track in feed.Tracks)
            {
                var kind = SourceMediaKinds.Of(track.Track.Kind);
                if (track.LastArrival is not null)
                    _absent &= ~kind;
                if (AskedSince(kind) is not { } asked)
                    continue;
                if (track.LastArrival is { } last)
                {
                    if (IsSilentSince(Math.Max(last, asked)))
                        return $"its {track.Track.Id} fell silent";
                }
                else if ((session.Wanted & kind & ~_absent) != SourceMedia.None && !HasCome(kind)
                    && IsSilentSince(Math.Max(feed.Started, asked)))
                {
                    _absent |= kind;
                    return $"its {track.Track.Id} did not come";
                }
            }

            return null;
        }

        bool HasCome(SourceMedia kind) =>
            feed.Tracks.Any(track => SourceMediaKinds.Of(track.Track.Kind) == kind && track.LastArrival is not null);

        bool IsSilentSince(long time) => !HasTime(Options.SilenceLimit - Time.GetElapsedTime(time, now));

        bool IsSettled() => Sources.Read(session, static s => s.IsSettled);

        // By what came, not by the time that went by: what is left stays the same, however short, while nothing comes.
        void NoteHealth(TimeSpan span)
        {
            var rest = Options.HealthyAfter - span;
            if (!HasTime(rest > TimeSpan.Zero && rest < LeastHealthPause ? LeastHealthPause : rest) && Sources.NoteHealthy(this, session))
                _backoff.Succeed();
        }

        // Whether there is time left; then that is when to look again.
        bool HasTime(TimeSpan rest)
        {
            if (rest > TimeSpan.Zero && rest < due)
                due = rest;
            return rest > TimeSpan.Zero;
        }
    }

    // From the first to the last that came.
    private TimeSpan MediaSpan(Feed feed) => feed.FirstMedia is { } first
        ? Time.GetElapsedTime(first, feed.Tracks.Max(track => track.LastArrival) ?? first)
        : TimeSpan.Zero;

    // A selective source sends nothing of what nobody asks for, and begins with it when somebody does.
    private void NoteAsked(SourceMedia ask, long now)
    {
        _videoAsked = (ask & SourceMedia.Video) == 0 && IsSelective ? null : _videoAsked ?? now;
        _audioAsked = (ask & SourceMedia.Audio) == 0 && IsSelective ? null : _audioAsked ?? now;
    }

    private long? FirstAsked => _audioAsked is null || _videoAsked < _audioAsked ? _videoAsked : _audioAsked;

    private long? AskedSince(SourceMedia kind) => kind switch
    {
        SourceMedia.Video => _videoAsked,
        SourceMedia.Audio => _audioAsked,
        _ => null,
    };

    // When the feed is closed, nothing of the session reaches a viewer any more; what it does then is its own affair, for some time.
    private async Task StopAsync(SourceSession session, UserCall<bool> call, CloseReason reason, bool isFailure)
    {
        Sources.Note(this, SourceState.Stopping);
        Sources.Close(session, isFailure ? reason : null)?.Close(reason);
        if (await call.StopAsync(Time).ConfigureAwait(false) is not { } leftBehind)
            return;
        Sources.Hub.SourcesLeftBehind.Add(_url, leftBehind);
        Log.Abandoned(_logger, Name, Sources.Stream.Name);
    }

    private (CloseReason Reason, bool IsFailure) Outcome(Task work, SourceSession session)
    {
        switch (work.Exception?.InnerException)
        {
            case null when Sources.Read(session, static s => s.IsRenewed):
                return (new CloseReason(CloseCode.Requested, "the source begins a new session"), false);
            case null when Sources.Read(session, static s => s.IsFinished):
                return (new CloseReason(CloseCode.PublisherLeft, "the source has nothing more"), false);
            case null:
                return (new CloseReason(CloseCode.PublisherLeft, "the source ended"), true);
            case SourceException e:
                return (e.Reason, true);
            case StreamException e:
                return (new CloseReason(CloseCode.Refused, e.Message), true);
            case IOException e:
                Log.Faulted(_logger, e, Name, Sources.Stream.Name);
                return (new CloseReason(CloseCode.ConnectionLost, "the connection failed"), true);
            case var e:
                Log.Faulted(_logger, e, Name, Sources.Stream.Name);
                return (new CloseReason(CloseCode.Fault, "the source failed"), true);
        }
    }

    private static CloseReason Late(string what) => new(CloseCode.Deadline, what);

    private static TimeSpan Sooner(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
