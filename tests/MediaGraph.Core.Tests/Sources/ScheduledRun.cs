using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Tests.Kit;

namespace MediaGraph.Tests.Sources;

/// <summary>One session of a <see cref="ScheduledSource"/>.</summary>
internal sealed class ScheduledRun(SourceSession session, Action onEnd, CancellationToken cancellationToken)
{
    private readonly TaskCompletionSource _ended = new(); // who waits for it goes on in place, where the scheduler sees it
    private bool _hasEnded;

    public SourceSession Session => session;

    public CancellationToken Token => cancellationToken;

    public Task Task => _ended.Task;

    public bool HasEnded => _hasEnded;

    /// <summary>Whether a scenario's task leads it.</summary>
    public bool IsTaken { get; set; }

    /// <summary>What it publishes; null before.</summary>
    public Feed? Feed { get; private set; }

    /// <summary>False when the session was over before.</summary>
    public bool TryPublish(params Track[] tracks) => TryPublish(new PublishRequest(session.StreamName) { Tracks = tracks });

    /// <inheritdoc cref="TryPublish(Track[])"/>
    public bool TryPublish(PublishRequest request)
    {
        try
        {
            Feed = session.Publish(request);
            return true;
        }
        catch (StreamException)
        {
            return false;
        }
    }

    /// <summary>A keyframe of each track, of that number and of that time in milliseconds.</summary>
    public bool Write(int number)
    {
        var isFed = true;
        foreach (var track in Feed!.Tracks)
            isFed &= track.Write(TestMedia.Payload(number), TimeSpan.FromMilliseconds(number), isKeyframe: true);
        return isFed;
    }

    /// <summary>It ends, and has ended its feed before, as sources do.</summary>
    public void End() => Complete(null);

    public void Fail(string why = "it broke") => Complete(new SourceException(new CloseReason(CloseCode.ConnectionLost, why)));

    private void Complete(Exception? exception)
    {
        if (_hasEnded)
            return;
        _hasEnded = true;
        Feed?.Close(CloseReason.Requested);
        onEnd();
        if (exception is null)
            _ended.TrySetResult();
        else
            _ended.TrySetException(exception);
    }
}
