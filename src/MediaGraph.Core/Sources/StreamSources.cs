using System.Collections.Immutable;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Streams;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Sources;

/// <summary>
/// The sources of one stream: who wants what of it (leases), what that makes of each source (its <see cref="SourceRunner"/> obeys), and which
/// of them feeds which kind of media. Everything here is decided in one lock section from what is known then; what follows from it is done
/// outside, in any order, by whoever changed something.
/// </summary>
internal sealed class StreamSources
{
    /// <summary>What consumers are told when the stream is disabled.</summary>
    public static readonly CloseReason Disabled = new(CloseCode.Unavailable, "the stream was disabled");

    private static readonly CloseReason NotThereYet = new(CloseCode.Unavailable, "the source is not there yet");

    private static readonly SourceMedia[] Kinds = [SourceMedia.Video, SourceMedia.Audio, SourceMedia.Talk];

    private readonly ILogger _logger;

    // Guarded by the lock.
    private readonly Dictionary<SourceMedia, int> _wants = Kinds.ToDictionary(kind => kind, _ => 0);
    private readonly Dictionary<SourceMedia, long?> _released = Kinds.ToDictionary(kind => kind, _ => (long?)null);
    private ImmutableHashSet<StreamLease> _leases = [];
    private ImmutableHashSet<StreamLease> _undecided = [];
    private ImmutableArray<SourceRunner> _runners = [];
    private StreamDefinition _definition;
    private readonly Dictionary<SourceMedia, SourceRunner?> _active = []; // for each kind, of sources that stand in for each other
    private CloseReason? _closed;
    private bool _isOver;
    private bool _wasLeased;
    private long? _lastFed; // when a feed that had media ended
    private CloseReason? _lost; // why one that was asked for is given up
    private long _failures;
    private long _version;

    public StreamSources(StreamHub hub, MediaStream stream, StreamDefinition definition, ILogger logger)
    {
        Hub = hub;
        Stream = stream;
        _definition = definition;
        _logger = logger;
    }

    public StreamHub Hub { get; }

    public MediaStream Stream { get; }

    /// <summary>What counts the runs of the source that is made next; null for a count of its own.</summary>
    public Tries? Tries { get; set; }

    /// <summary>Guards all of it. Nothing waits or calls out under it.</summary>
    public Lock Lock { get; } = new();

    public SourceOptions Options => Hub.Options.Sources;

    /// <summary>What it was made of, or last changed to.</summary>
    public StreamDefinition Definition
    {
        get
        {
            using (GraphLock.Enter(Lock))
                return _definition;
        }
    }

    /// <summary>Whether it was asked for and is not needed any more, or cannot be had: its name is free.</summary>
    public bool IsOver => Volatile.Read(ref _isOver);

    /// <summary>Ends when its sources have.</summary>
    public Task Completion
    {
        get
        {
            using (GraphLock.Enter(Lock))
                return Task.WhenAll(_runners.Select(runner => runner.Completion));
        }
    }

    /// <summary>How many leases hold it.</summary>
    public int Leases
    {
        get
        {
            using (GraphLock.Enter(Lock))
                return _leases.Count;
        }
    }

    /// <summary>The feed whose loudspeaker is the stream's; null without one.</summary>
    public Feed? TalkFeed
    {
        get
        {
            using (GraphLock.Enter(Lock))
                return OwnerLocked(SourceMedia.Talk)?.SessionLocked?.Feed;
        }
    }

    public ImmutableArray<SourceSnapshot> GetSnapshot()
    {
        var time = Hub.TimeProvider;
        var now = time.GetTimestamp();
        using (GraphLock.Enter(Lock))
        {
            return
            [
                .. _runners.Select(runner => new SourceSnapshot(
                    runner.Name, runner.StateLocked, time.GetElapsedTime(runner.SinceLocked, now), runner.AskLocked,
                    runner.HasLocked & runner.Allowed, runner.SessionLocked?.Feed?.GetSnapshot(time), runner.LastFailureLocked,
                    runner.NextTryLocked is { } next ? TimeUntil(next) : null, runner.RunsLocked, runner.FailuresLocked)),
            ];
        }
    }

