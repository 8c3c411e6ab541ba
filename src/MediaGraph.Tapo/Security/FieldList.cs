namespace MediaGraph.Tapo.Security;

/// <summary>
/// A list of <c>name="value"</c> or <c>name=value</c>, with commas or blanks between, as in a challenge and in Key-Exchange. Takes any
/// text; what is none of that is passed over. Holds nonces: never for printing.
/// </summary>
internal sealed class FieldList
{
    private const int MaxFields = 32;

    private readonly List<KeyValuePair<string, string>> _fields = [];

    private FieldList()
    {
    }

    /// <summary>A value without its quotes; null where it is missing. The first of a name counts.</summary>
    public string? this[string name] => _fields.Find(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    public static FieldList Parse(ReadOnlySpan<char> text)
    {
        var list = new FieldList();
        while (list._fields.Count < MaxFields)
        {
            text = text.TrimStart(" \t,");
            var equals = text.IndexOfAny('=', ' ', ',');
            if (equals < 0)
                break;
            var name = text[..equals];
            if (text[equals] != '=')
            {
                text = text[equals..]; // a word alone
                continue;
            }

            text = text[(equals + 1)..];
            var isQuoted = text.StartsWith('"');
            if (isQuoted)
                text = text[1..];
            var end = isQuoted ? text.IndexOf('"') : text.IndexOfAny(' ', ',');
            var value = end < 0 ? text : text[..end];
            list._fields.Add(new(name.ToString(), value.ToString()));
            text = end < 0 ? default : text[(end + (isQuoted ? 1 : 0))..];
        }

        return list;
    }

    public override string ToString() => "***";
}
