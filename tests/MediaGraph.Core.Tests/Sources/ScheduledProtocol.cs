using System.Collections.Immutable;
using MediaGraph.Sources;

namespace MediaGraph.Tests.Sources;

/// <summary><c>test:NAME</c>: one <see cref="ScheduledSource"/> for each name, whatever streams it is a source of.</summary>
internal sealed class ScheduledProtocol : ISourceProtocol
{
    private readonly Dictionary<string, ScheduledSource> _sources = [];

    public ImmutableArray<string> Schemes => ["test"];

    public IEnumerable<ScheduledSource> All => _sources.Values;

    public ScheduledSource this[string name]
    {
        get
        {
            if (!_sources.TryGetValue(name, out var source))
                _sources.Add(name, source = new ScheduledSource(name));
            return source;
        }
    }

    public ISource CreateSource(string url) => this[url["test:".Length..]];
}
