using System.Collections.Concurrent;
using System.Collections.Immutable;
using MediaGraph.Relays;

namespace MediaGraph.Tests.Relays;

/// <summary><c>push:NAME?SECRET</c>, a destination of that name, made when it is first asked for.</summary>
internal sealed class TestRelayProtocol : IRelayProtocol
{
    private readonly ConcurrentDictionary<string, TestTarget> _targets = new();

    public ImmutableArray<string> Schemes => ["push"];

    public TestTarget this[string name]
    {
        get => _targets.GetOrAdd(name, static n => new TestTarget(n));
        set => _targets[name] = value;
    }

    public IRelayTarget CreateTarget(string url) =>
        url == "push:bad" ? throw new FormatException("It is bad.") : this[url["push:".Length..].Split('?')[0]];
}
