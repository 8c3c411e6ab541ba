using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Security;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp;

/// <summary>
/// The address of a stream on an RTSP server: <c>rtsp[s]://[user:password@]host[:port]/path[?query][#transport=tcp|udp|http]</c>. Prints
/// without what may be secret: the password, the query, and values in the path.
/// </summary>
public sealed class RtspUrl
{
    /// <summary>The port of <c>rtsp</c> (RFC 2326 §3.2).</summary>
    public const int DefaultPort = 554;

    /// <summary>The port of <c>rtsps</c>.</summary>
    public const int DefaultSecurePort = 322;

    private const int MaxLength = 2048;

    private readonly UrlAuthority _authority;

    private RtspUrl(bool isSecure, UrlAuthority authority, string path, string query)
    {
        IsSecure = isSecure;
        _authority = authority;
        Path = path;
        Query = query;
    }

    /// <summary>Whether the connection is encrypted (<c>rtsps</c>).</summary>
    public bool IsSecure { get; }

    /// <summary>Name or address of the server; an IPv6 address without brackets.</summary>
    public string Host => _authority.Host;

    /// <summary>1 to 65,535.</summary>
    public int Port => _authority.Port;

    /// <summary>Without the slash at its start, as it is written in the address; empty where there is none.</summary>
    public string Path { get; }

    /// <summary>The user; null where none is given.</summary>
    public string? User => _authority.User;

    /// <summary>How the media are to come; null where the address does not say.</summary>
    public RtspUrlTransport? Transport { get; private init; }

    internal Secret Password => _authority.Password;

    /// <summary>What is behind the question mark, as it is written; empty where there is none.</summary>
    internal string Query { get; }

    /// <summary>What the server is asked for: without user, password and transport. Never for printing: it has the query.</summary>
    internal string RequestUri => $"{Authority}/{Path}" + (Query.Length == 0 ? "" : $"?{Query}");

    private string Authority => _authority.ToString(IsSecure ? "rtsps" : "rtsp", PortOf(IsSecure));

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is none; the message says why, without repeating it.</exception>
    public static RtspUrl Parse(string text) => TryParse(text, out var url, out var error) ? url : throw new FormatException(error);

    /// <summary>Reads an address; false when it is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out RtspUrl? url) => TryParse(text, out url, out _);

    /// <inheritdoc/>
    public override string ToString()
    {
        // Devices exist whose path is "user=…&password=…".
        var equals = Path.IndexOf('=', StringComparison.Ordinal);
        var path = equals < 0 ? Path : Path[..(equals + 1)] + "***";
        return $"{Authority}/{path}" + (Query.Length == 0 ? "" : "?***");
    }

    /// <summary>The same stream at another place, as a server's <c>Location</c> names it (RFC 2326 §11.3).</summary>
    /// <param name="target">The place: an absolute URL, or a path on the same server.</param>
    /// <param name="allowOtherHosts">Whether it may be on another host; user and password stay behind then.</param>
    /// <param name="error">Why it may not be followed.</param>
    internal RtspUrl? Move(string target, bool allowOtherHosts, out string error)
    {
        error = "";
        if (target.StartsWith('/') && !target.StartsWith("//", StringComparison.Ordinal))
            target = Authority + target;
        if (!TryParse(target, out var moved, out _))
            error = "the server names no RTSP address to go to";
        else if (IsSecure && !moved.IsSecure)
            error = "the server leads from rtsps to rtsp, which is not followed";
        else if (!allowOtherHosts && !moved._authority.IsSameHost(_authority))
            error = "the server leads to another host, which is not allowed";
        if (error.Length > 0)
            return null;
        return new RtspUrl(moved!.IsSecure, moved._authority.WithCredentialsOf(_authority), moved.Path, moved.Query) { Transport = Transport };
    }

    /// <summary>Writes what cannot stand in a request as the bytes of its UTF-8 (RFC 3986 §2.1); what is escaped stays.</summary>
    internal static string Escape(string text)
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

    private static int PortOf(bool isSecure) => isSecure ? DefaultSecurePort : DefaultPort;

    private static bool TryParse(string? text, [NotNullWhen(true)] out RtspUrl? url, out string error)
    {
        url = null;
        error = "The address does not start with rtsp:// or rtsps://.";
        if (text is null || text.Length > MaxLength)
            return false;
        var isSecure = text.StartsWith("rtsps://", StringComparison.OrdinalIgnoreCase);
        if (!isSecure && !text.StartsWith("rtsp://", StringComparison.OrdinalIgnoreCase))
            return false;
        error = "The address has a blank or a control character.";
        if (RtspText.HasControls(text) || text.AsSpan().ContainsAny(' ', '\t'))
            return false;

        var rest = text[(isSecure ? 8 : 7)..];
        (rest, var fragment) = Cut(rest, '#');
        error = "The address has something else than transport=tcp, udp or http behind its #.";
        if (!TryReadFragment(fragment, out var transport))
            return false;
        (rest, var query) = Cut(rest, '?');
        var (place, path) = Cut(rest, '/');
        error = "The address has no valid host and port.";
        if (!UrlAuthority.TryParse(place, PortOf(isSecure), out var authority))
            return false;
        error = "The address has a control character in its user or password.";
        if (RtspText.HasControls(authority.User) || RtspText.HasControls(authority.Password.Reveal()))
            return false;
        url = new RtspUrl(isSecure, authority, Escape(path), Escape(query)) { Transport = transport };
        return true;
    }

    private static (string Before, string Behind) Cut(string text, char separator)
    {
        var index = text.IndexOf(separator, StringComparison.Ordinal);
        return index < 0 ? (text, "") : (text[..index], text[(index + 1)..]);
    }

    private static bool TryReadFragment(string fragment, out RtspUrlTransport? transport)
    {
        transport = fragment switch
        {
            "transport=tcp" => RtspUrlTransport.Tcp,
            "transport=udp" => RtspUrlTransport.Udp,
            "transport=http" => RtspUrlTransport.Http,
            _ => null,
        };
        return fragment.Length == 0 || transport is not null;
    }
}