    // ---- Who wants what --------------------------------------------------------------------------------------------------------

    /// <summary>Takes a lease.</summary>
    /// <exception cref="StreamException">The stream is disabled, or has just been removed.</exception>
    public StreamLease Lease(SourceMedia wants)
    {
        var lease = new StreamLease(Stream, this, wants);
        Changes changes;
        using (GraphLock.Enter(Lock))
        {
            if (_closed is not null)
                throw new StreamException(StreamError.NotFound, "nobody publishes this stream"); // the name is free, or soon will be
            if (!_definition.IsEnabled)
                throw new StreamException(StreamError.Unavailable, "the stream is disabled");
            var finished = ResumeLocked(); // somebody asks anew
            lease.StartLocked = _failures;
            _leases = _leases.Add(lease);
            _undecided = _undecided.Add(lease);
            _wasLeased = true;
            foreach (var kind in Kinds)
            {
                if ((wants & kind) != SourceMedia.None)
                    _wants[kind]++;
            }

            changes = EvaluateLocked();
            changes = changes with { Signals = changes.Signals.AddRange(finished) };
        }

        Apply(changes);
        return lease;
    }

    public void Release(StreamLease lease)
    {
        Changes changes;
        var isLast = false;
        using (GraphLock.Enter(Lock))
        {
            _leases = _leases.Remove(lease);
            _undecided = _undecided.Remove(lease);
            foreach (var kind in Kinds)
            {
                if ((lease.Wants & kind) != SourceMedia.None && --_wants[kind] == 0)
                {
                    _released[kind] = Hub.TimeProvider.GetTimestamp();
                    isLast = true;
                }
            }

            changes = EvaluateLocked();
            if (isLast)
                changes = changes with { Signals = [.. _runners.Select(runner => runner.Signal)] }; // they have a deadline now
        }

        Apply(changes);
    }

    /// <summary>Why there is nothing for a lease now; null when there is something.</summary>
    public StreamException? WhyNot(StreamLease lease)
    {
        using (GraphLock.Enter(Lock))
        {
            return _runners.Any(runner => (FedLocked(runner) & lease.Wants) != SourceMedia.None)
                ? null
                : FailureLocked([.. _runners.Where(runner => (runner.AskLocked & lease.Wants) != SourceMedia.None)]);
        }
    }

    /// <summary>
    /// Why nothing will come of what is wanted, as things are; null when something may. For who came too late to be told with the others.
    /// </summary>
    public CloseReason? WhyNever(SourceMedia wants)
    {
        using (GraphLock.Enter(Lock))
        {
            if (_closed is not null || !_definition.IsEnabled)
                return _closed ?? Disabled;
            var kinds = wants == SourceMedia.None ? SourceMedia.All : wants; // a protocol's own data go with anything
            if (_runners.IsEmpty // it is being made
                || _runners.Any(runner => ((runner.AskLocked | HasNowLocked(runner)) & kinds) != SourceMedia.None))
                return null;
            if (_runners.Any(runner => runner.IsFinishedLocked))
                return new CloseReason(CloseCode.PublisherLeft, "the source has nothing more");
            return wants == SourceMedia.None ? null : new CloseReason(CloseCode.CodecMismatch, "the source has nothing of what is wanted");
        }
    }

    /// <summary>Why nothing comes now of what is wanted.</summary>
    public CloseReason WhyWaiting(SourceMedia wants)
    {
        using (GraphLock.Enter(Lock))
        {
            return _runners.Where(runner => runner.SessionLocked?.Feed is null && (runner.Allowed & wants) != SourceMedia.None)
                .Select(runner => runner.LastFailureLocked).FirstOrDefault(failure => failure is not null) ?? NotThereYet;
        }
    }

