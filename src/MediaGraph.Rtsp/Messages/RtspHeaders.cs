using System.Collections;

namespace MediaGraph.Rtsp.Messages;

/// <summary>A message's header fields in their order. Names are compared without regard to case. Not thread-safe.</summary>
internal sealed class RtspHeaders : IEnumerable<KeyValuePair<string, string>>
{
    private const int MaxListItems = 64;

    private readonly List<KeyValuePair<string, string>> _fields = [];

    /// <summary>How many there are.</summary>
    public int Count => _fields.Count;

    /// <summary>The first field of a name; null where there is none.</summary>
    public string? this[string name] => GetAll(name).FirstOrDefault();

    /// <summary>Adds a field.</summary>
    /// <exception cref="ArgumentException">
    /// The name is no token, or the value has a character that would end the line: nothing can be smuggled into a message.
    /// </exception>
    public void Add(string name, string value)
    {
        if (!RtspText.IsToken(name))
            throw new ArgumentException("Not a header's name.", nameof(name));
        if (!RtspText.IsValue(value))
            throw new ArgumentException($"Not a value for {name}.", nameof(value));
        _fields.Add(new(name, value));
    }

    /// <summary>The values of all fields of a name.</summary>
    public IEnumerable<string> GetAll(string name)
    {
        foreach (var field in _fields)
        {
            if (field.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
                yield return field.Value;
        }
    }

    /// <summary>The items of a list such as <c>Public</c> or <c>Require</c>, which commas or several fields separate; at most 64.</summary>
    public IReadOnlyList<string> GetList(string name)
    {
        const StringSplitOptions options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        return [.. GetAll(name).SelectMany(value => value.Split(',', options)).Take(MaxListItems)];
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _fields.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Appends a folded line to the last field (RFC 2616 §4.2).</summary>
    internal void Unfold(string more) => _fields[^1] = new(_fields[^1].Key, $"{_fields[^1].Value} {more}".Trim());
}
