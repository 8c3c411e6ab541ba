using MediaGraph.Diagnostics;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>
/// What keeps a stream's sources running: it names what it wants of them. Disposing it lets them go, as soon as no other lease holds them
/// and <see cref="SourceOptions.Linger"/> has passed. Of a stream that somebody publishes it keeps nothing, as there is nothing to keep.
/// Thread-safe.
/// </summary>
public sealed class StreamLease : IDisposable
{
    private readonly StreamSources? _sources;
    private readonly TaskCompletionSource<StreamException?> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isReleased;

    internal StreamLease(MediaStream stream, StreamSources? sources, SourceMedia wants)
    {
        Stream = stream;
        Wants = wants;
        _sources = sources;
    }

    /// <summary>The stream.</summary>
    public MediaStream Stream { get; }

    /// <summary>What of it is wanted.</summary>
    public SourceMedia Wants { get; }

    /// <summary>
    /// Returns when the stream has all tracks that it will have for what is wanted, as far as its sources can be had at all; at once for one
    /// that was had before.
    /// </summary>
    /// <exception cref="StreamException">
    /// <see cref="StreamError.Unavailable"/>: none of its sources delivers; the text says why, and when the next try is. It comes after one
    /// try at least, unless the next one is later than <see cref="SourceOptions.ReadyLimit"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task WhenReadyAsync(CancellationToken cancellationToken)
    {
        if (_sources is null)
        {
            await Stream.WhenSettledAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        if (await WaitAsync(cancellationToken).ConfigureAwait(false) is { } failure)
            throw failure;
    }

    /// <summary>Lets the sources go. Idempotent.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isReleased, true))
            return;
        _sources?.Release(this);
        Decide(null); // who waits for it waits in vain
    }

    /// <summary>Whether there are sources that it keeps running.</summary>
    internal bool HasSources => _sources is not null;

    /// <summary>When it was taken, in failures of the stream's sources. Guarded by their lock.</summary>
    internal long StartLocked { get; set; }

    /// <summary>Tells who waits. Idempotent.</summary>
    internal void Decide(StreamException? failure) => _ready.TrySetResult(failure);

    /// <summary>Waits as long as it may; what there is then, or is not, is the answer.</summary>
    internal async Task<StreamException?> WaitAsync(CancellationToken cancellationToken)
    {
        if (_sources is null)
            return null;
        try
        {
            await GraphLock.WaitAsync(_ready.Task, _sources.Options.ReadyLimit, _sources.Hub.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
            return await _ready.Task.ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return _sources.WhyNot(this);
        }
    }
}
