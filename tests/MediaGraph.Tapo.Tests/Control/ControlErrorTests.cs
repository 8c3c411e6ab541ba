using MediaGraph.Tapo.Control;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Control;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class ControlErrorTests
{
    [Test]
    public void The_documentation_says_what_to_do(
        [Values(-52411, -52407, -52405, -52417, -52435, -52423, -64324, -40106, -69096, -90404, -1007, -3)] int code)
    {
        var page = File.ReadAllText(RepositoryRoot.Combine("docs", "tapo.md"));
        Assert.That(page[page.IndexOf("## When it does not work", StringComparison.Ordinal)..], Does.Contain(ControlError.Explain(code).Text));
    }

    [Test]
    public void A_code_that_is_not_known_is_told() =>
        Assert.That(ControlError.Explain(-1).Text, Is.EqualTo("the camera refuses with the code -1"));
}
