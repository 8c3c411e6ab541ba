using System.Text.RegularExpressions;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tests.Models;

// Rows: C1, C3, C6, C7, S6, S13, S18; global laws 1, 2, 4.

/// <summary>The models of <c>tests/models</c>, seen through to their last state; and that each could fail.</summary>
[TestFixture, Category("Spin"), Parallelizable(ParallelScope.All)]
public sealed partial class SpinTests
{
    [TestCase("graph", "")]
    [TestCase("graph", "CLOSER")]
    [TestCase("signal", "")]
    [TestCase("lease", "")]
    [TestCase("lease", "REMOVER")]
    [TestCase("route", "")]
    public async Task The_model_has_no_error(string model, string variant)
    {
        var (errors, report) = await CheckAsync(model, variant);
        Assert.That(errors, Is.Zero, report);
    }

    [TestCaseSource(nameof(Mutants))]
    public async Task The_mistake_is_found(string model, string mutant)
    {
        var (errors, report) = await CheckAsync(model, [.. mutant.Split(' ')]);
        Assert.That(errors, Is.Positive, report);
    }

    // Each BUG_ in the models; some show in one variant alone.
    private static IEnumerable<TestCaseData> Mutants()
    {
        foreach (var file in Directory.EnumerateFiles(RepositoryRoot.Combine("tests", "models"), "*.pml").Order(StringComparer.Ordinal))
        {
            var model = Path.GetFileNameWithoutExtension(file);
            foreach (var bug in Bug().Matches(File.ReadAllText(file)).Select(match => match.Value).Distinct().Order(StringComparer.Ordinal))
                yield return new TestCaseData(model, (model, bug) switch
                {
                    ("graph", "BUG_FILL") => $"{bug} CLOSER",
                    ("lease", "BUG_DECIDE") => $"{bug} REMOVER",
                    _ => bug,
                });
        }
    }

    private static async Task<(int Errors, string Report)> CheckAsync(string model, params string[] defines)
    {
        var folder = Directory.CreateTempSubdirectory("spin-");
        try
        {
            File.Copy(RepositoryRoot.Combine("tests", "models", $"{model}.pml"), Path.Combine(folder.FullName, "model.pml"));
            var flags = string.Join(' ', defines.Where(define => define.Length > 0).Select(define => $"-D{define}"));
            await RunAsync($"spin -a {flags} model.pml");

            // A mistake is found soon: compiling takes longer than running then.
            await RunAsync($"cc -w {(flags.Contains("BUG_", StringComparison.Ordinal) ? "-O0" : "-O1")} -DSAFETY -DCOLLAPSE -o pan pan.c");
            var report = await RunAsync("./pan -m100000");
            if (report.Contains("search not completed", StringComparison.Ordinal) && !report.Contains("pan:1:", StringComparison.Ordinal))
                Assert.Fail($"It was not seen through:\n{report}");
            return (int.Parse(Errors().Match(report).Groups[1].Value, null), report);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        async Task<string> RunAsync(string command)
        {
            var result = await ExternalTool.RunAsync("sh", ["-c", $"cd '{folder.FullName}' && {command}"]);
            Assert.That(result.ExitCode, Is.Zero, $"{command} (./test.sh installs what the tests need)\n{result.Output}\n{result.Error}");
            return result.Output;
        }
    }

    [GeneratedRegex(@"BUG_\w+")]
    private static partial Regex Bug();

    [GeneratedRegex(@"errors: (\d+)")]
    private static partial Regex Errors();
}
