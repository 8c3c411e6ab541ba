using System.Diagnostics.CodeAnalysis;
using MediaGraph.Rtmp.Server;
using MediaGraph.Security;
using MediaGraph.Transport;

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

    private readonly UrlAuthority _authority;

    private RtmpUrl(bool isSecure, UrlAuthority authority, string app, string key)
    {
        IsSecure = isSecure;
        _authority = authority;
        App = app;
        Key = key;
    }

    /// <summary>Whether the connection is encrypted (<c>rtmps</c>).</summary>
    public bool IsSecure { get; }

    /// <summary>Name or address of the server; an IPv6 address without brackets.</summary>
    public string Host => _authority.Host;

    /// <summary>1 to 65,535.</summary>
    public int Port => _authority.Port;

    /// <summary>The application.</summary>
    public string App { get; }

    /// <summary>The user for servers that ask for one; null where none is given.</summary>
    public string? User => _authority.User;

    internal Secret Password => _authority.Password;

    internal string Key { get; }

    /// <summary>What the server is told that it was called by: without user, password and key.</summary>
    internal string TcUrl => $"{Authority}/{App}";

    private string Authority => _authority.ToString(IsSecure ? "rtmps" : "rtmp", PortOf(IsSecure));

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
        else if (!allowOtherHosts && !moved._authority.IsSameHost(_authority))
            error = "the server leads to another host, which AllowOtherHosts forbids";
        if (error.Length > 0)
            return null;
        var app = RtmpAddress.Join(moved!.App, moved.Key);
        return new RtmpUrl(moved.IsSecure, moved._authority.WithCredentialsOf(_authority), app.Length == 0 ? App : app, Key);
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
        var (place, path) = slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..]);
        error = "The address has no valid host and port.";
        if (!UrlAuthority.TryParse(place, PortOf(isSecure), out var authority))
            return false;

        var (app, key) = SplitPath(path);
        error = "The address names no stream.";
        if (app.Length == 0 && key.Length == 0)
            return false;
        url = new RtmpUrl(isSecure, authority, app, key);
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
}
