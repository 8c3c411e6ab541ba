namespace MediaGraph.Transport;

/// <summary>The query of a URL (RFC 3986 §3.4): <c>name=value</c> pairs with ampersands between.</summary>
public static class UrlQuery
{
    private const int MaxParameters = 16;

    /// <summary>The names and values, decoded, at most 16; a name without a value has an empty one.</summary>
    /// <param name="query">What is behind the question mark.</param>
    public static IEnumerable<(string Name, string Value)> Read(string query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return query.Split('&', MaxParameters + 1, StringSplitOptions.RemoveEmptyEntries).Take(MaxParameters).Select(static part =>
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            return equals < 0 ? (Decode(part), "") : (Decode(part[..equals]), Decode(part[(equals + 1)..]));
        });
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
