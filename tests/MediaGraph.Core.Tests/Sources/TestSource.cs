using System.Threading.Channels;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Tests.Kit;

namespace MediaGraph.Tests.Sources;

/// <summary>A source whose sessions a test leads by hand; what it is at every moment can be asked.</summary>
internal sealed class TestSource(string name) : ISource
{
    private readonly Channel<TestRun> _runs = Channel.CreateUnbounded<TestRun>();
    private int _open;

    public string Name => $"test:{name}";

    public bool IsSelective { get; init; }

    public bool IsSelfPaced { get; init; }

    /// <summary>Sessions so far.</summary>
    public int Runs { get; private set; }

    /// <summary>Sessions that run.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Whether two ever ran at once.</summary>
    public bool HadTwo { get; private set; }

    /// <summary>Whether a session goes on when it is cancelled, until the test ends it.</summary>
    public bool IgnoresCancellation { get; set; }

    /// <summary>The next session that begins.</summary>
    public async Task<TestRun> NextAsync(CancellationToken cancellationToken = default) =>
        await _runs.Reader.ReadAsync(cancellationToken).AsTask().WaitAsync(Testing.Eventually.DefaultLimit, cancellationToken);

    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        Runs++;
        HadTwo |= Interlocked.Increment(ref _open) > 1;
        var run = new TestRun(session, cancellationToken);
        try
        {
            _runs.Writer.TryWrite(run);
            await run.Ended.Task.WaitAsync(IgnoresCancellation ? CancellationToken.None : cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}

/// <summary>One session of a <see cref="TestSource"/>.</summary>
internal sealed class TestRun(SourceSession session, CancellationToken cancellationToken)
{
    private int _number;

    public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SourceSession Session => session;

    public CancellationToken Token => cancellationToken;

    public Feed Feed { get; private set; } = null!;

    /// <summary>Publishes these tracks, and nothing more.</summary>
    public TestRun Publish(params Track[] tracks)
    {
        Feed = session.Publish(tracks);
        return this;
    }

    public TestRun PublishVideo() => Publish(Track.Of(TestMedia.Video));

    /// <summary>A frame of each track, of the next number, and of that time in milliseconds.</summary>
    public bool Write(bool isKeyframe = true, int? number = null)
    {
        var n = number ?? _number++;
        var isFed = true;
        foreach (var track in Feed.Tracks)
        {
            isFed &= track.Write(
                TestMedia.Payload(n), TimeSpan.FromMilliseconds(n), isKeyframe: isKeyframe || track.Track.Kind != MediaKind.Video);
        }

        return isFed;
    }

    public void End() => Ended.TrySetResult();

    public void Fail(string why = "it broke") =>
        Ended.TrySetException(new SourceException(new CloseReason(CloseCode.ConnectionLost, why)));
}
