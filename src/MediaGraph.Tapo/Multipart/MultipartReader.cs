using MediaGraph.Graph;
using MediaGraph.Tapo.Client;
using MediaGraph.Tapo.Http;

namespace MediaGraph.Tapo.Multipart;

/// <summary>
/// Reads the parts of an answer (RFC 2046 §5.1), whose delimiters never end. Framing that is damaged costs the part that it damages, as
/// long as the next delimiter is near. Total: any bytes give parts or an error.
/// </summary>
/// <param name="camera">What is read.</param>
/// <param name="boundary">The boundary; a delimiter has two hyphens more.</param>
/// <param name="maxPartBytes">Bytes of a body.</param>
internal sealed class MultipartReader(CameraConnection camera, string boundary, int maxPartBytes)
{
    private const int MaxGap = 64 << 10; // bytes between a part and the next delimiter

    private readonly string _delimiter = "--" + boundary;

    /// <summary>The boundary that an answer declares.</summary>
    /// <exception cref="Sources.SourceException">It declares none.</exception>
    public static string BoundaryOf(HttpResponse response)
    {
        const string name = "boundary=";
        var type = response.Headers["Content-Type"] ?? "";
        var start = type.IndexOf(name, StringComparison.OrdinalIgnoreCase);
        var boundary = start < 0 ? "" : type[(start + name.Length)..].Split(';')[0].Trim(' ', '"');
        return boundary.Length > 0 ? boundary : throw Failure.Malformed("the camera's answer has no parts");
    }

    /// <summary>Reads the next part; null when the connection has ended before it.</summary>
    /// <exception cref="Sources.SourceException">It cannot be read, or the connection has ended inside it.</exception>
    public async ValueTask<Part?> ReadAsync()
    {
        if (!await FindDelimiterAsync().ConfigureAwait(false))
            return null;
        var headers = new HttpHeaders();
        while (true)
        {
            var line = await camera.ReadLineAsync().ConfigureAwait(false) ?? throw CutPart();
            if (line.EndsWith(_delimiter, StringComparison.Ordinal))
                headers.Clear(); // the header was cut, and the next part stands right behind it
            else if (line.Length == 0)
                break;
            else if (headers.Count == HttpHeaders.MaxCount)
                throw Failure.Malformed("the camera sent a part with too many headers");
            else
                headers.Add(line);
        }

        if (headers.ContentLength is not (>= 0 and var length))
            throw Failure.Malformed("the camera sent a part without its length");
        if (length > maxPartBytes)
            throw Failure.Of(CloseCode.LimitExceeded, "the camera sent a part that is too long");
        return await camera.ReadBodyAsync(length).ConfigureAwait(false) is { } body ? new Part(headers, body) : throw CutPart();
    }

    private static Sources.SourceException CutPart() =>
        Failure.Of(CloseCode.ConnectionLost, "the camera closed the connection in the middle of a part");

    private async ValueTask<bool> FindDelimiterAsync()
    {
        for (var gap = 0; gap <= MaxGap;)
        {
            if (await camera.ReadLineAsync().ConfigureAwait(false) is not { } line)
                return false;
            if (line.EndsWith(_delimiter, StringComparison.Ordinal))
                return true;
            if (HttpResponse.ReadStatus(line) is >= 400 and var status)
                throw Failure.Refused($"the camera ended the stream with the answer {status}");
            if (line.StartsWith("HTTP ERROR", StringComparison.Ordinal))
                throw Failure.Refused("the camera ended the stream with an error");
            gap += line.Length + 1;
        }

        throw Failure.Malformed("the camera sent something else than parts");
    }
}
