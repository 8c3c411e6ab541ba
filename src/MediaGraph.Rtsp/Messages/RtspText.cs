using System.Buffers;

namespace MediaGraph.Rtsp.Messages;

/// <summary>
/// The characters that messages are made of. A character of a message's strings is one byte of the wire (ISO 8859-1), so that what a
/// peer said can be said back to it, and hashed, byte by byte; text in UTF-8 keeps its bytes.
/// </summary>
internal static class RtspText
{
    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Whether the text is a token (RFC 9110 §5.6.2).</summary>
    public static bool IsToken(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(TokenChars);

    /// <summary>How many characters at the start make a token.</summary>
    public static int TokenLength(ReadOnlySpan<char> text) => text.IndexOfAnyExcept(TokenChars) is >= 0 and var end ? end : text.Length;

    /// <summary>Whether the text has a control character other than a tabulator: one of those that end lines, or forge logs.</summary>
    public static bool HasControls(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (c is < ' ' and not '\t' or '\x7F')
                return true;
        }

        return false;
    }

    /// <summary>Whether the text can be written as a header's value: no control characters, and one byte for each character.</summary>
    public static bool IsValue(ReadOnlySpan<char> text) => !HasControls(text) && !text.ContainsAnyExceptInRange('\0', '\xFF');

    /// <summary>Whether the text can stand in a start line: no blanks either.</summary>
    public static bool IsWord(ReadOnlySpan<char> text) => !text.IsEmpty && IsValue(text) && !text.ContainsAny(' ', '\t');
}
