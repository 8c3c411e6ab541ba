using System.Globalization;

namespace MediaGraph.Tapo.Http;

/// <summary>The headers of an answer, or of a part. Their number and length are bounded by who reads them.</summary>
internal sealed class HttpHeaders
{
    /// <summary>Lines of one block.</summary>
    public const int MaxCount = 64;

    private readonly List<KeyValuePair<string, string>> _headers = [];

    /// <summary>Lines so far, those that are no headers among them: a block of nothing else has to end too.</summary>
    public int Count { get; private set; }

    /// <summary>A value; null where it is missing. The first of a name counts.</summary>
    public string? this[string name] => _headers.Find(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>The declared length of the body: null where none is declared, -1 for one that is no number from 0 to 2³¹ - 1.</summary>
    public int? ContentLength => this["Content-Length"] is not { } text
        ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : -1;

    /// <summary>Adds a line; one without a colon is no header, and passed over.</summary>
    public void Add(ReadOnlySpan<char> line)
    {
        Count++;
        var colon = line.IndexOf(':');
        if (colon > 0)
            _headers.Add(new(line[..colon].Trim().ToString(), line[(colon + 1)..].Trim().ToString()));
    }

    public void Clear()
    {
        _headers.Clear();
        Count = 0;
    }
}
