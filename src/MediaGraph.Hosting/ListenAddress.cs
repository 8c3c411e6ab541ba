using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MediaGraph.Hosting;

/// <summary>Where to listen, as settings say it: <c>127.0.0.1:1935</c>, <c>[::1]:1935</c>, <c>localhost</c>, <c>*:1935</c>, <c>1935</c>.</summary>
internal static class ListenAddress
{
    public const string Expected = "it must be an address and a port, such as 127.0.0.1:1935, [::1]:1935, *:1935 (all addresses) or 1935";

    /// <summary>Parses an address. Without a port it has the default one; without a host it is on the loopback address.</summary>
    public static IPEndPoint? Parse(string text, int defaultPort)
    {
        if (TryParsePort(text, out var port))
            return new IPEndPoint(IPAddress.Loopback, port);

        // A second colon belongs to an IPv6 address, and then the port stands behind the bracket.
        var colon = text.LastIndexOf(':');
        var hasPort = colon > 0 && (text[colon - 1] == ']' || text.IndexOf(':', StringComparison.Ordinal) == colon);
        port = defaultPort;
        if (hasPort && !TryParsePort(text[(colon + 1)..], out port))
            return null;
        return ParseHost(hasPort ? text[..colon] : text) is { } address ? new IPEndPoint(address, port) : null;
    }

    private static IPAddress? ParseHost(string host)
    {
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return IPAddress.Loopback;
        if (host == "*")
            return Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        if (host is ['[', .. var inner, ']'])
            return IPAddress.TryParse(inner, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6 ? v6 : null;

        // "127.1" and "1" are addresses to some, and mistakes to most.
        var isComplete = host.Contains(':', StringComparison.Ordinal) || host.Count(c => c == '.') == 3;
        return isComplete && IPAddress.TryParse(host, out var address) ? address : null;
    }

    private static bool TryParsePort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort;
}
