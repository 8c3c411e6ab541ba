namespace MediaGraph.LoadTest;

/// <summary>What a server's description says of one track, RFC 8866.</summary>
/// <param name="Url">To set it up with.</param>
/// <param name="ParameterSets">Those of H264 in its format (RFC 6184, 8.1), or AAC's configuration (RFC 3640, 4.1).</param>
internal sealed record DescribedMedia(bool IsVideo, string Url, byte[][] ParameterSets)
{
    public static IReadOnlyList<DescribedMedia> Parse(string description, string baseUrl)
    {
        var media = new List<DescribedMedia>();
        foreach (var line in description.Split('\n').Select(line => line.TrimEnd('\r')))
        {
            if (line.StartsWith("m=", StringComparison.Ordinal))
                media.Add(new DescribedMedia(line.StartsWith("m=video", StringComparison.Ordinal), baseUrl, []));
            if (media.Count == 0)
                continue;
            if (Value(line, "a=control:") is { } control)
                media[^1] = media[^1] with { Url = Resolve(baseUrl, control) };
            else if (Value(line, "a=fmtp:") is { } format)
                media[^1] = media[^1] with { ParameterSets = SetsOf(format) };
        }

        return media;
    }

    private static string Resolve(string baseUrl, string control) =>
        control.Contains("://", StringComparison.Ordinal) ? control : $"{baseUrl.TrimEnd('/')}/{control}";

    private static byte[][] SetsOf(string format)
    {
        foreach (var parameter in format[(format.IndexOf(' ', StringComparison.Ordinal) + 1)..].Split(';', StringSplitOptions.TrimEntries))
        {
            if (Value(parameter, "sprop-parameter-sets=") is { } sets)
                return [.. sets.Split(',').Select(Convert.FromBase64String)];
            if (Value(parameter, "config=") is { } configuration)
                return [Convert.FromHexString(configuration)];
        }

        return [];
    }

    private static string? Value(string text, string name) =>
        text.StartsWith(name, StringComparison.OrdinalIgnoreCase) ? text[name.Length..] : null;
}