    /// <summary>When the next of the sources is tried that may bring something of what is wanted; null while that is not planned.</summary>
    public TimeSpan? NextTryIn(SourceMedia wants)
    {
        using (GraphLock.Enter(Lock))
        {
            var next = _runners.Where(runner => (runner.AskLocked & wants) != SourceMedia.None).Min(runner => runner.NextTryLocked);
            return next is { } time ? TimeUntil(time) : null;
        }
    }

    /// <summary>Kinds that may still come, from sources that have not told what they have now.</summary>
    public SourceMedia Pending
    {
        get
        {
            using (GraphLock.Enter(Lock))
            {
                var pending = SourceMedia.None;
                foreach (var runner in _runners)
                {
                    pending |= runner.AskLocked & ~TellsOfLocked(runner);
                }

                return pending;
            }
        }
    }

    // ---- What the stream is made of: the hub calls one after the other ----------------------------------------------------------

    /// <summary>
    /// Changes it at one moment. Sources that stay go on; returns those that are new, to be started, and those that are gone. Null when it
    /// is over.
    /// </summary>
    /// <param name="definition">What it is from now on.</param>
    /// <param name="addresses">Its sources' addresses and what they are, in order.</param>
    public (IReadOnlyList<SourceRunner> Added, IReadOnlyList<SourceRunner> Removed)? TrySet(
        StreamDefinition definition, IReadOnlyList<(string Address, SourceMedia Media, ISource Source)> addresses)
    {
        var kept = new List<SourceRunner>(_runners);
        var added = new List<SourceRunner>();
        var runners = ImmutableArray.CreateBuilder<SourceRunner>();
        foreach (var (address, media, source) in addresses)
        {
            if (kept.Find(runner => runner.Address == address) is { } known)
            {
                kept.Remove(known);
                runners.Add(known);
            }
            else
            {
                var runner = new SourceRunner(this, address, source, media, _logger);
                added.Add(runner);
                runners.Add(runner);
            }
        }

        Changes changes;
        using (GraphLock.Enter(Lock))
        {
            if (_isOver)
                return null;
            _definition = definition;
            _runners = runners.ToImmutable();
            foreach (var runner in kept)
            {
                runner.IsRemovedLocked = true;
                runner.AskLocked = SourceMedia.None;
                foreach (var kind in Kinds.Where(kind => ReferenceEquals(_active.GetValueOrDefault(kind), runner)))
                    _active[kind] = null;
            }

            changes = EvaluateLocked() with { Signals = [.. _runners.Concat(kept).Select(runner => runner.Signal)] };
        }

        Apply(changes);
        return (added, kept);
    }

    /// <summary>The stream is no more: its sources end, and who waits for them is told. Returns the sources.</summary>
    public IReadOnlyList<SourceRunner> Close(CloseReason reason)
    {
        Changes changes;
        ImmutableArray<SourceRunner> runners;
        using (GraphLock.Enter(Lock))
        {
            _closed ??= reason;
            runners = _runners;
            foreach (var runner in runners)
                runner.IsRemovedLocked = true;
            changes = EvaluateLocked() with { Signals = [.. runners.Select(runner => runner.Signal)] };
        }

        Apply(changes);
        return runners;
    }

    // ---- What the sources do: their tasks and their feeds -------------------------------------------------------------------------

    public SourcePlan Look(SourceRunner runner)
    {
        Changes changes;
        SourcePlan plan;
        using (GraphLock.Enter(Lock))
        {
            changes = EvaluateLocked();
            var reason = _closed
                ?? (runner.IsRemovedLocked ? new CloseReason(CloseCode.Requested, "the source was taken away")
                    : !_definition.IsEnabled ? Disabled
                    : new CloseReason(CloseCode.Requested, "nobody needs the source any more"));
            plan = new SourcePlan(runner.AskLocked, ExpiryLocked(), runner.IsRemovedLocked, runner.IsFinishedLocked, reason);
        }

        Apply(changes);
        return plan;
    }

