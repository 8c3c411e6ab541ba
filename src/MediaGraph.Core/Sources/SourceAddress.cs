using System.Text;

namespace MediaGraph.Sources;

/// <summary>A source's address: what its protocol reads, and what the hub itself obeys.</summary>
/// <param name="Scheme">In lower case.</param>
/// <param name="Url">What the protocol reads.</param>
/// <param name="Media">What it is used for.</param>
internal sealed record SourceAddress(string Scheme, string Url, SourceMedia Media)
{
    private const string MediaOption = "media=";
    private const int MaxLength = 4096;

    /// <summary>Reads an address. Its options stand behind it, each after a <c>#</c>.</summary>
    /// <exception cref="FormatException">It is none. The message does not repeat it.</exception>
    public static SourceAddress Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || text.Length > MaxLength || !text.AsSpan(0, colon).ContainsOnlySchemeCharacters())
            throw new FormatException("It must begin with a scheme and a colon, and have 4,096 characters at most.");
        var parts = text.Split('#');
        var url = new StringBuilder(parts[0]);
        var media = SourceMedia.All;
        foreach (var option in parts.AsSpan(1))
        {
            if (option.StartsWith(MediaOption, StringComparison.Ordinal))
                media = ParseMedia(option[MediaOption.Length..]);
            else
                url.Append('#').Append(option);
        }

        return new SourceAddress(text[..colon].ToLowerInvariant(), url.ToString(), media);
    }

    private static SourceMedia ParseMedia(string list)
    {
        var media = SourceMedia.None;
        foreach (var name in list.Split(','))
        {
            media |= name switch
            {
                "video" => SourceMedia.Video,
                "audio" => SourceMedia.Audio,
                "talk" => SourceMedia.Talk,
                _ => throw new FormatException("Behind #media= there must be video, audio or talk, with commas between."),
            };
        }

        return media;
    }
}

/// <summary>What a scheme is made of (RFC 3986 §3.1).</summary>
internal static class SchemeCharacters
{
    public static bool ContainsOnlySchemeCharacters(this ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
                return false;
        }

        return char.IsAsciiLetter(text[0]);
    }
}
