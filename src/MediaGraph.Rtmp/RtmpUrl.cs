using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MediaGraph.Security;

namespace MediaGraph.Rtmp;

/// <summary>
/// The address of a stream on an RTMP server: <c>rtmp[s]://[user:password@]host[:port]/app/key</c>. The application is everything up
/// to the last slash, the key what is behind it, query included. Prints without what may be secret: the password and the key.
/// </summary>
public sealed class RtmpUrl
{
    /// <summary>The port of <c>rtmp</c>.</summary>
    public const int DefaultPort = 1935;

    /// <summary>The port of <c>rtmps</c>.</summary>
    public const int DefaultSecurePort = 443;

    private const int MaxLength = 4096;
    private const int MaxHostLength = 253; // of a name (RFC 1035 §2.3.4)

    private RtmpUrl(bool isSecure, string host, int port, string app, string key, string? user, Secret password)
    {
        IsSecure = isSecure;
        Host = host;
        Port = port;
        App = app;
        Key = key;
        User = user;
        Password = password;
    }

    /// <summary>Whether the connection is encrypted (<c>rtmps</c>).</summary>
    public bool IsSecure { get; }

    /// <summary>Name or address of the server; an IPv6 address without brackets.</summary>
    public string Host { get; }

    /// <summary>1 to 65,535.</summary>
    public int Port { get; }

    /// <summary>The application.</summary>
    public string App { get; }

    /// <summary>The user for servers that ask for one; null where none is given.</summary>
    public string? User { get; }

    internal Secret Password { get; }

    internal string Key { get; }

    /// <summary>What the server is told that it was called by: without user, password and key.</summary>
    internal string TcUrl => $"{Authority}/{App}";

    private string Authority
    {
        get
        {
            var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
            var port = Port == PortOf(IsSecure) ? "" : string.Create(CultureInfo.InvariantCulture, $":{Port}");
            return $"{(IsSecure ? "rtmps" : "rtmp")}://{host}{port}";
        }
    }

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is none; the message says why, without repeating it.</exception>
    public static RtmpUrl Parse(string text) => TryParse(text, out var url, out var error) ? url : throw new FormatException(error);

    /// <summary>Reads an address; false when it is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out RtmpUrl? url) => TryParse(text, out url, out _);

    /// <inheritdoc/>
    public override string ToString() => Key.Length == 0 ? $"{Authority}/***" : $"{Authority}/{App.Split('?')[0]}/***";

    /// <summary>The same stream at another place, as a server names it: an absolute URL, or one without scheme or host.</summary>
    /// <param name="target">The place, up to the application; empty for the same one.</param>
    /// <param name="allowOtherHosts">Whether it may be on another host; its credentials stay behind then.</param>
    /// <param name="error">Why it may not be followed.</param>
    internal RtmpUrl? Move(string target, bool allowOtherHosts, out string error)
    {
        error = "";
        if (target.Length == 0)
            return this;
        if (target.StartsWith("//", StringComparison.Ordinal))
            target = $"{(IsSecure ? "rtmps:" : "rtmp:")}{target}";
        else if (target.StartsWith('/'))
            target = Authority + target;
        if (!TryParse(target, out var moved, out _))
            error = "the server names no RTMP address to go to";
        else if (IsSecure && !moved.IsSecure)
            error = "the server leads from rtmps to rtmp, which is not followed";
        else if (!allowOtherHosts && !moved.Host.Equals(Host, StringComparison.OrdinalIgnoreCase))
            error = $"the server leads to another host, {moved.Host}, which AllowOtherHosts forbids";
        if (error.Length > 0)
            return null;
        var app = RtmpPath(moved!.App, moved.Key);
        var keepsCredentials = moved.Host.Equals(Host, StringComparison.OrdinalIgnoreCase);
        return new RtmpUrl(
            moved.IsSecure, moved.Host, moved.Port, app.Length == 0 ? App : app, Key, keepsCredentials ? User : null,
            keepsCredentials ? Password : default);

        static string RtmpPath(string app, string key) => app.Length == 0 ? key : key.Length == 0 ? app : $"{app}/{key}";
    }

    private static int PortOf(bool isSecure) => isSecure ? DefaultSecurePort : DefaultPort;

    private static bool TryParse(string? text, [NotNullWhen(true)] out RtmpUrl? url, out string error)
    {
        url = null;
        error = "The address does not start with rtmp:// or rtmps://.";
        if (text is null || text.Length > MaxLength)
            return false;
        var isSecure = text.StartsWith("rtmps://", StringComparison.OrdinalIgnoreCase);
        if (!isSecure && !text.StartsWith("rtmp://", StringComparison.OrdinalIgnoreCase))
            return false;
        error = "The address has a blank, or another character than those of ASCII; write it as %XX.";
        if (text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return false;

        var rest = text[(isSecure ? 8 : 7)..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var (authority, path) = slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..]);
        var at = authority.LastIndexOf('@');
        var (user, password) = at < 0 ? (null, default) : ReadCredentials(authority[..at]);
        error = "The address has no valid host and port.";
        if (!TryReadHost(authority[(at + 1)..], PortOf(isSecure), out var host, out var port))
            return false;

        var (app, key) = SplitPath(path);
        error = "The address names no stream.";
        if (app.Length == 0 && key.Length == 0)
            return false;
        url = new RtmpUrl(isSecure, host, port, app, key, user, password);
        return true;
    }

    // Slashes in a key's query belong to the query. An application may have a query too: app?token=x/key.
    private static (string App, string Key) SplitPath(string path)
    {
        var question = path.IndexOf('?', StringComparison.Ordinal);
        var beforeQuery = question < 0 ? path.Length : question;
        var last = path.AsSpan(0, beforeQuery).TrimEnd('/').LastIndexOf('/');
        if (last < 0 && question >= 0)
            last = path.LastIndexOf('/');
        return last < 0 ? (path.TrimEnd('/'), "") : (path[..last], question < 0 ? path[(last + 1)..].TrimEnd('/') : path[(last + 1)..]);
    }

    private static (string? User, Secret Password) ReadCredentials(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? (Uri.UnescapeDataString(text), default)
            : (Uri.UnescapeDataString(text[..colon]), new Secret(Uri.UnescapeDataString(text[(colon + 1)..])));
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
