using System.Text;

namespace MediaGraph.Rtsp.Messages;

/// <summary>A challenge, or the answer to one: a scheme with its parameters (RFC 9110 §11.3, §11.4).</summary>
/// <param name="scheme">Such as <c>Digest</c>.</param>
internal sealed class AuthenticationField(string scheme)
{
    private const int MaxFields = 16;
    private const int MaxParameters = 32;

    private readonly List<KeyValuePair<string, string>> _parameters = [];

    /// <summary>Such as <c>Digest</c>.</summary>
    public string Scheme { get; } = scheme;

    /// <summary>What stands in place of parameters, as with <c>Basic</c>'s answer; null where there is none.</summary>
    public string? Token { get; private init; }

    /// <summary>A parameter, without its quotes; null where it is missing. The first of a name counts.</summary>
    public string? this[string name] =>
        _parameters.Find(parameter => parameter.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>A scheme with a token.</summary>
    public static AuthenticationField OfToken(string scheme, string token) => new(scheme) { Token = token };

    /// <summary>
    /// Reads fields, each of which may have several challenges: <c>Digest realm="a, b", nonce="c", Basic realm="d"</c>. At most 16
    /// challenges of 32 parameters; missing commas and quotes are put up with.
    /// </summary>
    public static IReadOnlyList<AuthenticationField> ParseAll(IEnumerable<string> values)
    {
        var found = new List<AuthenticationField>();
        foreach (var value in values)
            new Scanner(value).Read(found);
        return found;
    }

    /// <summary>Reads a field with one scheme; null when there is none.</summary>
    public static AuthenticationField? Parse(string? value) => value is not null && ParseAll([value]) is [var first, ..] ? first : null;

    /// <summary>Whether the scheme is this one, in letters of any case.</summary>
    public bool Is(string other) => Scheme.Equals(other, StringComparison.OrdinalIgnoreCase);

    /// <summary>Adds a parameter.</summary>
    public void Add(string name, string value, bool isQuoted = true) => _parameters.Add(new(name, isQuoted ? Quote(value) : value));

    /// <summary>The header's value, for a field that was put together, not read: it may have secrets.</summary>
    public string Format() =>
        Token is not null ? $"{Scheme} {Token}" : $"{Scheme} {string.Join(", ", _parameters.Select(p => $"{p.Key}={p.Value}"))}";

    /// <inheritdoc/>
    public override string ToString() => Scheme;

    private static string Quote(string value) =>
        $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private ref struct Scanner(string text)
    {
        private int _position;

        private readonly bool IsAtEnd => _position >= text.Length;

        public void Read(List<AuthenticationField> found)
        {
            while (found.Count < MaxFields)
            {
                SkipBlanks(out _);
                if (IsAtEnd)
                    return;
                var scheme = ReadToken();
                if (scheme.Length == 0)
                    _position++; // no scheme begins so
                else
                    found.Add(ReadParameters(scheme));
            }
        }

        private AuthenticationField ReadParameters(string scheme)
        {
            if (ReadToken68() is { } token)
                return OfToken(scheme, token);
            var field = new AuthenticationField(scheme);
            while (true)
            {
                SkipBlanks(out var hasComma);
                var start = _position;
                var name = ReadToken();
                SkipBlanks(out _, commas: false);
                if (!IsAtEnd && name.Length > 0 && text[_position] == '=')
                {
                    _position++;
                    SkipBlanks(out _, commas: false);
                    var value = ReadValue();
                    if (field._parameters.Count < MaxParameters)
                        field._parameters.Add(new(name, value));
                }
                else if (IsAtEnd)
                {
                    return field;
                }
                else if (name.Length > 0 && hasComma)
                {
                    _position = start; // the next scheme
                    return field;
                }
                else if (name.Length == 0)
                {
                    _position++;
                }
            }
        }

        // Base64 with its padding, up to the end or a comma; null and nothing read when parameters stand here.
        private string? ReadToken68()
        {
            SkipBlanks(out _, commas: false);
            var end = _position;
            while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '-' or '.' or '_' or '~' or '+' or '/'))
                end++;
            var hasContent = end > _position;
            while (end < text.Length && text[end] == '=')
                end++;
            var next = end;
            while (next < text.Length && text[next] is ' ' or '\t')
                next++;
            if (!hasContent || (next < text.Length && text[next] != ','))
                return null;
            var token = text[_position..end];
            _position = next;
            return token;
        }

        private string ReadToken()
        {
            var length = RtspText.TokenLength(text.AsSpan(_position));
            _position += length;
            return text.Substring(_position - length, length);
        }

        private string ReadValue()
        {
            if (IsAtEnd || text[_position] != '"')
            {
                var end = text.AsSpan(_position).IndexOfAny(',', ' ', '\t');
                var start = _position;
                _position = end < 0 ? text.Length : _position + end;
                return text[start.._position];
            }

            var value = new StringBuilder();
            for (_position++; !IsAtEnd && text[_position] != '"'; _position++)
            {
                if (text[_position] == '\\' && _position + 1 < text.Length)
                    _position++;
                value.Append(text[_position]);
            }

            _position = Math.Min(_position + 1, text.Length);
            return value.ToString();
        }

        private void SkipBlanks(out bool hasComma, bool commas = true)
        {
            hasComma = false;
            while (!IsAtEnd && (text[_position] is ' ' or '\t' || (commas && text[_position] == ',')))
                hasComma |= text[_position++] == ',';
        }
    }
}
