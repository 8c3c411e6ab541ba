using System.Globalization;
using System.Text;

namespace MediaGraph.Tapo.Multipart;

/// <summary>Writes the parts that a client sends.</summary>
internal static class PartWriter
{
    public const string Boundary = "--client-stream-boundary--";

    /// <summary>The longest head, in bytes: a session's number is of the camera's making.</summary>
    public const int MaxHeadLength = 256;

    /// <summary>A control message. It ends with a line end, without which it is never answered.</summary>
    /// <param name="json">The message.</param>
    /// <param name="session">The number of the session that it is for; null before there is one.</param>
    public static byte[] Control(byte[] json, string? session = null)
    {
        var part = new byte[MaxHeadLength + json.Length + 2];
        var length = WriteHead(part, "application/json", session, json.Length);
        json.CopyTo(part, length);
        length += json.Length;
        part[length++] = (byte)'\r';
        part[length++] = (byte)'\n';
        return part[..length];
    }

    /// <summary>Writes what stands before a body, and returns its length.</summary>
    public static int WriteHead(Span<byte> destination, string type, string? session, int length)
    {
        var head = string.Create(CultureInfo.InvariantCulture, $"--{Boundary}\r\nContent-Type: {type}\r\nX-If-Encrypt: 0\r\n")
            + (session is null ? "" : $"X-Session-Id: {session}\r\n")
            + string.Create(CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n\r\n");
        return Encoding.Latin1.GetBytes(head, destination);
    }
}
