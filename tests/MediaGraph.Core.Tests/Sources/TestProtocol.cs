using System.Collections.Concurrent;
using System.Collections.Immutable;
using MediaGraph.Sources;

namespace MediaGraph.Tests.Sources;

/// <summary><c>test:NAME</c>, a source of that name, made when it is first asked for.</summary>
internal sealed class TestProtocol : ISourceProtocol
{
    private readonly ConcurrentDictionary<string, TestSource> _sources = new();

    public ImmutableArray<string> Schemes => ["test"];

    public TestSource this[string name]
    {
        get => _sources.GetOrAdd(name, static n => new TestSource(n));
        set => _sources[name] = value;
    }

    public ISource CreateSource(string url) => url switch
    {
        "test:bad" => throw new FormatException("It is bad."),
        "test:broken" => throw new InvalidOperationException("It has a secret."),
        _ => this[url["test:".Length..]],
    };
}
