using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Rtmp.Diagnostics;
using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Hosting.Tests;

/// <summary>The lists in docs are whole.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class DocumentsTests
{
    private static readonly Lazy<string> Documents = new(() => string.Concat(
        Directory.EnumerateFiles(RepositoryRoot.Combine("docs"), "*.md").Select(File.ReadAllText)));

    private static readonly Type[] Names = [typeof(MetricNames), typeof(RtmpMetricNames), typeof(RtspMetricNames), typeof(TapoMetricNames)];

    private static IEnumerable<string> Metrics => Names
        .SelectMany(type => type.GetFields()).Select(constant => (string)constant.GetRawConstantValue()!);

    private static IEnumerable<string> Events =>
        typeof(MediaEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(MediaEvent))).Select(type => type.Name);

    [TestCaseSource(nameof(Metrics))]
    [TestCaseSource(nameof(Events))]
    public void It_stands_in_the_documents(string name) => Assert.That(Documents.Value, Does.Contain($"`{name}`"));
}
