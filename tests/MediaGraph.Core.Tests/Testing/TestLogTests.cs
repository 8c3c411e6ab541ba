using MediaGraph.Testing;
using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace MediaGraph.Core.Tests.Testing;

public sealed class TestLogTests
{
    [Test]
    public void Entries_are_kept_with_their_event()
    {
        using var log = new TestLog();
        var message = LoggerMessage.Define<string>(LogLevel.Warning, new EventId(1007, "Sample"), "hello {Name}");
        message(log.CreateLogger("category"), "world", null);
        var entry = log.Of(1007).Single();
        Assert.That((entry.Level, entry.Category, entry.Message), Is.EqualTo((LogLevel.Warning, "category", "hello world")));
        Assert.That(log.Of(1008), Is.Empty);
    }
}
