namespace MediaGraph.LoadTest;

/// <summary>One run: publish, play, warm up, measure, leave.</summary>
internal sealed class LoadRun(LoadOptions options)
{
    private static readonly TimeSpan ReturnLimit = TimeSpan.FromSeconds(10);

    private readonly ServerProcess? _server = options.Pid is { } pid ? new ServerProcess(pid) : null;
    private readonly SyntheticTrack[][] _tracks = SyntheticTrack.ForStreams(options, options.IsRtsp);
    private readonly SyntheticTrack[][] _published = SyntheticTrack.ForStreams(options, options.Publishing.IsRtsp);
    private readonly Latencies _latencies = new();
    private readonly List<Publisher> _publishers = [];
    private readonly List<Viewer> _idle = [];
    private Viewer[] _viewers = [];
    private long[] _goals = []; // of each stream, the frame before which all must have come
    private Target _target = null!;
    private Target _publishing = null!;
    private Churn? _churn;
    private ServerSample? _during;
    private double? _cpuSeconds; // of the server, while it was measured
    private volatile string _phase = "connecting";
    private int _connected;

    /// <summary>How long viewers have, after what was measured, to get what was published meanwhile; 15 s.</summary>
    public TimeSpan CatchUpLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What it does now; for any thread, as the others below.</summary>
    public string Phase => _phase;

    public int Connected => Volatile.Read(ref _connected);

    public int Churned => _churn?.Done ?? 0;

    /// <summary>Bodies of media messages so far.</summary>
    public long Bytes => _viewers.Sum(viewer => viewer.Bytes);

    /// <summary>Viewers that got what they should not have got, or missed what they should have got.</summary>
    public int Wrong => _viewers.Count(IsWrong);

    /// <exception cref="IOException">The server does not let anybody publish, or its process has ended.</exception>
    public async Task<LoadReport> RunAsync(CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        try
        {
            _target = await Target.ResolveAsync(options, stop).ConfigureAwait(false);
            _publishing = await Target.ResolveAsync(options.Publishing, stop).ConfigureAwait(false);
            var before = Sample();
            var idle = await StartIdleAsync(stop).ConfigureAwait(false);
            if (options.Publishes)
                await PublishAsync(ending.Token, stop).ConfigureAwait(false);
            await PlayAsync(stop).ConfigureAwait(false);
            var report = await MeasureAsync(stop).ConfigureAwait(false) with { Idle = idle };
            if (_server is null)
                return report;
            var during = _during ?? Sample()!;
            _phase = "waiting until the server has let go of all";
            await LeaveAsync(ending).ConfigureAwait(false);
            return report with
            {
                Server = new LoadReport.ServerReport
                {
                    CpuSecondsPerGb = report.Bytes == 0 ? null : _cpuSeconds / (report.Bytes / 1e9),
                    CpuPercent = _cpuSeconds / report.Seconds * 100,
                    Before = before!,
                    During = during,
                    After = await SampleWhenBackAsync(before!.Sockets, stop).ConfigureAwait(false),
                },
            };
        }
        finally
        {
            await LeaveAsync(ending).ConfigureAwait(false);
        }
    }

    private async Task<LoadReport.IdleReport?> StartIdleAsync(CancellationToken stop)
    {
        if (options.Idle == 0)
            return null;
        _phase = "idle viewers";
        var name = $"{options.Name}-idle";
        var silent = new Publisher(_publishing, _published[0]);
        _publishers.Add(silent);
        await silent.OpenAsync($"{options.Publishing.Name}-idle", stop).ConfigureAwait(false);
        silent.StartSilent();
        var first = options.Idle / 10;
        await ConnectAsync(first).ConfigureAwait(false);
        var before = Sample();
        await ConnectAsync(options.Idle - first).ConfigureAwait(false);
        var after = Sample();
        Volatile.Write(ref _connected, 0);
        return new LoadReport.IdleReport
        {
            Viewers = options.Idle,
            KibPerViewer = after is null ? null : (after.MemoryMb - before!.MemoryMb) * 1024 / (options.Idle - first),
        };

        async Task ConnectAsync(int count)
        {
            var viewers = Enumerable.Range(0, count)
                .Select(_ => new Viewer(_target, 0, [], ViewerKind.Steady, verifiesContent: false, latencies: null)).ToArray();
            _idle.AddRange(viewers);
            await OpenAllAsync(viewers, viewer => viewer.PlayAsync(name, stop)).ConfigureAwait(false);
            await WaitAsync(2, stop).ConfigureAwait(false);
        }
    }

