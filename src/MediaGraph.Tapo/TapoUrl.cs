using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using MediaGraph.Security;
using MediaGraph.Transport;

namespace MediaGraph.Tapo;

/// <summary>
/// The address of a camera: <c>tapo://PASSWORD@HOST</c>, <c>tapo://admin:HASH@HOST</c>, <c>vigi://admin:PASSWORD@HOST</c> or
/// <c>kasa://USER:PASSWORD@HOST/https/stream/mixed</c>, with <c>?subtype=</c>, <c>channel=</c> and <c>deviceId=</c>, and
/// <c>#talk=</c> and <c>packet=</c>. Prints without what may be secret: user, password and query.
/// </summary>
internal sealed class TapoUrl
{
    /// <summary>The port of <c>tapo</c> and <c>vigi</c>.</summary>
    public const int DefaultPort = 8800;

    /// <summary>The port of <c>kasa</c>.</summary>
    public const int DefaultKasaPort = 19443;

    private const string Admin = "admin";
    private const string KasaPath = "/https/stream/mixed";
    private const int MaxLength = 2048;
    private const int MaxResolutionLength = 32;

    private readonly UrlAuthority _authority;

    private TapoUrl(TapoScheme scheme, UrlAuthority authority)
    {
        Scheme = scheme;
        _authority = authority;
    }

    /// <summary>The kind of camera.</summary>
    public TapoScheme Scheme { get; }

    /// <summary>Name or address of the camera, or of its hub; an IPv6 address without brackets.</summary>
    public string Host => _authority.Host;

    /// <summary>1 to 65,535.</summary>
    public int Port => _authority.Port;

    /// <summary>The user: <c>admin</c>, or for <c>kasa</c> the one of the account.</summary>
    public string User { get; private init; } = Admin;

    /// <summary>The password, or its hash; empty where none is given.</summary>
    public Secret Password { get; private init; }

    /// <summary>Whether <see cref="Password"/> is the upper-case hexadecimal MD5 or SHA-256 of the password.</summary>
    public bool IsHash { get; private init; }

    /// <summary>The name of the resolution: <c>HD</c> (<c>subtype=0</c>), <c>VGA</c> (<c>subtype=1</c>), or as it is written.</summary>
    public string Resolution { get; private init; } = "HD";

    /// <summary>The lens, 0 to 255. Default 0.</summary>
    public int Channel { get; private init; }

    /// <summary>How to talk; null where the address does not say.</summary>
    public TapoTalkMode? TalkMode { get; private init; }

    /// <summary>How much sound each part of a talk holds, 20 to 200 ms; null where the address does not say.</summary>
    public TimeSpan? TalkPart { get; private init; }

    /// <summary>The path and query that the camera is asked for. Never for printing: it may have tokens.</summary>
    public string RequestUri { get; private init; } = "/stream";

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is none; the message says why, without repeating it.</exception>
    public static TapoUrl Parse(string text) => TryParse(text, out var url, out var error) ? url : throw new FormatException(error);

    /// <summary>Reads an address; false when it is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out TapoUrl? url) => TryParse(text, out url, out _);

