using System.Text.Json.Nodes;
using MediaGraph.Testing;
using NUnit.Framework;
using Spectre.Console;

namespace MediaGraph.LoadTest.Tests;

[Parallelizable(ParallelScope.All)]
public sealed class ReportTests
{
    [Test]
    public void Json_says_everything_and_is_read_again()
    {
        var json = ReportFile.Write(Full("ours", 1));
        Assert.That(ReportFile.Write(ReportFile.Read(json)), Is.EqualTo(json));
        Assert.That(JsonNode.Parse(json)!["server"]!["cpuSecondsPerGb"]!.GetValue<double>(), Is.EqualTo(1));
        Assert.That(json, Does.Not.Contain(": null"), "a report in which nothing is left out");
    }

    [Test]
    public void A_report_without_a_process_is_read_again()
    {
        var json = ReportFile.Write(Full("ours", 1) with { Server = null, Idle = null, Churn = null, Slow = null, LatencyMs = null });
        Assert.That(ReportFile.Write(ReportFile.Read(json)), Is.EqualTo(json));
    }

    [TestCase("nonsense")]
    [TestCase("null")]
    [TestCase("""{"seconds": 1}""")]
    public void What_is_no_report_is_refused(string text) =>
        Assert.That(() => ReportFile.Read(text), Throws.InstanceOf<InvalidDataException>());

    [Test]
    public void Each_field_of_the_json_is_documented()
    {
        var page = File.ReadAllText(RepositoryRoot.Combine("docs", "performance.md"));
        var report = JsonNode.Parse(ReportFile.Write(Full("ours", 1)))!.AsObject();
        var options = report["options"]!.AsObject();
        report.Remove("options");
        Assert.That(Names(report).Distinct().Where(name => !page.Contains($"`{name}`", StringComparison.Ordinal)), Is.Empty);
        Assert.That(
            options.Select(option => option.Key).Where(name => !LoadOptions.Usage.Contains(name, StringComparison.OrdinalIgnoreCase)),
            Is.EquivalentTo(new[] { "slowRate", "atOnce" }), "each is named as its option, without dashes");

        static IEnumerable<string> Names(JsonObject node) =>
            node.SelectMany(field => field.Value is JsonObject inner ? Names(inner).Prepend(field.Key) : [field.Key]);
    }

    [Test]
    public void Servers_are_compared_by_their_medians_for_each_scenario()
    {
        var text = Compare(
            [Full("ours", 1), Full("other", 4), Full("ours", 3), Full("other", 4), Full("ours", 2), Full("other", 5), With(Full("ours", 7), 500)]);
        Assert.That(text, Does.Contain("ours, 3 runs").And.Contain("other, 3 runs").And.Contain("ours, 1 runs"));
        Assert.That(text, Does.Match(@"CPU, s per GB *\| *2 \(1 to 3\), ×0\.50 *\| *4 \(4 to 5\) *\|"));
        Assert.That(text, Does.Match(@"CPU, s per GB *\| *7 *\|"));
        Assert.That(text, Does.Contain("50 viewers each").And.Contain("500 viewers each"));
    }

    [Test]
    public void What_no_run_measured_is_not_in_the_comparison()
    {
        var text = Compare([Full("ours", 1) with { Server = null, Idle = null, Churn = null, Slow = null }]);
        Assert.That(text, Does.Contain("latency p99").And.Not.Contain("CPU, s per GB").And.Not.Contain("idle viewer").And.Not.Contain("churn"));
    }

    [TestCase("--help", 0, "Usage: LoadTest")]
    [TestCase("--what", 2, "--what is no option.")]
    [TestCase("rtmp://127.0.0.1:1/live", 1, "publish: Connection refused")]
    [TestCase("rtsp://127.0.0.1:1/live", 1, "publish: Connection refused")]
    [TestCase("compare /nowhere.json", 1, "/nowhere.json")]
    public async Task The_program_ends_with_the_code_that_its_help_says(string arguments, int code, string text)
    {
        var result = await ExternalTool.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "MediaGraph.LoadTest.dll"), .. arguments.Split(' ')]);
        Assert.That(result.ExitCode, Is.EqualTo(code), result.Output + result.Error);
        Assert.That(result.Output + result.Error, Does.Contain(text));
        Assert.That(result.Output + result.Error, Does.Not.Contain("   at ").And.Not.Contain("\u001b"));
    }

    [Test]
    public async Task The_program_writes_plain_text_and_json_and_ends_with_1_when_a_viewer_was_wrong()
    {
        await using var server = new TamperingServer(() =>
        {
            var count = 0;
            return message => ++count == 5 ? [] : [message];
        });
        server.Start();
        var file = Path.Combine(Directory.CreateTempSubdirectory("mediagraph-load-").FullName, "report.json");
        var result = await ExternalTool.RunAsync("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "MediaGraph.LoadTest.dll"), $"rtmp://127.0.0.1:{server.Port}/live", "--viewers", "2",
            "--warmup", "0", "--seconds", "2", "--gop", "10", "--json", file]);
        Assert.That(result.ExitCode, Is.EqualTo(1), result.Output + result.Error);
        Assert.That(result.Output, Does.Match(@"\n  [a-z ]+: [0-2] viewers, \d+ Mbit/s").And.Contain("gaps (frames lost)").And.Not.Contain("\u001b"));
        var report = ReportFile.Read(await File.ReadAllTextAsync(file));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        Assert.That(report.IsRight, Is.False);
        Assert.That(report.Steady.Faults, Is.EqualTo(new FrameFaults { Gaps = 2, Lost = 2, MidGroupResumes = 2 }));
    }

    private static string Compare(LoadReport[] reports)
    {
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(output),
        });
        console.Profile.Width = 200;
        Comparison.Write(console, reports);
        return output.ToString();
    }

    private static LoadReport With(LoadReport report, int viewers) => report with { Options = report.Options with { Viewers = viewers } };

    private static LoadReport Full(string label, double cpu)
    {
        var spread = new Spread { P50 = 1, P99 = 2, P999 = 3, Max = 4 };
        var sample = new ServerSample { MemoryMb = 50, Descriptors = 7, Sockets = 5 };
        var viewers = new LoadReport.ViewersReport
        {
            Viewers = 50,
            Failed = 0,
            WithoutPicture = 0,
            Behind = 0,
            Faults = default,
            Packets = default(PacketFaults),
        };
        return new LoadReport
        {
            Options = new LoadOptions { Label = label, Pid = 1, Json = "x.json", Publish = "rtmp://127.0.0.1/live" },
            IsRight = true,
            LatencyMs = spread,
            ConnectMs = spread,
            FirstPictureMs = spread,
            Server = new() { CpuSecondsPerGb = cpu, CpuPercent = 1, Before = sample, During = sample, After = sample },
            Steady = viewers,
            Slow = viewers,
            Stalled = viewers,
            Idle = new() { Viewers = 1, KibPerViewer = 2 },
            Churn = new() { Connections = 1, Failed = 0, LeftOpen = 0, Before = sample, After = sample },
            Failures = [],
        };
    }
}
