using MediaGraph.Diagnostics;
using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>One run of a source: what is wanted of it, and its way into the stream. Thread-safe.</summary>
public sealed class SourceSession
{
    private readonly SourceRunner _runner;

    // Guarded by the lock of the stream's sources, as all below.
    private TaskCompletionSource _wantedChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SourceMedia _wanted;
    private bool _hasPublished;
    private bool _isHeldBack;

    internal SourceSession(SourceRunner runner, SourceMedia wanted)
    {
        _runner = runner;
        _wanted = wanted;
    }

    /// <summary>The stream that is fed.</summary>
    public string StreamName => _runner.Sources.Stream.Name;

    /// <summary>The hub.</summary>
    public StreamHub Hub => _runner.Sources.Hub;

    /// <summary>What is wanted of the source now. It never loses its last kind: the session is ended then.</summary>
    public SourceMedia Wanted
    {
        get
        {
            using (GraphLock.Enter(_runner.Sources.Lock))
                return _wanted;
        }
    }

    /// <summary>Whether it waits for <see cref="WhenMayConnectAsync"/>: nothing that is wanted of it can be missed then.</summary>
    internal bool IsHeldBack { get => Volatile.Read(ref _isHeldBack); private set => Volatile.Write(ref _isHeldBack, value); }

    /// <summary>Returns when something else is wanted than what the caller knows of.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task WhenWantedChangesAsync(SourceMedia known, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            using (GraphLock.Enter(_runner.Sources.Lock))
            {
                if (_wanted != known)
                    return;
                changed = _wantedChanged.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// For a source that connects anew within its session: returns when it may, and counts it like a session, of which there are at most
    /// <see cref="SourceOptions.MaxSessionsPerMinute"/> in any minute.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was counted.</exception>
    public async Task WhenMayConnectAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            while (_runner.Tries.TryAdd() is var rest && rest > TimeSpan.Zero)
            {
                IsHeldBack = true;
                await Task.Delay(Waiting.Round(rest), Hub.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (IsHeldBack)
            {
                IsHeldBack = false;
                _runner.Signal.Set();
            }
        }
    }

    /// <summary>Begins to feed the stream, once per session. The session ends the feed at the latest when it ends itself.</summary>
    /// <param name="tracks">What is known from the start; more can be added.</param>
    /// <exception cref="StreamException">The session is over.</exception>
    public Feed Publish(params IReadOnlyList<Track> tracks) => Publish(new PublishRequest(StreamName) { Tracks = tracks });

    /// <inheritdoc cref="Publish(IReadOnlyList{Track})"/>
    /// <param name="request">Its stream is the session's.</param>
    public Feed Publish(PublishRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Stream != StreamName)
            throw new ArgumentException("A source feeds its own stream.", nameof(request));
        using (GraphLock.Enter(_runner.Sources.Lock))
        {
            if (_hasPublished)
                throw new InvalidOperationException("The session has published already.");
            _hasPublished = true;
        }

        return Hub.Publish(request with { Session = this });
    }

    /// <summary>
    /// Says that the source has no loudspeaker, and waits while nothing else is wanted of it. For sources that have media alone; to be
    /// called first.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled: nobody wanted more.</exception>
    internal async Task WhenViewedAsync(CancellationToken cancellationToken)
    {
        Announce(SourceMedia.Talk, SourceMedia.None);
        if (Wanted == SourceMedia.Talk)
            await WhenWantedChangesAsync(SourceMedia.Talk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Nothing more will come: when the session has ended, it is not tried again, and the stream's viewers are told, if no other source has
    /// something for them. It is run again when somebody asks for the stream anew. Does nothing when the session was ended before.
    /// </summary>
    public void Finish() => _runner.Sources.NoteFinished(this);

    /// <summary>
    /// What is wanted cannot be had in this session: when it has ended, the source is run again at once, and that is no failure.
    /// Does nothing when the session was ended before.
    /// </summary>
    public void Renew() => _runner.Sources.NoteRenewed(this);

    /// <summary>
    /// Says which kinds the source has and which it has not, whether it feeds them or not: for one that knows before it feeds, or that
    /// brings only what is wanted. What was said last counts.
    /// </summary>
    /// <param name="known">The kinds that are spoken of.</param>
    /// <param name="has">Those of them that the source has.</param>
    public void Announce(SourceMedia known, SourceMedia has) => _runner.Sources.NoteAnnounced(this, known, has & known);

    /// <summary>Whether it was its source's last word.</summary>
    internal bool IsFinished { get; set; }

    /// <summary>Whether another session follows at once.</summary>
    internal bool IsRenewed { get; set; }

    /// <summary>The kinds of which the source has said whether it has them.</summary>
    internal SourceMedia Announced { get; set; }

    /// <summary>Kinds of which its feed shows from the start whether the source has them; of others it will say so.</summary>
    internal SourceMedia Shown { get; set; } = SourceMedia.All;

    /// <summary>The kinds that it has fed, or offered a speaker for.</summary>
    internal SourceMedia Fed { get; set; }

    /// <summary>What it feeds; null before, and when that has ended.</summary>
    internal Feed? Feed { get; set; }

    /// <summary>What it has ever fed; null before.</summary>
    internal Feed? Published { get; set; }

    /// <summary>When its feed ended, as a timestamp; null before. A source that ends its feed is about to end itself.</summary>
    internal long? FeedEnded { get; set; }

    /// <summary>Whether its feed's tracks are all known.</summary>
    internal bool IsSettled { get; set; }

    /// <summary>Whether it may publish no more.</summary>
    internal bool IsOver { get; set; }

    internal SourceRunner Runner => _runner;

    internal SourceMedia WantedLocked => _wanted;

    /// <summary>Whom to tell; null when nothing has changed.</summary>
    internal TaskCompletionSource? SetWantedLocked(SourceMedia wanted)
    {
        if (wanted == _wanted || wanted == SourceMedia.None)
            return null;
        _wanted = wanted;
        var changed = _wantedChanged;
        _wantedChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return changed;
    }
}
