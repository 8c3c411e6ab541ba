using MediaGraph.Sources;
using MediaGraph.Streams;

namespace MediaGraph.Tests.Sources;

/// <summary>
/// What must be visible of a stream with one source: the same rules without tasks, locks and packets, at one moment after the other. All
/// limits are the defaults; time goes on by quarters of a second.
/// </summary>
internal sealed class SourceModel
{
    private static readonly SourceMedia[] Kinds = [SourceMedia.Video, SourceMedia.Audio, SourceMedia.Talk];

    private readonly Dictionary<SourceMedia, double> _released = [];
    private readonly Queue<double> _tries = new();
    private double _now;
    private double _since; // the session, or its feed
    private double? _firstMedia;
    private double _lastMedia;
    private SourceMedia _ask;
    private double _pause;
    private double _failedAt;
    private int _failures;
    private SourceMedia _known;
    private SourceMedia _has;
    private bool _isOtherCodec;
    private bool _isFinished;

    /// <summary>Somebody who wants something: a viewer, a lease or a talker.</summary>
    internal sealed class Party(SourceMedia wants, double since, int failures)
    {
        public SourceMedia Wants => wants;

        public double Since => since;

        public int Failures => failures;

        public bool IsDecided { get; set; }

        public bool HasEnded { get; set; }
    }

    public bool Exists { get; private set; }

    public bool IsEnabled { get; private set; }

    public SourceState State { get; private set; }

    public int Runs { get; private set; }

    public List<Party> Viewers { get; } = [];

    public List<Party> Leases { get; } = [];

    public List<Party> Talkers { get; } = [];

    public int Held => Viewers.Concat(Leases).Concat(Talkers).Count(party => !party.HasEnded);

    public SubscriptionState StateOf(Party viewer) =>
        viewer.HasEnded ? SubscriptionState.Ended : State == SourceState.Live ? SubscriptionState.Fed : SubscriptionState.Waiting;

    public void Set(bool isEnabled)
    {
        if (!Exists)
        {
            (_ask, _pause, _known, _has, _isFinished) = (default, 0, default, default, false);
            _tries.Clear();
            _released.Clear();
            Leases.Clear();
        }

        (Exists, IsEnabled) = (true, isEnabled);
        if (!isEnabled)
            End(Viewers);
        Settle();
    }

    public void Delete()
    {
        End(Viewers);
        End(Leases);
        Exists = false;
        Settle();
    }

    /// <summary>Null when the viewer is refused.</summary>
    public Party? Join(SourceMedia wants)
    {
        if (!Exists || !IsEnabled || (State == SourceState.Live && !Suits(wants)))
            return null;
        var viewer = new Party(wants, _now, _failures);
        _isFinished = false;
        Viewers.Add(viewer);
        Settle();
        if (State != SourceState.Live && (_ask & wants) == SourceMedia.None)
            End([viewer]); // the source was there and had nothing for it
        Settle();
        return viewer;
    }

    public Party? Lease(SourceMedia wants)
    {
        if (!Exists || !IsEnabled)
            return null;
        var lease = new Party(wants, _now, _failures);
        _isFinished = false;
        Leases.Add(lease);
        Settle();
        return lease;
    }

    /// <summary>Null when there is no loudspeaker now; the asking alone has the source wanted for a while.</summary>
    public Party? Talk()
    {
        if (!Exists || !IsEnabled)
            return null;
        var talker = new Party(SourceMedia.Talk, _now, _failures) { IsDecided = true };
        _isFinished = false;
        Talkers.Add(talker);
        if (State != SourceState.Live || (_has & SourceMedia.Talk) == SourceMedia.None)
            End([talker]);
        Settle();
        return talker.HasEnded ? null : talker;
    }

    public void Leave(Party party)
    {
        End([party]);
        Settle();
    }

    public void Publish(SourceMedia media, bool isOtherCodec)
    {
        (State, _since, _firstMedia) = (SourceState.Live, _now, null);
        (_known, _has, _isOtherCodec) = (SourceMedia.All, media, isOtherCodec);
        End(Viewers.Where(viewer => !Suits(viewer.Wants)));
        Settle();
    }

    public void Write()
    {
        _firstMedia ??= _now;
        _lastMedia = _now;
        Settle();
    }