    private async Task PublishAsync(CancellationToken ending, CancellationToken stop)
    {
        _phase = "publishing";
        for (var i = 0; i < options.Streams; i++)
        {
            var publisher = new Publisher(_publishing, _published[i]);
            _publishers.Add(publisher);
            await publisher.OpenAsync(NameOf(options.Publishing, i), stop).ConfigureAwait(false);
            publisher.Start(options.Flood, ending);
        }

        await WaitAsync(1, stop).ConfigureAwait(false); // streams that run
    }

    private async Task PlayAsync(CancellationToken stop)
    {
        _phase = "connecting viewers";
        // Slow and stalled ones, and those whose content is compared, are spread over the streams.
        _viewers = [.. Enumerable.Range(0, options.Streams * options.Viewers).Select(i => new Viewer(
            _target, i % options.Streams, _tracks[i % options.Streams],
            i < options.Slow ? ViewerKind.Slow : i < options.Slow + options.Stalled ? ViewerKind.Stalled : ViewerKind.Steady,
            verifiesContent: ((i / options.Streams) + (i % options.Streams)) % options.Verify == 0, _latencies))];
        await OpenAllAsync(_viewers, viewer => viewer.PlayAsync(NameOf(options, viewer.Stream), stop)).ConfigureAwait(false);
        if (_viewers.Length > 0)
        {
            _phase = "warming up";
            await WaitAsync(options.Warmup, stop).ConfigureAwait(false);
        }
    }

    private async Task<LoadReport> MeasureAsync(CancellationToken stop)
    {
        if (!options.Publishes)
            return Report();
        ServerSample? beforeChurn = null;
        if (options.Churn > 0)
        {
            _phase = "warming up the churn";
            _churn = new Churn(_target, _publishing, NameOf(options, 0), _tracks[0], _published[0]);
            await _churn.RunAsync(options.Churn / 10, stop).ConfigureAwait(false);
            await WaitAsync(2, stop).ConfigureAwait(false);
            beforeChurn = Sample();
        }

        _phase = "measuring";
        foreach (var viewer in Of(ViewerKind.Stalled))
            viewer.Pause();
        foreach (var viewer in Of(ViewerKind.Slow))
            viewer.SlowDown(options.SlowRate);
        var cpu = _server?.GetSeconds();
        var own = Environment.CpuUsage.TotalTime;
        var (bytes, frames, published) = (Bytes, Frames, Published);
        var start = TimeProvider.System.GetTimestamp();
        _latencies.Start();
        await Task.WhenAll(WaitAsync(options.Seconds, stop), _churn?.RunAsync(options.Churn, stop) ?? Task.CompletedTask).ConfigureAwait(false);
        _latencies.Stop();
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        (bytes, frames, published) = (Bytes - bytes, Frames - frames, Published - published);
        _cpuSeconds = cpu is null ? null : ServerProcess.Difference(cpu, _server!.GetSeconds());
        own = Environment.CpuUsage.TotalTime - own;
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // off a socket's thread
        _during = Sample();
        await CatchUpAsync(stop).ConfigureAwait(false);
        var afterChurn = beforeChurn is null ? null : await SampleWhenBackAsync(beforeChurn.Sockets, stop).ConfigureAwait(false);
        var report = Report();
        return report with
        {
            Seconds = seconds,
            Bytes = bytes,
            Frames = frames,
            Gbits = bytes * 8 / seconds / 1e9,
            MbitsPerViewer = _viewers.Length == 0 ? 0 : bytes * 8 / seconds / 1e6 / _viewers.Length,
            PublishedGbits = published * 8 / seconds / 1e9,
            ToolCpuPercent = own.TotalSeconds / seconds * 100,
            Churn = report.Churn is null ? null : report.Churn with { Before = beforeChurn, After = afterChurn },
        };
    }

