using System.Globalization;
using System.Text;

namespace MediaGraph.LoadTest;

/// <summary>A server's response, RFC 2326, 7, or a request of its.</summary>
internal sealed record RtspResponse(string[] Lines, string Body)
{
    public string StatusLine => Lines[0];

    public int Status => Number(StatusLine.Split(' ') is [_, var code, ..] ? code : null);

    public int ContentLength => Number(Header("Content-Length"));

    public static RtspResponse Parse(ReadOnlySpan<byte> bytes)
    {
        var parts = Encoding.UTF8.GetString(bytes).Split("\r\n\r\n", 2);
        return new RtspResponse(parts[0].Split("\r\n"), parts.Length > 1 ? parts[1] : "");
    }

    /// <summary>Null when it has no such header.</summary>
    public string? Header(string name) =>
        Array.Find(Lines, line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();

    private static int Number(string? text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