    public void Note(SourceRunner runner, SourceState state, TimeSpan? nextTry = null)
    {
        Changes changes;
        bool isNews;
        using (GraphLock.Enter(Lock))
        {
            isNews = runner.StateLocked != state;
            NoteLocked(runner, state);
            runner.NextTryLocked = nextTry is { } rest ? Hub.TimeProvider.TimestampAfter(rest) : null;
            changes = EvaluateLocked();
        }

        if (isNews)
            Log.Changed(_logger, runner.Name, Stream.Name, state);
        Apply(changes);
    }

    public void Begin(SourceRunner runner, SourceSession session)
    {
        using (GraphLock.Enter(Lock))
        {
            NoteLocked(runner, SourceState.Connecting);
            runner.NextTryLocked = null;
            runner.SessionLocked = session;
            runner.IsHealthyLocked = false;
            runner.RunsLocked++;
        }

        Log.Changed(_logger, runner.Name, Stream.Name, SourceState.Connecting);
        Hub.Metrics.CountSourceRun();
    }

    /// <summary>The session's feed begins; false when the session is over.</summary>
    public bool TryBegin(SourceSession session, Feed feed)
    {
        Changes changes;
        using (GraphLock.Enter(Lock))
        {
            if (session.IsOver)
                return false;
            session.Feed = session.Published = feed;
            NoteLocked(session.Runner, SourceState.Live);
            changes = EvaluateLocked();
            changes = changes with { Signals = changes.Signals.Add(session.Runner.Signal) }; // from now on other things can be late
        }

        Apply(changes);
        return true;
    }

    /// <summary>The session's feed has ended.</summary>
    public void NoteEnd(SourceSession session, Feed feed, CloseReason reason)
    {
        Changes changes;
        using (GraphLock.Enter(Lock))
        {
            if (!ReferenceEquals(session.Feed, feed))
                return;
            session.Feed = null;
            session.FeedEnded = Hub.TimeProvider.GetTimestamp();
            if (reason.Code != CloseCode.Requested)
                session.Runner.LastFailureLocked = reason; // why the session ended is told a moment later
            NoteFedLocked(feed);
            changes = EvaluateLocked();
        }

        Apply(changes);
    }

    /// <summary>A feed has something of a kind.</summary>
    public void NoteMedia(SourceSession session, SourceMedia kind)
    {
        Changes changes;
        using (GraphLock.Enter(Lock))
        {
            if (session.IsOver)
                return;
            session.Fed |= kind;
            session.Runner.HasLocked |= kind;
            session.Runner.KnownLocked |= kind;
            changes = EvaluateLocked();
        }

        Apply(changes);
    }

    /// <summary>The source has said of which kinds it has something.</summary>
    public void NoteAnnounced(SourceSession session, SourceMedia known, SourceMedia has)
    {
        Changes changes;
        using (GraphLock.Enter(Lock))
        {
            if (session.IsOver)
                return;
            session.Announced |= known;
            session.Runner.KnownLocked |= known;
            session.Runner.HasLocked = (session.Runner.HasLocked & ~known) | has;
            changes = EvaluateLocked();
        }

        Apply(changes);
    }

    /// <summary>Wakes the source's task, which has set itself no time to look before.</summary>
    public static void NoteFirstMedia(SourceSession session) => session.Runner.Signal.Set();

    /// <summary>All that the session brings is known.</summary>
    public void NoteSettled(SourceSession session)
    {
        Changes changes;
        var runner = session.Runner;
        var has = SourceMedia.None;
        using (GraphLock.Enter(Lock))
        {
            if (session.IsOver || session.Feed is not { } feed)
                return;
            foreach (var track in feed.Tracks)
                has |= SourceMediaKinds.Of(track.Track.Kind);
            has |= feed.TalkPlace is null ? SourceMedia.None : SourceMedia.Talk;
            var told = runner.IsSelective ? (session.WantedLocked & session.Shown) | SourceMedia.Talk | has : SourceMedia.All;
            told &= ~session.Announced; // that was said, also of what is not fed
            runner.KnownLocked |= told;
            runner.HasLocked = (runner.HasLocked & ~told) | has;
            session.IsSettled = true;
            runner.HasFailedLocked = false;
            changes = EvaluateLocked();
        }

        Log.Live(_logger, Stream.Name, has, runner.Name);
        Apply(changes);
        Stream.EndUnmatched();
    }