    // Who gets nothing any more misses no frame, and who reads slowly has not come to what it missed: all must have, in time, what has
    // been published by now.
    private async Task CatchUpAsync(CancellationToken stop)
    {
        _phase = "waiting until all viewers are up to date";
        Publisher[] publishers = [.. _publishers.TakeLast(options.Streams)]; // without the one of idle viewers
        _goals = [.. publishers.Select(publisher => publisher.Next)];
        foreach (var viewer in Of(ViewerKind.Stalled))
            viewer.Resume();
        foreach (var viewer in Of(ViewerKind.Slow))
            viewer.SpeedUp();
        var start = TimeProvider.System.GetTimestamp();
        while (_viewers.Where(IsBehind).Any(viewer => viewer.Failure is null) && TimeProvider.System.GetElapsedTime(start) < CatchUpLimit)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, stop).ConfigureAwait(false);
    }

    private bool IsBehind(Viewer viewer) => viewer.Next < _goals[viewer.Stream];

    private LoadReport Report()
    {
        var failures = _publishers.Concat<Client>(_viewers).Concat(_idle).Select(client => client.Failure?.Message)
            .Append(_churn?.Failure?.Message).OfType<string>().ToArray();
        return new LoadReport
        {
            Options = options,
            IsRight = failures.Length == 0 && Wrong == 0 && !_viewers.Any(viewer => viewer.FirstPicture is null || IsBehind(viewer)),
            LatencyMs = _latencies.GetSpread(),
            ConnectMs = Spread.Of(_viewers.Concat(_idle).Select(viewer => viewer.ConnectTime?.TotalMilliseconds).OfType<double>()),
            FirstPictureMs = Spread.Of(_viewers.Select(viewer => viewer.FirstPicture?.TotalMilliseconds).OfType<double>()),
            Steady = Summary(ViewerKind.Steady),
            Slow = options.Slow > 0 ? Summary(ViewerKind.Slow) : null,
            Stalled = options.Stalled > 0 ? Summary(ViewerKind.Stalled) : null,
            Churn = _churn is null ? null : new() { Connections = options.Churn, Failed = _churn.Failed, LeftOpen = _churn.LeftOpen },
            Failures = [.. failures.Distinct().Take(10)],
        };
    }

    private LoadReport.ViewersReport Summary(ViewerKind kind) => new()
    {
        Viewers = Of(kind).Count(),
        Failed = Of(kind).Count(viewer => viewer.Failure is not null),
        WithoutPicture = Of(kind).Count(viewer => viewer.FirstPicture is null),
        Behind = Of(kind).Count(IsBehind),
        Faults = Of(kind).Aggregate(default(FrameFaults), (sum, viewer) => sum + viewer.Faults),
        Packets = options.IsRtsp ? Of(kind).Aggregate(default(PacketFaults), (sum, viewer) => sum + (viewer.Packets ?? default)) : null,
    };

    private bool IsWrong(Viewer viewer) =>
        viewer.IsWrong
        || (viewer.Kind == ViewerKind.Steady && !options.Flood && !options.IsUdp
            && (viewer.Faults.Gaps > 0 || viewer.Packets is { Lost: > 0 } or { Late: > 0 }));

    private async Task OpenAllAsync(Viewer[] viewers, Func<Viewer, Task> open)
    {
        foreach (var batch in viewers.Chunk(options.AtOnce))
        {
            await Task.WhenAll(batch.Select(async viewer =>
            {
                try
                {
                    await open(viewer).ConfigureAwait(false);
                    Interlocked.Increment(ref _connected);
                }
                catch (IOException)
                {
                    // It is in the viewer's failure; the others go on.
                }
            })).ConfigureAwait(false);
        }

        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // off a socket's thread
    }

    // May be called again.
    private async Task LeaveAsync(CancellationTokenSource ending)
    {
        foreach (var viewer in _viewers.Concat(_idle))
            viewer.Dispose();
        await ending.CancelAsync().ConfigureAwait(false);
        foreach (var publisher in _publishers)
            await publisher.EndAsync().ConfigureAwait(false);
    }

    private ServerSample? Sample() => _server?.GetSample();

    private async Task<ServerSample> SampleWhenBackAsync(int sockets, CancellationToken stop)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (_server!.GetSample().Sockets > sockets && TimeProvider.System.GetElapsedTime(start) < ReturnLimit)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, stop).ConfigureAwait(false);
        return _server.GetSample();
    }

    private IEnumerable<Viewer> Of(ViewerKind kind) => _viewers.Where(viewer => viewer.Kind == kind);

    private long Frames => _viewers.Sum(viewer => viewer.Frames);

    private long Published => _publishers.Sum(publisher => publisher.Bytes);

    private static string NameOf(LoadOptions at, int stream) => at.Streams == 1 ? at.Name : $"{at.Name}-{stream + 1}";

    private static Task WaitAsync(int seconds, CancellationToken stop) =>
        Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, stop);
}
