using System.Globalization;
using MediaGraph.Security;

namespace MediaGraph.Transport;

/// <summary>Where a URL says that a server is, and who asks: <c>[user[:password]@]host[:port]</c> (RFC 3986 §3.2).</summary>
/// <param name="Host">Name or address of the server; an IPv6 address without brackets.</param>
/// <param name="Port">1 to 65,535.</param>
public readonly record struct UrlAuthority(string Host, int Port)
{
    private const int MaxHostLength = 253; // of a name (RFC 1035 §2.3.4)

    /// <summary>The user; null where none is given.</summary>
    public string? User { get; private init; }

    /// <summary>The password; empty where none is given.</summary>
    public Secret Password { get; private init; }

    /// <summary>Reads what stands between the scheme and the path; false when it has no valid host and port.</summary>
    /// <param name="text">The text.</param>
    /// <param name="defaultPort">The port where the text names none.</param>
    /// <param name="authority">What it says.</param>
    public static bool TryParse(string text, int defaultPort, out UrlAuthority authority)
    {
        ArgumentNullException.ThrowIfNull(text);
        authority = default;
        var at = text.LastIndexOf('@');
        if (!TryReadHost(text[(at + 1)..], defaultPort, out var host, out var port))
            return false;
        authority = new UrlAuthority(host, port);
        if (at < 0)
            return true;
        var colon = text.IndexOf(':', 0, at);
        authority = authority with
        {
            User = Uri.UnescapeDataString(text[..(colon < 0 ? at : colon)]),
            Password = colon < 0 ? default : new Secret(Uri.UnescapeDataString(text[(colon + 1)..at])),
        };
        return true;
    }

    /// <summary>Whether another place is on the same host.</summary>
    public bool IsSameHost(UrlAuthority other) => Host.Equals(other.Host, StringComparison.OrdinalIgnoreCase);

    /// <summary>This place with the other's user and password if it is on the same host, and without any if it is not.</summary>
    public UrlAuthority WithCredentialsOf(UrlAuthority other) => this with
    {
        User = IsSameHost(other) ? other.User : null,
        Password = IsSameHost(other) ? other.Password : default,
    };

    /// <summary>The start of a URL, without user and password.</summary>
    /// <param name="scheme">In lower case.</param>
    /// <param name="defaultPort">The scheme's port, which is not written.</param>
    public string ToString(string scheme, int defaultPort)
    {
        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{scheme}://{host}{(Port == defaultPort ? "" : $":{Port}")}");
    }

    private static bool TryReadHost(string text, int defaultPort, out string host, out int port)
    {
        port = defaultPort;
        var end = text.StartsWith('[') ? text.IndexOf(']', StringComparison.Ordinal) + 1 : text.IndexOf(':', StringComparison.Ordinal);
        end = end < 0 || (end == 0 && text.StartsWith('[')) ? text.Length : end;
        host = text[..end];
        var kind = Uri.CheckHostName(host);
        host = host.Trim('[', ']');
        if (kind == UriHostNameType.Unknown || host.Length > MaxHostLength)
            return false;
        if (end == text.Length)
            return true;
        return text[end] == ':'
            && int.TryParse(text.AsSpan(end + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && port is > 0 and <= 65_535;
    }
}