    /// <summary>The session has had media for long enough; false when that is no news.</summary>
    public bool NoteHealthy(SourceRunner runner, SourceSession session)
    {
        Changes changes;
        using (GraphLock.Enter(Lock))
        {
            if (runner.IsHealthyLocked || session.Feed is null)
                return false;
            runner.IsHealthyLocked = true;
            runner.LastFailureLocked = null;
            changes = EvaluateLocked();
        }

        Apply(changes);
        return true;
    }

    // One whose feed was taken away may take that for its end.
    public void NoteFinished(SourceSession session)
    {
        using (GraphLock.Enter(Lock))
            session.IsFinished |= !session.IsOver;
    }

    public void NoteRenewed(SourceSession session)
    {
        using (GraphLock.Enter(Lock))
            session.IsRenewed |= !session.IsOver;
    }

    /// <summary>Whether pictures or sound are among what is asked for, and the source is not known to have none.</summary>
    public bool MayView(SourceRunner runner, SourceMedia ask)
    {
        using (GraphLock.Enter(Lock))
            return (ask & SourceMediaKinds.Viewed & (~runner.KnownLocked | runner.HasLocked)) != SourceMedia.None;
    }

    /// <summary>What is known of a session.</summary>
    public T Read<T>(SourceSession session, Func<SourceSession, T> what)
    {
        using (GraphLock.Enter(Lock))
            return what(session);
    }

    /// <summary>The session may publish no more. Returns its feed, to be closed; null without.</summary>
    public Feed? Close(SourceSession session, CloseReason? failure)
    {
        using (GraphLock.Enter(Lock))
        {
            session.IsOver = true;
            session.Runner.LastFailureLocked = failure ?? session.Runner.LastFailureLocked;
            return session.Feed;
        }
    }

    /// <summary>The session is over. Returns its feed, to be disposed of; null when it had none.</summary>
    /// <param name="runner">Whose session it is.</param>
    /// <param name="session">The session.</param>
    /// <param name="reason">Why.</param>
    /// <param name="nextTry">When the source is tried again, after a failure; null: it was none.</param>
    public Feed? End(SourceRunner runner, SourceSession session, CloseReason reason, TimeSpan? nextTry)
    {
        var isFailure = nextTry is not null;
        Changes changes;
        Feed? feed;
        bool hasFinished;
        using (GraphLock.Enter(Lock))
        {
            session.IsOver = true;
            feed = session.Published;
            session.Feed = null;
            NoteFedLocked(feed);
            runner.SessionLocked = null;
            runner.IsHealthyLocked = false;
            runner.IsFinishedLocked = session.IsFinished && !isFailure;
            if (isFailure)
            {
                runner.HasFailedLocked = true;
                runner.LastFailureLocked = reason;
                runner.FailureNumberLocked = ++_failures;
                runner.FailuresLocked++;
                if (_definition.IsTransient && (_lastFed is not { } fed || Hub.TimeProvider.GetElapsedTime(fed) >= Hub.Options.WaitForPublisher))
                    _lost = new CloseReason(CloseCode.Unavailable, $"the source does not deliver: {reason.Text}");
                runner.NextTryLocked = Hub.TimeProvider.TimestampAfter(nextTry!.Value);
            }

            changes = EvaluateLocked();
            hasFinished = _runners.Any(one => one.IsFinishedLocked); // also before this one, which fed until now
        }

        if (isFailure)
        {
            Log.Failed(_logger, runner.Name, Stream.Name, reason);
            Hub.Metrics.CountSourceFailure(reason.Code);
            Hub.Events.Publish(new SourceFailed(Hub.Now, Stream.Name, runner.Name, reason));
        }
        else
        {
            Log.Left(_logger, Stream.Name, runner.Name, reason);
        }

        Apply(changes);
        GraphLock.Point();
        if (hasFinished)
            Stream.EndUnserved(); // as things are now: who has come meanwhile has had it run again, for all
        return feed;
    }

