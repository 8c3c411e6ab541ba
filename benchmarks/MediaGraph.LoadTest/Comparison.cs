using System.Globalization;
using Spectre.Console;

namespace MediaGraph.LoadTest;

/// <summary>Reports of servers that had their turns, side by side: median (least to most), and the median's ratio to the last server's.</summary>
internal static class Comparison
{
    private static readonly (string Name, Func<LoadReport, double?> Value)[] Rows =
    [
        ("CPU, s per GB", report => report.Server?.CpuSecondsPerGb),
        ("CPU, %", report => report.Server?.CpuPercent),
        ("delivered, Gbit/s", report => report.Gbits > 0 ? report.Gbits : null),
        ("latency p50, ms", report => report.LatencyMs?.P50),
        ("latency p99, ms", report => report.LatencyMs?.P99),
        ("latency p99.9, ms", report => report.LatencyMs?.P999),
        ("latency max, ms", report => report.LatencyMs?.Max),
        ("connect p50, ms", report => report.ConnectMs?.P50),
        ("connect p99, ms", report => report.ConnectMs?.P99),
        ("first picture p50, ms", report => report.FirstPictureMs?.P50),
        ("first picture p99, ms", report => report.FirstPictureMs?.P99),
        ("first picture max, ms", report => report.FirstPictureMs?.Max),
        ("memory before, MiB", report => report.Server?.Before.MemoryMb),
        ("memory during, MiB", report => report.Server?.During.MemoryMb),
        ("memory after, MiB", report => report.Server?.After.MemoryMb),
        ("descriptors kept at the end", report => report.Server?.After.Descriptors - report.Server?.Before.Descriptors),
        ("sockets kept at the end", report => report.Server?.After.Sockets - report.Server?.Before.Sockets),
        ("memory per idle viewer, KiB", report => report.Idle?.KibPerViewer),
        ("memory kept by the churn, MiB", report => report.Churn?.After?.MemoryMb - report.Churn?.Before?.MemoryMb),
        ("descriptors kept by the churn", report => report.Churn?.After?.Descriptors - report.Churn?.Before?.Descriptors),
        ("sockets kept by the churn", report => report.Churn?.After?.Sockets - report.Churn?.Before?.Sockets),
        ("churn: failed", report => report.Churn?.Failed),
        ("frames lost by steady viewers", report => report.Steady.Viewers > 0 ? report.Steady.Faults.Lost : null),
        ("frames lost by slow viewers", report => report.Slow?.Faults.Lost),
        ("frames lost by stalled viewers", report => report.Stalled?.Faults.Lost),
        ("RTP packets lost by steady viewers", report => report.Steady.Packets?.Lost),
        ("resumed in mid-group", report => Sum(report, viewers => viewers.Faults.MidGroupResumes)),
        ("other wrong frames", report => Sum(report, viewers => viewers.Faults.BadStarts + viewers.Faults.Reordered + viewers.Faults.Duplicates + viewers.Faults.Corrupt)),
        ("viewers lost, without picture, or behind", report => Sum(report, viewers => viewers.Failed + viewers.WithoutPicture + viewers.Behind)),
        ("runs with something wrong", report => report.IsRight ? 0 : 1),
        ("this tool's CPU, %", report => report.Seconds > 0 ? report.ToolCpuPercent : null),
    ];

    public static void Write(IAnsiConsole console, IReadOnlyList<LoadReport> reports)
    {
        foreach (var scenario in reports.GroupBy(report => report.Options.Describe()))
            console.Write(MakeTable(scenario.Key, [.. scenario.GroupBy(report => report.Options.Label)], console.Profile.Capabilities.Interactive));
    }

    /// <summary>The value in the middle, or halfway between the two there.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static Table MakeTable(string title, IGrouping<string, LoadReport>[] servers, bool isTerminal)
    {
        var table = new Table { Border = isTerminal ? TableBorder.Rounded : TableBorder.Markdown, Title = new TableTitle(Markup.Escape(title)) };
        table.AddColumn("median (least to most), ratio");
        foreach (var server in servers)
            table.AddColumn(new TableColumn(Markup.Escape($"{server.Key}, {server.Count()} runs")).RightAligned());
        foreach (var (name, value) in Rows)
        {
            var cells = servers.Select(server => server.Select(value).OfType<double>().ToArray()).ToArray();
            if (Array.Exists(cells, cell => cell.Length > 0))
                table.AddRow([new Text(name), .. cells.Select(cell => new Text(Cell(cell, cells[^1])))]);
        }

        return table;
    }

    private static string Cell(double[] values, double[] reference)
    {
        if (values.Length == 0)
            return "-";
        var median = Median(values);
        var text = values.Length == 1 ? Number(median) : $"{Number(median)} ({Number(values.Min())} to {Number(values.Max())})";
        return values != reference && median > 0 && reference.Length > 0 && Median(reference) is > 0 and var other ? $"{text}, ×{median / other:F2}" : text;
    }

    private static string Number(double value) =>
        value.ToString(Math.Abs(value) >= 100 ? "F0" : Math.Abs(value) >= 10 ? "F1" : value == Math.Truncate(value) ? "F0" : "F2", CultureInfo.InvariantCulture);

    private static double Sum(LoadReport report, Func<LoadReport.ViewersReport, double> value) =>
        new[] { report.Steady, report.Slow, report.Stalled }.OfType<LoadReport.ViewersReport>().Sum(value);
}
