namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Finds the decode times of frames from their presentation times, which is all that RTP carries. With a reorder depth of n frames, a
/// frame is decoded when the frame is presented that stands n places before it: decode times are the presentation times in order,
/// n frames late. Where the parameter sets leave the depth to be inferred, it is learned instead: the inferred bound would hold up
/// each player for frames that are never reordered. A sender that sets its clock back looks as if it moved a frame: what was learned
/// is forgotten when all has long come in order.
/// </summary>
/// <param name="clockRate">Ticks per second.</param>
internal sealed class DecodeClock(int clockRate)
{
    private const int MaxDepth = 16;
    private const int DefaultFrameRate = 30;
    private const int ForgetsAfter = 250; // frames in order
    private const int MaxStepSeconds = 10; // beyond it the presentation times were set anew

    private readonly List<long> _waiting = new(MaxDepth + 2); // presentation times that are no decode times yet, in order
    private long _frameDuration = clockRate / DefaultFrameRate;
    private long? _last; // decode time
    private long? _released; // the latest presentation time that became a decode time
    private long _previous; // presentation time
    private int _inOrder; // frames in a row, none presented before the one that precedes it
    private bool _isStated;
    private long _first; // presentation time since the restart
    private int _count; // frames since the restart, as far as they matter

    /// <summary>How many frames a frame may be moved by, 0 to 16.</summary>
    public int Depth { get; private set; }

    /// <summary>Takes what the parameter sets say.</summary>
    /// <param name="depth">How many frames may precede a frame in decoding order and follow it in output order.</param>
    /// <param name="isStated">Whether they say so; else it is learned.</param>
    /// <param name="frameRate">Frames per second; null where they do not say.</param>
    public void Configure(int depth, bool isStated, double? frameRate)
    {
        _isStated = isStated;
        Depth = isStated ? Math.Clamp(depth, 0, MaxDepth) : 0;
        if (frameRate is > 0)
            _frameDuration = Math.Max(1, (long)(clockRate / frameRate.Value));
        Restart();
    }

    /// <summary>What comes next has nothing to do with what came.</summary>
    public void Restart()
    {
        _waiting.Clear();
        _count = _inOrder = 0;
        _last = _released = null;
    }

    /// <summary>
    /// The decode time of the next frame in decoding order: later than the one before since the restart, and not after the
    /// presentation time, but for the moment in which a greater depth is learned.
    /// </summary>
    public long Next(long presentationTime)
    {
        if (_count > 0 && Math.Abs(presentationTime - _previous) > (long)MaxStepSeconds * clockRate)
            Restart();
        if (_count == 0)
            _first = presentationTime;
        _inOrder = presentationTime < _previous ? 0 : _inOrder + 1;
        _previous = presentationTime;
        if (_inOrder == ForgetsAfter && !_isStated)
        {
            Depth = 0;
            _waiting.Clear();
        }

        if (presentationTime < _released && Depth < MaxDepth)
        {
            // Frames are moved farther than was known: as if it had been known, the one before would still wait.
            Depth++;
            Wait(_released.Value);
        }

        Wait(presentationTime);
        long? decodeTime = null;
        if (_waiting.Count > Depth)
        {
            decodeTime = _released = _waiting[0];
            _waiting.RemoveAt(0);
        }
        else if (_count < Depth)
        {
            decodeTime = _first - ((Depth - _count) * _frameDuration);
        }

        if (_count < MaxDepth)
            _count++;
        _last = Math.Max(decodeTime ?? long.MinValue, _last + 1 ?? decodeTime ?? presentationTime);
        return _last.Value;
    }

    private void Wait(long presentationTime)
    {
        var index = _waiting.BinarySearch(presentationTime);
        _waiting.Insert(index < 0 ? ~index : index, presentationTime);
    }
}