    // ---- What follows from it -------------------------------------------------------------------------------------------------------

    private Changes EvaluateLocked()
    {
        var over = OverLocked();
        if (over is not null)
        {
            _closed = over;
            Volatile.Write(ref _isOver, true);
            foreach (var runner in _runners)
                runner.IsRemovedLocked = true;
        }

        var wanted = WantedLocked();
        if (_definition.Mode == SourceMode.Fallback)
        {
            foreach (var kind in Kinds)
                _active[kind] = ChooseActiveLocked(kind);
        }

        var signals = ImmutableArray.CreateBuilder<Signal>();
        if (wanted == SourceMedia.None)
        {
            signals.AddRange(ResumeLocked()); // who asks next asks anew
            foreach (var runner in _runners.Where(runner => runner.SessionLocked is null))
                runner.KnownLocked &= runner.HasLocked; // what it had not, it may have then
        }

        var told = ImmutableArray.CreateBuilder<TaskCompletionSource>();
        var rest = wanted;
        foreach (var runner in _runners)
        {
            var candidates = rest & runner.Allowed;
            var ask = runner.IsRemovedLocked || runner.IsFinishedLocked
                ? SourceMedia.None
                : candidates & (~runner.KnownLocked | runner.HasLocked);
            rest &= ~(_definition.Mode == SourceMode.Fallback ? TakenByActiveLocked(runner, candidates) : TakenLocked(runner, candidates));
            if (ask != runner.AskLocked || over is not null)
            {
                runner.AskLocked = ask;
                signals.Add(runner.Signal);
            }

            if (runner.SessionLocked?.SetWantedLocked(ask) is { } changed)
                told.Add(changed);
        }

        var decided = ImmutableArray.CreateBuilder<(StreamLease, StreamException?)>();
        foreach (var lease in _undecided)
        {
            if (DecideLocked(lease, out var failure))
                decided.Add((lease, failure));
        }

        foreach (var (lease, _) in decided)
            _undecided = _undecided.Remove(lease);
        return new Changes(signals.ToImmutable(), told.ToImmutable(), decided.ToImmutable(), RoutesLocked(), ++_version, _failures, over);
    }

    // Whether it was asked for, and is given up: in the lock section that finds nobody who holds it, so that nobody can come in between. Not
    // before its source's session has ended: who comes meanwhile has it run again, and there are never two.
    private CloseReason? OverLocked() =>
        _definition.IsTransient && _closed is null && _wasLeased && _runners.All(runner => runner.SessionLocked is null)
            ? _lost ?? (_leases.IsEmpty && WantedLocked() == SourceMedia.None
                ? new CloseReason(CloseCode.Requested, "nobody needs the stream any more")
                : null)
            : null;

    private void NoteFedLocked(Feed? feed)
    {
        if (feed?.FirstMedia is not null)
            _lastFed = Hub.TimeProvider.GetTimestamp();
    }

    // Sources that have brought all that they had are run again when they are asked.
    private ImmutableArray<Signal> ResumeLocked()
    {
        var finished = _runners.Where(runner => runner.IsFinishedLocked).ToList();
        foreach (var runner in finished)
            runner.IsFinishedLocked = false;
        return [.. finished.Select(runner => runner.Signal)];
    }

    private SourceMedia WantedLocked()
    {
        if (_closed is not null || !_definition.IsEnabled)
            return SourceMedia.None;
        var wanted = _definition.Preload ? SourceMediaKinds.Viewed : SourceMedia.None;
        foreach (var kind in Kinds)
        {
            if (_wants[kind] > 0 || LingerLocked(kind) > TimeSpan.Zero)
                wanted |= kind;
        }

        return wanted;
    }

