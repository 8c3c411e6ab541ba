using System.Buffers;
using MediaGraph.Tapo.Http;

namespace MediaGraph.Tapo.Multipart;

/// <summary>A part of a camera's answer. The body is valid until the next one is read.</summary>
/// <param name="Headers">Its headers.</param>
/// <param name="Body">What it carries.</param>
internal readonly record struct Part(HttpHeaders Headers, ReadOnlySequence<byte> Body)
{
    private const string EncryptedHeader = "X-If-Encrypt";

    public bool IsEncrypted => Headers[EncryptedHeader] == "1";

    /// <summary>Whether it is of this type, whatever parameters the type has.</summary>
    public bool Is(string type) =>
        Headers["Content-Type"] is { } text && text.StartsWith(type, StringComparison.OrdinalIgnoreCase) &&
        (text.Length == type.Length || text[type.Length] is ';' or ' ');

    public override string ToString() => "a part";
}
