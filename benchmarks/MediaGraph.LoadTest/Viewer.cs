namespace MediaGraph.LoadTest;

/// <summary>Plays a stream and checks what comes.</summary>
internal sealed class Viewer : Client
{
    private readonly TrackCheck? _video;
    private readonly TrackCheck? _audio;

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

        foreach (var track in tracks)
        {
            var check = new TrackCheck(track, verifiesContent, latencies);
            (_video, _audio) = track.IsVideo ? (check, _audio) : (_video, check);
        }
    }

    public int Stream { get; }

    public ViewerKind Kind { get; }

    /// <summary>Of media messages.</summary>
    public long Bytes => (_video?.Bytes ?? 0) + (_audio?.Bytes ?? 0);

    public long Frames => (_video?.Frames ?? 0) + (_audio?.Frames ?? 0);

    public FrameFaults Faults => (_video?.Faults ?? default) + (_audio?.Faults ?? default);

    /// <summary>All video before this frame has come, or is counted as lost.</summary>
    public long Next => _video?.Next ?? 0;

    /// <summary>From before the connection to the first whole keyframe; null before it came.</summary>
    public TimeSpan? FirstPicture =>
        _video is { FirstPictureAt: > 0 and var at } ? TimeProvider.System.GetElapsedTime(Started, at) : null;

    /// <summary>Whether it lost its connection or got what no viewer should get.</summary>
    public bool IsWrong => Failure is not null || Faults.IsWrong;

    /// <summary>Plays from now on.</summary>
    /// <exception cref="IOException">The server does not let it.</exception>
    public async Task PlayAsync(string name, CancellationToken stop)
    {
        await OpenAsync(name, stop).ConfigureAwait(false);
        StartReceiving();
    }

    /// <summary>Asks to play; what comes is not read.</summary>
    /// <exception cref="IOException">The server does not let it.</exception>
    public Task OpenAsync(string name, CancellationToken stop) => OpenAsync("play", name, "NetStream.Play.Start", stop);

    /// <summary>Reads no more than so many megabits per second from now on.</summary>
    public void SlowDown(double megabits) => SetRate(megabits * 1e6 / 8);

    /// <summary>Reads all that comes again.</summary>
    public void SpeedUp() => SetRate(0);

    protected override void OnPayload(Message message, int offset, ReadOnlySpan<byte> bytes)
    {
        if (message.Type == 9 && _video is not null)
            _video.Take(message.Length, offset, bytes);
        else if (message.Type == 8 && _audio is not null)
            _audio.Take(message.Length, offset, bytes);
        else
            base.OnPayload(message, offset, bytes);
    }
}