    // What was asked for and failed is of no use to the next one who asks.
    private TimeSpan LingerLocked(SourceMedia kind) => _released[kind] is { } released
        && !(_definition.IsTransient && _runners.All(runner => runner.HasFailedLocked))
        ? (_definition.Linger ?? Options.Linger) - Hub.TimeProvider.GetElapsedTime(released)
        : TimeSpan.Zero;

    private TimeSpan ExpiryLocked()
    {
        var soonest = TimeSpan.MaxValue;
        foreach (var kind in Kinds)
        {
            if (_wants[kind] == 0 && LingerLocked(kind) is var linger && linger > TimeSpan.Zero && linger < soonest)
                soonest = linger;
        }

        return soonest;
    }

    // What is left to no later source: what this one has, and until it has failed also what it may have.
    private static SourceMedia TakenLocked(SourceRunner runner, SourceMedia candidates) =>
        candidates & ((runner.KnownLocked & runner.HasLocked)
            | (runner.HasFailedLocked || runner.IsFinishedLocked || runner.StateLocked == SourceState.Stuck ? SourceMedia.None : ~runner.KnownLocked));

    // The next one is needed as long as none before it can be relied on: one that is only awaited does not end what another brings now.
    private SourceMedia TakenByActiveLocked(SourceRunner runner, SourceMedia candidates)
    {
        var awaited = runner.SessionLocked?.Feed is null && IsAwaitedLocked(runner) ? runner : null;
        foreach (var kind in Kinds.Where(kind => !ReferenceEquals(runner, _active[kind] ?? awaited)))
            candidates &= ~kind;
        return candidates;
    }

    // Whether one that does not feed will, for all that is known.
    private static bool IsAwaitedLocked(SourceRunner runner) =>
        !runner.HasFailedLocked && !runner.IsFinishedLocked && runner.StateLocked != SourceState.Stuck;

    // Of those that are used for the kind the first that feeds, until one before it is healthy. One that is run for another kind comes no
    // sooner than those before it that are about to feed.
    private SourceRunner? ChooseActiveLocked(SourceMedia kind)
    {
        var active = _active.GetValueOrDefault(kind) is { SessionLocked.Feed: not null } before ? before : null;
        foreach (var runner in _runners.Where(runner => (runner.Allowed & kind) != SourceMedia.None))
        {
            if (ReferenceEquals(runner, active))
                break;
            var feeds = runner.SessionLocked?.Feed is not null;
            if (feeds && (active is null || runner.IsHealthyLocked))
                return runner;
            if (!feeds && active is null && IsAwaitedLocked(runner))
                break;
        }

        return active;
    }

    private SourceRunner? OwnerLocked(SourceMedia kind) => _definition.Mode == SourceMode.Fallback
        ? _active.GetValueOrDefault(kind)
        : _runners.FirstOrDefault(runner => (runner.Allowed & runner.KnownLocked & runner.HasLocked & kind) != SourceMedia.None);

    private ImmutableArray<SourceRoute> RoutesLocked()
    {
        var (video, audio) = (OwnerLocked(SourceMedia.Video), OwnerLocked(SourceMedia.Audio));
        return
        [
            .. _runners.Where(runner => runner.SessionLocked?.Feed is not null).Select(runner => new SourceRoute(
                runner.SessionLocked!.Feed!, ReferenceEquals(video, runner), ReferenceEquals(audio, runner),
                ReferenceEquals(video ?? audio, runner))),
        ];
    }

    private bool DecideLocked(StreamLease lease, out StreamException? failure)
    {
        failure = null;
        if (_closed is { } closed)
        {
            failure = new StreamException(_isOver ? StreamError.Unavailable : StreamError.Ended, closed.Text);
            return true;
        }

        if (!_definition.IsEnabled)
        {
            failure = new StreamException(StreamError.Unavailable, "the stream is disabled");
            return true;
        }

        if (_runners.IsEmpty)
            return false; // it is being made
        var asked = _runners.Where(runner => (runner.AskLocked & lease.Wants) != SourceMedia.None).ToList();
        if (!asked.All(runner => TellsLocked(runner, lease)))
            return false;
        if (!_runners.Any(runner => (HasNowLocked(runner) & lease.Wants) != SourceMedia.None))
            failure = FailureLocked(asked);
        return true;
    }

