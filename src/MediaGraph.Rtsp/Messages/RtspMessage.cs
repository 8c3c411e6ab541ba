using System.Buffers;
using System.Globalization;
using System.Text;

namespace MediaGraph.Rtsp.Messages;

/// <summary>A request or a response (RFC 2326 §4).</summary>
internal abstract class RtspMessage
{
    public const string Rtsp10 = "RTSP/1.0";

    /// <summary>Protocol and version, in capital letters: <c>RTSP/1.0</c>, or <c>HTTP/1.0</c> and <c>HTTP/1.1</c> for tunnels.</summary>
    public string Version { get; init; } = Rtsp10;

    /// <summary>The header fields. <c>Content-Length</c> is written by itself.</summary>
    public RtspHeaders Headers { get; init; } = [];

    /// <summary>The body; always empty for HTTP, whose bodies are tunnels.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Whether this is HTTP, and what follows belongs to a tunnel.</summary>
    public bool IsHttp => Version.StartsWith("HTTP/", StringComparison.Ordinal);

    /// <summary>The sequence number (§12.17); null where it is missing or no number.</summary>
    public uint? CSeq => ParseCSeq(Headers[RtspHeaderNames.CSeq]);

    private protected abstract string StartLine { get; }

    /// <summary>Writes the message.</summary>
    public void WriteTo(IBufferWriter<byte> output)
    {
        var text = new StringBuilder(256).Append(StartLine).Append("\r\n");
        foreach (var (name, value) in Headers)
        {
            if (IsHttp || !name.Equals(RtspHeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase))
                text.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        if (!Body.IsEmpty)
            text.Append(CultureInfo.InvariantCulture, $"{RtspHeaderNames.ContentLength}: {Body.Length}\r\n");
        Encoding.Latin1.GetBytes(text.Append("\r\n").ToString(), output);
        output.Write(Body.Span);
    }

    /// <summary>The message's bytes.</summary>
    public byte[] ToArray()
    {
        var output = new ArrayBufferWriter<byte>(256 + Body.Length);
        WriteTo(output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The start line alone: the rest may have secrets.</summary>
    public override string ToString() => StartLine;

    internal static uint? ParseCSeq(string? text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