    /// <inheritdoc/>
    public override string ToString() => _authority.ToString(SchemeName(Scheme), PortOf(Scheme))
        + (Channel == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"?channel={Channel}"));

    internal static string SchemeName(TapoScheme scheme) => scheme switch
    {
        TapoScheme.Tapo => "tapo",
        TapoScheme.Vigi => "vigi",
        _ => "kasa",
    };

    private static int PortOf(TapoScheme scheme) => scheme == TapoScheme.Kasa ? DefaultKasaPort : DefaultPort;

    private static bool TryParse(string? text, [NotNullWhen(true)] out TapoUrl? url, out string error)
    {
        url = null;
        error = "The address does not start with tapo://, vigi:// or kasa://.";
        if (text is null || text.Length > MaxLength || !TryReadScheme(text, out var scheme))
            return false;
        error = "The address has a blank or a control character.";
        if (text.AsSpan().ContainsAnyInRange('\0', ' ') || text.Contains('\x7F', StringComparison.Ordinal))
            return false;

        var rest = text[(SchemeName(scheme).Length + 3)..];
        (rest, var fragment) = Cut(rest, '#');
        (rest, var query) = Cut(rest, '?');
        var (place, path) = Cut(rest, '/');
        error = "The address has no valid host and port.";
        if (!UrlAuthority.TryParse(place, PortOf(scheme), out var authority))
            return false;
        if (!TryReadCredentials(scheme, authority, out var user, out var password, out error) ||
            !TryReadFragment(fragment, out var talkMode, out var talkPart, out error) ||
            !TryReadQuery(query, out var resolution, out var channel, out var passed, out error))
            return false;
        error = "The address of a tapo or vigi camera has no path.";
        if (path.Length > 0 && scheme != TapoScheme.Kasa && path != "stream")
            return false;

        var requested = scheme != TapoScheme.Kasa ? "/stream" : path.Length == 0 ? KasaPath : "/" + Escape(path);
        url = new TapoUrl(scheme, new UrlAuthority(authority.Host, authority.Port))
        {
            User = user,
            Password = password,
            IsHash = scheme == TapoScheme.Tapo && authority.User == Admin && IsHashText(password.Reveal()),
            Resolution = resolution,
            Channel = channel,
            TalkMode = talkMode,
            TalkPart = talkPart,
            RequestUri = passed.Length == 0 ? requested : $"{requested}?{Escape(passed)}",
        };
        return true;
    }

    private static bool TryReadScheme(string text, out TapoScheme scheme)
    {
        foreach (var candidate in Enum.GetValues<TapoScheme>())
        {
            scheme = candidate;
            if (text.StartsWith(SchemeName(candidate) + "://", StringComparison.OrdinalIgnoreCase))
                return true;
        }

        scheme = default;
        return false;
    }

    private static bool TryReadCredentials(
        TapoScheme scheme, UrlAuthority authority, out string user, out Secret password, out string error)
    {
        (user, password, error) = (Admin, authority.Password, "");
        if (scheme == TapoScheme.Kasa)
        {
            user = authority.User ?? "";
            error = "The address of a kasa camera names the user and the password of the account.";
            return user.Length > 0 && !user.Contains(':', StringComparison.Ordinal) && !password.IsEmpty;
        }

        if (authority.User is not { Length: > 0 } first || first == Admin)
            return true;
        error = "The user of a camera is admin; a colon in the password is written as %3A.";
        if (!password.IsEmpty)
            return false;
        password = new Secret(first); // tapo://PASSWORD@HOST
        return true;
    }

    private static bool IsHashText(string text) =>
        text.Length is 32 or 64 && text.All(c => char.IsAsciiDigit(c) || c is >= 'A' and <= 'F');

    private static bool TryReadFragment(string fragment, out TapoTalkMode? mode, out TimeSpan? part, out string error)
    {
        (mode, part, error) = (null, null, "");
        foreach (var option in fragment.Split(['&', '#'], StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(option, '=');
            switch (name)
            {
                case "talk" when value is "aec" or "half_duplex":
                    mode = value == "aec" ? TapoTalkMode.Aec : TapoTalkMode.HalfDuplex;
                    break;
                case "packet" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var duration) &&
                    duration is >= 20 and <= 200:
                    part = TimeSpan.FromMilliseconds(duration);
                    break;
                default:
                    error = "The address has something else than talk=aec, talk=half_duplex or packet=20 to 200 behind its #.";
                    return false;
            }
        }

        return true;
    }

    private static bool TryReadQuery(string query, out string resolution, out int channel, out string passed, out string error)
    {
        (resolution, channel, error) = ("HD", 0, "");
        var others = new List<string>();
        foreach (var parameter in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(parameter, '=');
            switch (name)
            {
                case "subtype":
                    resolution = value switch { "" or "0" => "HD", "1" => "VGA", _ => Uri.UnescapeDataString(value) };
                    break;
                case "channel":
                    if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out channel) && channel <= 255)
                        break;
                    (passed, error) = ("", "The address has a channel that is not 0 to 255.");
                    return false;
                default:
                    others.Add(parameter); // deviceId, and what apps send besides
                    break;
            }
        }

        passed = string.Join('&', others);
        error = "The address has a resolution with more than 32 characters, or with control characters.";
        return resolution.Length <= MaxResolutionLength && !resolution.Any(char.IsControl);
    }

    private static (string Before, string Behind) Cut(string text, char separator)
    {
        var index = text.IndexOf(separator, StringComparison.Ordinal);
        return index < 0 ? (text, "") : (text[..index], text[(index + 1)..]);
    }

    // What cannot stand in a request goes as the bytes of its UTF-8 (RFC 3986 §2.1).
    private static string Escape(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return text;
        var escaped = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (b is > (byte)' ' and < 0x7F)
                escaped.Append((char)b);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return escaped.ToString();
    }
}
