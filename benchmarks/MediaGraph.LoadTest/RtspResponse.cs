using System.Globalization;
using System.Text;

namespace MediaGraph.LoadTest;

/// <summary>A server's response, RFC 2326, 7, or a request of its.</summary>
internal sealed record RtspResponse(string[] Lines, string Body)
{
    public string StatusLine => Lines[0];

    public int Status => StatusLine.Split(' ') is [_, var code, ..] && int.TryParse(code, CultureInfo.InvariantCulture, out var status) ? status : 0;

    public int ContentLength =>
        Header("Content-Length") is { } length && uint.TryParse(length, CultureInfo.InvariantCulture, out var count) ? (int)Math.Min(count, 1 << 20) : 0;

    public static RtspResponse Parse(ReadOnlySpan<byte> bytes)
    {
        var parts = Encoding.UTF8.GetString(bytes).Split("\r\n\r\n", 2);
        return new RtspResponse(parts[0].Split("\r\n"), parts.Length > 1 ? parts[1] : "");
    }

    /// <summary>Null when it has no such header.</summary>
    public string? Header(string name) =>
        Array.Find(Lines, line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();
}
