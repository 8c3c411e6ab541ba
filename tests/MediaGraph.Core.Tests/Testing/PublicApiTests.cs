using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Core.Tests.Testing;

public sealed class PublicApiTests
{
    [Test]
    public void A_description_is_written_as_the_declarations_are()
    {
        var lines = PublicApi.Describe(typeof(ApiSample<>).Assembly).Split('\n');
        var start = Array.FindIndex(lines, line => line.Contains("ApiSample<T>", StringComparison.Ordinal));
        var paragraph = lines[start..].TakeWhile(line => line.Length > 0);
        const string Here = "MediaGraph.Core.Tests.Testing";
        Assert.That(paragraph, Is.EqualTo(new[]
        {
            $"public abstract class {Here}.ApiSample<T> : System.IDisposable where T : class, new()",
            "    public const int Limit = 3",
            "    public static readonly byte[] Bytes",
            "    protected ApiSample()",
            "    public required string Name { get; init; }",
            "    public virtual int this[int index] { get; protected set; }",
            "    protected abstract void Run<TItem>(ref TItem item, System.TimeSpan? limit = null, string name = \"a\") where TItem : struct",
            "    public abstract void Dispose()",
            "    public override string ToString()",
        }));
    }

    [Test]
    public void A_difference_names_the_type_of_each_changed_member()
    {
        const string Before = "public class A\n    public int X()\n    public int Y()\n";
        const string After = "public class A\n    public int X()\n    public long Y()\n\npublic enum B\n    One = 1\n";
        Assert.That(PublicApi.Difference(Before, After).Split('\n'), Is.EqualTo(new[]
        {
            "- public class A: public int Y()", "+ public class A: public long Y()", "+ public enum B", "+ public enum B: One = 1",
        }));
        Assert.That(PublicApi.Difference(After, After), Is.Empty);
    }
}
