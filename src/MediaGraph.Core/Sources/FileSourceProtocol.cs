using System.Collections.Immutable;

namespace MediaGraph.Sources;

/// <summary><c>file:PATH</c>: an FLV file, in a loop; with <c>#loop=false</c> once.</summary>
internal sealed class FileSourceProtocol : ISourceProtocol
{
    public ImmutableArray<string> Schemes => ["file"];

    public ISource CreateSource(string url)
    {
        var parts = url["file:".Length..].Split('#');
        var path = parts[0].StartsWith("///", StringComparison.Ordinal) ? parts[0][2..] : parts[0]; // RFC 8089 §2
        if (path.Length == 0 || path.StartsWith("//", StringComparison.Ordinal))
            throw new FormatException("Behind file: there must be the path of an FLV file on this machine.");
        bool? loop = parts.Length switch
        {
            1 => true,
            2 when parts[1] == "loop=true" => true,
            2 when parts[1] == "loop=false" => false,
            _ => null,
        };
        return loop is { } loops
            ? new FileSource(path, loops)
            : throw new FormatException("Behind the # of a file's address there can only be loop=true or loop=false.");
    }
}
