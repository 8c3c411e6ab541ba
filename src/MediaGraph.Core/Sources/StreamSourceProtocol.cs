using System.Collections.Immutable;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary><c>stream:NAME</c>: the pictures and the sound of another stream of the hub.</summary>
internal sealed class StreamSourceProtocol(StreamHub hub) : ISourceProtocol
{
    private const string Prefix = "stream:";

    public ImmutableArray<string> Schemes => ["stream"];

    public ISource CreateSource(string url) => NameIn(url) is { } name
        ? new StreamSource(hub, name)
        : throw new FormatException("Behind stream: there must be the name of a stream, and nothing else.");

    /// <summary>How a stream with this definition would be taken from itself; null when it would not.</summary>
    public static string? FindLoop(StreamHub hub, StreamDefinition definition)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return Find(definition.Name, definition);

        string? Find(string path, StreamDefinition from)
        {
            foreach (var name in (from.Sources.IsDefault ? [] : from.Sources).Select(NameOf).OfType<string>())
            {
                if (name == definition.Name)
                    return $"{path} from {name}";
                if (seen.Add(name) && hub.Find(name)?.Sources?.Definition is { } next && Find($"{path} from {name}", next) is { } loop)
                    return loop;
            }

            return null;
        }
    }

    // Null for what is no address, or of another protocol.
    private static string? NameOf(string address)
    {
        try
        {
            return SourceAddress.Parse(address) is { Scheme: "stream" } parsed ? NameIn(parsed.Url) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static string? NameIn(string url) => StreamName.IsValid(url.AsSpan(Prefix.Length)) ? url[Prefix.Length..] : null;
}
