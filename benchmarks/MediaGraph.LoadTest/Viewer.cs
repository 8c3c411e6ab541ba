namespace MediaGraph.LoadTest;

/// <summary>Plays a stream and checks what comes.</summary>
internal sealed class Viewer : Client
{
    private readonly TrackCheck[] _checks;

    /// <param name="target">The server.</param>
    /// <param name="stream">The number of the stream that it will play.</param>
    /// <param name="tracks">What is published; none where nothing is.</param>
    /// <param name="kind">How it will read.</param>
    /// <param name="verifiesContent">Whether every byte is compared.</param>
    /// <param name="latencies">Where a steady viewer counts how long frames took.</param>
    public Viewer(Target target, int stream, SyntheticTrack[] tracks, ViewerKind kind, bool verifiesContent, Latencies? latencies)
        : base(target, bufferLength: tracks.Length == 0 ? 4096 : kind == ViewerKind.Slow ? 8192 : 64 << 10)
    {
        Stream = stream;
        Kind = kind;
        if (kind != ViewerKind.Steady)
        {
            latencies = null;
            Socket.ReceiveBufferSize = 64 << 10; // or the system's buffers hold many seconds, and nothing is dropped
        }

        _checks = [.. tracks.Select(track => new TrackCheck(track, verifiesContent, latencies))];
        Wire = IWire.Playing(this, _checks);
    }

    public int Stream { get; }

    public ViewerKind Kind { get; }

    /// <summary>Of media messages.</summary>
    public long Bytes => _checks.Sum(check => check.Bytes);

    public long Frames => _checks.Sum(check => check.Frames);

    public FrameFaults Faults => _checks.Aggregate(default(FrameFaults), (sum, check) => sum + check.Faults);

    /// <summary>Null where packets have no numbers.</summary>
    public PacketFaults? Packets => Wire.Packets;

    /// <summary>All video before this frame has come, or is counted as lost.</summary>
    public long Next => Video?.Next ?? 0;

    /// <summary>From before the connection to the first whole keyframe; null before it came.</summary>
    public TimeSpan? FirstPicture =>
        Video is { FirstPictureAt: > 0 and var at } ? TimeProvider.System.GetElapsedTime(Started, at) : null;

    /// <summary>Whether it lost its connection or got what no viewer should get; over UDP, it may go on anywhere.</summary>
    public bool IsWrong => Failure is not null || (Target.IsUdp ? Faults with { MidGroupResumes = 0 } : Faults).IsWrong;

    protected override IWire Wire { get; }

    protected override string Purpose => "play";

    private TrackCheck? Video => Array.Find(_checks, check => check.Track.IsVideo);

    /// <summary>Plays from now on.</summary>
    /// <exception cref="IOException">The server does not let it.</exception>
    public async Task PlayAsync(string name, CancellationToken stop)
    {
        await OpenAsync(name, stop).ConfigureAwait(false);
        StartReceiving();
    }

    /// <summary>Reads no more than so many megabits per second from now on.</summary>
    public void SlowDown(double megabits) => SetRate(megabits * 1e6 / 8);

    /// <summary>Reads all that comes again.</summary>
    public void SpeedUp() => SetRate(0);
}
