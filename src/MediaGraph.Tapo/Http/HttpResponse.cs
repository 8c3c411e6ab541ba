using System.Globalization;
using MediaGraph.Tapo.Client;

namespace MediaGraph.Tapo.Http;

/// <summary>The head of an answer: what the camera says before its body.</summary>
/// <param name="Status">100 to 999.</param>
/// <param name="Headers">The headers.</param>
internal sealed record HttpResponse(int Status, HttpHeaders Headers)
{
    private const int MaxLinesBefore = 16; // what is left of a body whose length nobody told

    /// <summary>Reads one, up to its empty line.</summary>
    /// <exception cref="Sources.SourceException">It is none, or the connection has ended.</exception>
    public static async ValueTask<HttpResponse> ReadAsync(CameraConnection camera)
    {
        for (var lines = 0; lines < MaxLinesBefore; lines++)
        {
            var line = await ReadLineAsync(camera).ConfigureAwait(false);
            if (ReadStatus(line) is not { } status)
                continue;
            var headers = new HttpHeaders();
            while ((line = await ReadLineAsync(camera).ConfigureAwait(false)).Length > 0)
            {
                if (headers.Count == HttpHeaders.MaxCount)
                    throw Failure.Malformed("the camera's answer has too many headers");
                headers.Add(line);
            }

            return new HttpResponse(status, headers);
        }

        throw Failure.Malformed("the camera does not answer in HTTP");
    }

    /// <summary>Reads a status line, which may stand behind the rest of a body: <c>HTTP ERROR 401HTTP/1.0 200 OK</c>.</summary>
    public static int? ReadStatus(ReadOnlySpan<char> line)
    {
        var start = line.LastIndexOf("HTTP/1.");
        if (start < 0 || line.Length - start < 12)
            return null;
        return int.TryParse(line.Slice(start + 9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status >= 100
            ? status
            : null;
    }

    private static async ValueTask<string> ReadLineAsync(CameraConnection camera) =>
        await camera.ReadLineAsync().ConfigureAwait(false) ?? throw CameraConnection.Closed();
}
