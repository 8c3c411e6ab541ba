using System.Globalization;

namespace MediaGraph.LoadTest;

/// <summary>One run: publish, play, warm up, measure, report.</summary>
internal sealed class LoadRun(LoadOptions options)
{
    // Below the limits that servers have for connections which have not finished their handshake.
    private const int ConnectingAtOnce = 32;

    private readonly Latencies _latencies = new();
    private readonly List<Viewer> _viewers = [];

    /// <summary>Returns the exit code: 0 when every frame was right.</summary>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        var server = options.ServerPid is { } pid ? new ServerProcess(pid) : null;
        var idle = server?.GetResidentMegabytes() ?? 0;
        using var publisher = new Publisher();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await publisher.OpenAsync(options, stop).ConfigureAwait(false);
        var publishing = publisher.RunAsync(ending.Token);
        try
        {
            await WaitAsync(1, stop).ConfigureAwait(false); // a stream that runs
            if (publishing.IsCompleted || publisher.Failure is not null)
                throw new IOException($"Publishing failed: {(publisher.Failure ?? publishing.Exception?.InnerException)?.Message}");
            await ConnectAsync(stop).ConfigureAwait(false);
            await WaitAsync(options.Warmup, stop).ConfigureAwait(false);
            return await MeasureAsync(publisher, server, idle, stop).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await publishing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var viewer in _viewers)
                viewer.Dispose();
        }
    }

    private async Task ConnectAsync(CancellationToken stop)
    {
        for (var i = 0; i < options.Viewers; i++)
            _viewers.Add(new Viewer(_latencies, verifies: i % options.VerifyEach == 0, willStall: i < options.Stalled));
        foreach (var batch in _viewers.Chunk(ConnectingAtOnce))
            await Task.WhenAll(batch.Select(viewer => viewer.PlayAsync(options, stop))).ConfigureAwait(false);
    }

    private async Task<int> MeasureAsync(Publisher publisher, ServerProcess? server, double idle, CancellationToken stop)
    {
        var stalled = _viewers.Take(options.Stalled).ToArray();
        foreach (var viewer in stalled)
            viewer.Pause();
        var cpu = server?.GetThreadSeconds() ?? [];
        var bytes = _viewers.Sum(viewer => viewer.Bytes);
        var start = TimeProvider.System.GetTimestamp();
        _latencies.Start();
        await WaitAsync(options.Seconds, stop).ConfigureAwait(false);
        _latencies.Stop();
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        bytes = _viewers.Sum(viewer => viewer.Bytes) - bytes;
        var used = server is null ? 0 : ServerProcess.Difference(cpu, server.GetThreadSeconds());
        var resident = server?.GetResidentMegabytes() ?? 0;
        if (stalled.Length > 0)
        {
            foreach (var viewer in stalled)
                viewer.Resume();
            await WaitAsync(5, stop).ConfigureAwait(false);
        }

        return Report(publisher, bytes, seconds, used, idle, resident, stalled);
    }

    private int Report(Publisher publisher, long bytes, double seconds, double used, double idle, double resident, Viewer[] stalled)
    {
        var failures = _viewers.Where(viewer => viewer.Failure is not null).ToArray();
        var pictures = _viewers.Where(viewer => viewer.FirstPicture is not null).Select(viewer => viewer.FirstPicture!.Value.TotalMilliseconds)
            .Order().ToArray();
        var errors = _viewers.Sum(viewer => viewer.Errors);
        var gaps = _viewers.Except(stalled).Sum(viewer => viewer.Gaps);
        var silent = _viewers.Count(viewer => viewer.Frames == 0);
        (string Name, string Value)[] results =
        [
            ("viewers", options.Viewers.ToString(CultureInfo.InvariantCulture)),
            ("seconds", Text(seconds, 1)),
            ("bytes", bytes.ToString(CultureInfo.InvariantCulture)),
            ("mbit_per_viewer", Text(bytes * 8 / seconds / 1e6 / options.Viewers, 2)),
            ("cpu_per_gb", Text(used / (bytes / 1e9), 3)),
            ("cpu", Text(used / seconds, 3)),
            ("p50_ms", Text(_latencies.Percentile(0.5), 2)),
            ("p99_ms", Text(_latencies.Percentile(0.99), 2)),
            ("p999_ms", Text(_latencies.Percentile(0.999), 2)),
            ("picture_ms_p50", pictures.Length == 0 ? "-" : Text(pictures[pictures.Length / 2], 0)),
            ("picture_ms_max", pictures.Length == 0 ? "-" : Text(pictures[^1], 0)),
            ("rss_mb_before", Text(idle, 1)),
            ("rss_mb", Text(resident, 1)),
            ("stalled", stalled.Length.ToString(CultureInfo.InvariantCulture)),
            ("resumed", stalled.Count(viewer => viewer.Gaps > 0).ToString(CultureInfo.InvariantCulture)),
            ("gaps", gaps.ToString(CultureInfo.InvariantCulture)),
            ("errors", errors.ToString(CultureInfo.InvariantCulture)),
            ("lost", (failures.Length + silent).ToString(CultureInfo.InvariantCulture)),
        ];
        Console.WriteLine($"{options.Label} {string.Join(' ', results.Select(result => $"{result.Name}={result.Value}"))}");
        if (publisher.Failure is { } ended)
            Console.WriteLine($"  the publisher: {ended.Message}");
        foreach (var failure in failures.Take(3))
            Console.WriteLine($"  {failure.Failure!.Message}");
        return publisher.Failure is null && errors + gaps + failures.Length + silent == 0 ? 0 : 1;
    }

    private static Task WaitAsync(int seconds, CancellationToken stop) =>
        Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, stop);

    private static string Text(double value, int digits) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);
}
