using System.Globalization;
using Spectre.Console;

namespace MediaGraph.LoadTest;

/// <summary>What the user sees: how far a run is, once a second and never on a socket's thread; and its result.</summary>
internal sealed class Screen(IAnsiConsole console)
{
    /// <summary>Shows the run until it has ended, and then what it found.</summary>
    public async Task<LoadReport> ShowAsync(LoadRun run, LoadOptions options, CancellationToken stop)
    {
        console.WriteLine($"{options.Url}: {options.Describe()}");
        var running = Task.Run(() => run.RunAsync(stop), CancellationToken.None);
        if (console.Profile.Capabilities.Interactive)
            await console.Live(Text.Empty).AutoClear(true).StartAsync(context => FollowAsync(line => context.UpdateTarget(new Text(line)))).ConfigureAwait(false);
        else
            await FollowAsync(WritePhase()).ConfigureAwait(false);
        var report = await running.ConfigureAwait(false);
        Write(report);
        return report;

        async Task FollowAsync(Action<string> write)
        {
            using var second = new PeriodicTimer(TimeSpan.FromSeconds(1), TimeProvider.System);
            var bytes = run.Bytes;
            var since = TimeProvider.System.GetTimestamp();
            while (!running.IsCompleted)
            {
                var tick = second.WaitForNextTickAsync(CancellationToken.None).AsTask();
                await Task.WhenAny(running, tick).ConfigureAwait(false);
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // the run may end on a socket's thread
                if (running.IsCompleted)
                    return;
                var (now, time) = (run.Bytes, TimeProvider.System.GetTimestamp());
                var rate = (now - bytes) * 8 / TimeProvider.System.GetElapsedTime(since, time).TotalSeconds / 1e6;
                (bytes, since) = (now, time);
                write(Progress(run, options, rate));
            }
        }

        // Without a terminal: a line for each phase.
        Action<string> WritePhase()
        {
            var last = "";
            return line =>
            {
                if (run.Phase == last)
                    return;
                last = run.Phase;
                console.WriteLine(line);
            };
        }
    }

    private static string Progress(LoadRun run, LoadOptions options, double rate)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"  {run.Phase}: {run.Connected} viewers, {rate:F0} Mbit/s");
        if (options.Churn > 0)
            text += $", {run.Churned} came and went";
        return run.Wrong > 0 ? text + $", {run.Wrong} got wrong frames" : text;
    }

    private void Write(LoadReport report)
    {
        var table = new Table().Border(Border).AddColumn(Markup.Escape(report.Options.Label)).AddColumn(new TableColumn("").RightAligned()).HideHeaders();
        foreach (var (name, value) in Rows(report))
            table.AddRow(new Text(name), new Text(value));
        console.Write(table);
        foreach (var failure in report.Failures)
            console.WriteLine($"  {failure}");
        console.WriteLine(report.IsRight ? "Every viewer got what it should." : "Not every viewer got what it should.");
    }

    private static IEnumerable<(string Name, string Value)> Rows(LoadReport report)
    {
        yield return ("server", report.Options.Label);
        if (report.Seconds > 0)
        {
            yield return ("measured, s", Number(report.Seconds, 1));
            yield return ("delivered, MB", Number(report.Bytes / 1e6, 1));
            yield return ("delivered, Gbit/s (published)", $"{Number(report.Gbits, 3)} ({Number(report.PublishedGbits, 3)})");
            yield return ("Mbit/s per viewer", Number(report.MbitsPerViewer, 2));
        }

        foreach (var (name, spread) in new[]
        {
            ("latency, ms", report.LatencyMs), ("connect, ms", report.ConnectMs), ("first picture, ms", report.FirstPictureMs),
        })
        {
            if (spread is not null)
                yield return ($"{name}: p50 / p99 / p99.9 / max", string.Join(" / ", Number(spread.P50, 2), Number(spread.P99, 2), Number(spread.P999, 2), Number(spread.Max, 2)));
        }

        if (report.Server is { } server)
        {
            if (server.CpuSecondsPerGb is { } cpu)
                yield return ("server's CPU, s per GB", Number(cpu, 3));
            if (server.CpuPercent is { } percent)
                yield return ("server's CPU, %", Number(percent, 1));
            yield return ("server's memory, MiB: before / during / after", Samples(sample => Number(sample.MemoryMb, 1), server.Before, server.During, server.After));
            yield return ("server's descriptors (sockets): before / during / after", Samples(Descriptors, server.Before, server.During, server.After));
        }

        if (report.Seconds > 0)
            yield return ("this tool's CPU, %", Number(report.ToolCpuPercent, 1));
        if (report.Idle is { } idle)
            yield return ($"memory per idle viewer ({idle.Viewers}), KiB", idle.KibPerViewer is { } kib ? Number(kib, 1) : "?");
        if (report.Churn is { } churn)
        {
            yield return ("came and went (failed, left half-open)", $"{churn.Connections} ({churn.Failed}, {churn.LeftOpen})");
            if (churn is { Before: { } before, After: { } after })
            {
                yield return ("memory around that, MiB: before / after", Samples(sample => Number(sample.MemoryMb, 1), before, after));
                yield return ("descriptors (sockets) around that: before / after", Samples(Descriptors, before, after));
            }
        }

        foreach (var (name, viewers) in new[] { ("steady", report.Steady), ("slow", report.Slow), ("stalled", report.Stalled) })
        {
            if (viewers is not { Viewers: > 0 })
                continue;
            var faults = viewers.Faults;
            yield return ($"{name} viewers", $"{viewers.Viewers}");
            yield return ("  lost connection / no picture / behind", $"{viewers.Failed} / {viewers.WithoutPicture} / {viewers.Behind}");
            yield return ("  gaps (frames lost) / resumed in mid-group", $"{faults.Gaps} ({faults.Lost}) / {faults.MidGroupResumes}");
            if (viewers.Packets is { } packets)
                yield return ("  RTP packets lost / late", $"{packets.Lost} / {packets.Late}");
            yield return ("  bad starts / reordered / twice / corrupt", $"{faults.BadStarts} / {faults.Reordered} / {faults.Duplicates} / {faults.Corrupt}");
        }

        static string Samples(Func<ServerSample, string> value, params ServerSample[] samples) => string.Join(" / ", samples.Select(value));
        static string Descriptors(ServerSample sample) => $"{sample.Descriptors} ({sample.Sockets})";
    }

    private TableBorder Border => console.Profile.Capabilities.Interactive ? TableBorder.Rounded : TableBorder.Ascii;

    private static string Number(double value, int digits) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);
}