    // Whether there is nothing to wait for.
    private bool TellsLocked(SourceRunner runner, StreamLease lease)
    {
        if (runner.SessionLocked is { IsSettled: true, Feed: not null })
            return (runner.AskLocked & lease.Wants & ~TellsOfLocked(runner)) == SourceMedia.None;
        if (runner.FailureNumberLocked > lease.StartLocked || runner.StateLocked == SourceState.Stuck)
            return true;
        return runner is { StateLocked: SourceState.BackingOff, NextTryLocked: { } next }
            && Hub.TimeProvider.GetElapsedTime(Hub.TimeProvider.GetTimestamp(), next) > Options.ReadyLimit;
    }

    // Of which kinds a session has shown what it has.
    private static SourceMedia TellsOfLocked(SourceRunner runner) => runner.SessionLocked is { IsSettled: true, Feed: not null } session
        ? runner.KnownLocked & (session.Fed | ~session.Announced)
        : SourceMedia.None;

    private static SourceMedia HasNowLocked(SourceRunner runner) =>
        runner.SessionLocked?.Feed is null ? SourceMedia.None : runner.Allowed & runner.HasLocked;

    private static SourceMedia FedLocked(SourceRunner runner) =>
        runner.SessionLocked is { Feed: not null } session ? runner.Allowed & session.Fed : SourceMedia.None;

    // Null when no source has failed: then they have not what is wanted.
    private StreamException? FailureLocked(IReadOnlyCollection<SourceRunner> asked)
    {
        var reasons = asked.Where(runner => runner.SessionLocked is not { IsSettled: true, Feed: not null })
            .Select(runner => runner switch
            {
                { SessionLocked.Feed: not null } => "it sends nothing",
                { StateLocked: SourceState.Stuck } => "it hangs",
                { LastFailureLocked: null } => "it is not there yet",
                { NextTryLocked: { } next } => $"{runner.LastFailureLocked.Text}; the next try is in {TimeUntil(next).TotalSeconds:0.0} s",
                _ => runner.LastFailureLocked.Text,
            }).Distinct().ToList();
        if (reasons.Count == 0)
            return null;
        var soonest = asked.Min(runner => runner.NextTryLocked);
        return new StreamException(StreamError.Unavailable, $"the source does not deliver: {string.Join(", ", reasons)}")
        {
            RetryAfter = soonest is { } time ? TimeUntil(time) : null,
        };
    }

    private TimeSpan TimeUntil(long time)
    {
        var rest = Hub.TimeProvider.GetElapsedTime(Hub.TimeProvider.GetTimestamp(), time);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }

    private void NoteLocked(SourceRunner runner, SourceState state)
    {
        if (runner.StateLocked == state)
            return;
        runner.StateLocked = state;
        runner.SinceLocked = Hub.TimeProvider.GetTimestamp();

        // Under the lock, so that they come in order; a subscriber's channel never blocks nor calls back.
        Hub.Events.Publish(new SourceStateChanged(Hub.Now, Stream.Name, runner.Name, state));
    }

    // Under no lock. The stream takes the newest routes, whoever comes first.
    private void Apply(Changes changes)
    {
        GraphLock.Point();
        Stream.Route(changes.Routes, changes.Version, changes.Failures);
        if (changes.Over is { } over)
            Hub.EndFetched(Stream, over);
        foreach (var changed in changes.Told)
            changed.TrySetResult();
        foreach (var signal in changes.Signals)
            signal.Set();
        foreach (var (lease, failure) in changes.Decided)
            lease.Decide(failure);
    }

    private sealed record Changes(
        ImmutableArray<Signal> Signals,
        ImmutableArray<TaskCompletionSource> Told,
        ImmutableArray<(StreamLease Lease, StreamException? Failure)> Decided,
        ImmutableArray<SourceRoute> Routes,
        long Version,
        long Failures,
        CloseReason? Over);
}
