using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Diagnostics;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Streams;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Rtmp.Sessions;

/// <summary>
/// The sessions of one server or one client, and what they share. Owns the timer that looks at their deadlines, and awaits their
/// tasks in <see cref="StopAsync"/>. Thread-safe.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "StopAsync, which the owner calls, disposes of the timer.")]
internal sealed class RtmpSessions(
    StreamHub hub, RtmpOptions options, RtmpMetrics metrics, TimeProvider timeProvider, ILogger logger, bool isClient)
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);
    private const int MaxWarningsPerSecond = 20;

    private readonly ConcurrentDictionary<long, RtmpSession> _sessions = new();
    private readonly RtmpImages[] _images =
        [.. Enumerable.Range(1, options.Limits.MaxMessageStreams).Select(id => new RtmpImages((uint)id, options.ChunkSize, isClient))];

    private readonly Lock _lifeLock = new(); // guards the fields below
    private ITimer? _sweep;
    private bool _isStopped;
    private long _ids;
    private int _warnings; // in this second
    private int _suppressed;

    public StreamHub Hub => hub;

    public RtmpOptions Options => options;

    public RtmpMetrics Metrics => metrics;

    public TimeProvider TimeProvider => timeProvider;

    public ILogger Logger => logger;

    public int Count => _sessions.Count;

    public IEnumerable<RtmpSession> All => _sessions.Values;

    /// <summary>Makes a session and starts its task; null when the owner has stopped.</summary>
    public T? Start<T>(Func<long, T> create)
        where T : RtmpSession
    {
        lock (_lifeLock)
        {
            if (_isStopped)
                return null;
            var session = create(++_ids);
            _sessions[session.Id] = session;
            session.Start();
            _sweep ??= timeProvider.CreateTimer(static s => ((RtmpSessions)s!).Sweep(), this, SweepInterval, SweepInterval);
            return session;
        }
    }

    public void Remove(RtmpSession session) => _sessions.TryRemove(session.Id, out _);

    /// <summary>
    /// Lets no session begin, tells every peer, and returns when all have ended. Idempotent.
    /// </summary>
    /// <param name="stopAccepting">What brings new sessions; awaited before those that there are are told.</param>
    /// <param name="cancellationToken">When cancelled, what is left is cut at once; then this returns all the same.</param>
    public async Task StopAsync(Func<ValueTask> stopAccepting, CancellationToken cancellationToken)
    {
        ITimer? sweep;
        lock (_lifeLock)
        {
            _isStopped = true;
            sweep = _sweep;
            _sweep = null;
        }

        await stopAccepting().ConfigureAwait(false);
        foreach (var session in _sessions.Values)
            session.RequestClose(CloseReason.Stopping);
        var ended = Task.WhenAll(_sessions.Values.Select(s => s.Completion));
        try
        {
            await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Log.StopOverran(logger, _sessions.Count);
            foreach (var session in _sessions.Values)
                session.Abort(CloseReason.Stopping);
            await ended.ConfigureAwait(false);
        }

        if (sweep is not null)
            await sweep.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>How packets are written for a message stream of a peer: those who take the same bytes share them.</summary>
    public RtmpWireFormat FormatFor(uint messageStreamId, RtmpCapabilities peer) => new(
        messageStreamId - 1 < _images.Length ? _images[messageStreamId - 1] : new RtmpImages(messageStreamId, options.ChunkSize, isClient),
        peer);

    /// <summary>Whether a warning about a peer may be logged: peers cannot fill the log, or make the server wait for it.</summary>
    public bool MayWarn()
    {
        if (Interlocked.Increment(ref _warnings) <= MaxWarningsPerSecond)
            return true;
        Interlocked.Increment(ref _suppressed);
        return false;
    }

    private void Sweep()
    {
        Interlocked.Exchange(ref _warnings, 0);
        if (Interlocked.Exchange(ref _suppressed, 0) is > 0 and var suppressed)
            Log.WarningsSuppressed(logger, suppressed);
        foreach (var session in _sessions.Values)
            session.CheckDeadlines();
    }
}
