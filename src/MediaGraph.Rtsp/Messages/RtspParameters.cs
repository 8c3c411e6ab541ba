namespace MediaGraph.Rtsp.Messages;

/// <summary>Cutting header values into parts. Quotes hide separators; a quote that is not closed ends with the text.</summary>
internal static class RtspParameters
{
    /// <summary>Cuts at a separator outside quotes; parts are trimmed, empty ones left out.</summary>
    /// <param name="text">The text.</param>
    /// <param name="separator">The separator.</param>
    /// <param name="maxParts">How many parts are looked at; the rest is dropped.</param>
    public static List<string> Split(string text, char separator, int maxParts)
    {
        var parts = new List<string>();
        var (start, isQuoted) = (0, false);
        for (var i = 0; i <= text.Length && parts.Count < maxParts; i++)
        {
            if (i < text.Length && text[i] == '"')
                isQuoted = !isQuoted;
            if (i < text.Length && (isQuoted || text[i] != separator))
                continue;
            var part = text.AsSpan(start, i - start).Trim();
            if (!part.IsEmpty)
                parts.Add(part.ToString());
            start = i + 1;
        }

        return parts;
    }

    /// <summary>A part's name, and its value without quotes; null where there is no equals sign.</summary>
    public static (string Name, string? Value) Pair(string part)
    {
        var equals = part.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (part.Trim(), null) : (part[..equals].Trim(), part[(equals + 1)..].Trim().Trim('"').Trim());
    }
}