    public void Fail()
    {
        if (State == SourceState.Live && _firstMedia is { } first && _lastMedia - first >= 10)
            _pause = 0;
        EndSession();
        _failures++;
        _pause = _pause == 0 ? 0.5 : Math.Min(2 * _pause, 30);
        _failedAt = _now;
        Settle();
    }

    public void Finish()
    {
        EndSession();
        _isFinished = true;
        End(Viewers);
        Settle();
    }

    public void Pass()
    {
        _now += 0.25;
        Settle();
    }

    private bool Suits(SourceMedia wants) => wants == SourceMedia.Video
        ? _has.HasFlag(SourceMedia.Video) && !_isOtherCodec
        : (_has & wants) != SourceMedia.None;

    private SourceMedia Wanted
    {
        get
        {
            if (!Exists || !IsEnabled)
                return SourceMedia.None;
            return Kinds.Where(kind =>
                    Viewers.Concat(Leases).Concat(Talkers).Any(party => !party.HasEnded && party.Wants.HasFlag(kind))
                    || (_released.TryGetValue(kind, out var released) && _now - released < 5))
                .Aggregate(SourceMedia.None, (all, kind) => all | kind);
        }
    }

    private double Rest
    {
        get
        {
            while (_tries.TryPeek(out var oldest) && _now - oldest >= 60)
                _tries.Dequeue();
            return Math.Max(_pause == 0 ? 0 : _failedAt + _pause - _now, _tries.Count < 30 ? 0 : _tries.Peek() + 60 - _now);
        }
    }

    private void End(IEnumerable<Party> parties)
    {
        foreach (var party in parties.Where(party => !party.HasEnded).ToList())
        {
            party.HasEnded = true;
            foreach (var kind in Kinds.Where(kind => party.Wants.HasFlag(kind)))
            {
                if (!Viewers.Concat(Leases).Concat(Talkers).Any(other => !other.HasEnded && other.Wants.HasFlag(kind)))
                    _released[kind] = _now;
            }
        }
    }

    private void EndSession()
    {
        State = SourceState.Idle;
        End(Talkers);
    }

    // What follows at this moment, until nothing does.
    private void Settle()
    {
        while (true)
        {
            if (Wanted == SourceMedia.None)
            {
                _isFinished = false;
                if (State is not (SourceState.Connecting or SourceState.Live))
                    _known &= _has;
            }

            _ask = _isFinished ? SourceMedia.None : Wanted & (~_known | _has);
            if (!Decide() && !Move())
                return;
        }
    }

    // The answers to those who wait for one.
    private bool Decide()
    {
        var isNews = false;
        foreach (var party in Viewers.Concat(Leases).Where(party => !party.IsDecided && !party.HasEnded).ToList())
        {
            var isAsked = (_ask & party.Wants) != SourceMedia.None;
            var isLate = _now - party.Since >= 10;
            var isTold = State == SourceState.Live || _failures > party.Failures || (State == SourceState.BackingOff && Rest > 10);
            if (!isLate && isAsked && !isTold)
                continue;
            (party.IsDecided, isNews) = (true, true);
            if (isAsked && State != SourceState.Live && Viewers.Contains(party))
                End([party]);
        }

        return isNews;
    }

    // What the source does next.
    private bool Move()
    {
        var hasSession = State is SourceState.Connecting or SourceState.Live;
        if (_ask == SourceMedia.None)
        {
            if (hasSession)
                EndSession();
            var still = _isFinished ? SourceState.Finished : SourceState.Idle;
            var isNews = hasSession || State != still;
            State = still;
            return isNews;
        }

        if (hasSession)
        {
            if (!IsLate())
                return false;
            Fail();
            return true;
        }

        var next = Rest > 0 ? SourceState.BackingOff : SourceState.Connecting;
        if (next == SourceState.Connecting)
        {
            Runs++;
            _tries.Enqueue(_now);
            _since = _now;
        }

        var hasMoved = State != next;
        State = next;
        return hasMoved;
    }

    private bool IsLate()
    {
        if (State == SourceState.Connecting)
            return _now - _since >= 15;
        return _now - (_firstMedia is null ? _since : _lastMedia) >= 10;
    }
}
