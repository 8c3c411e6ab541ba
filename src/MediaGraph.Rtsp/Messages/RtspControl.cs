using System.Globalization;

namespace MediaGraph.Rtsp.Messages;

/// <summary>
/// Control URLs (RFC 2326 §C.1.1). They are put together as texts, as players and devices do it: a relative one goes behind the base,
/// whatever the base ends with, its query included.
/// </summary>
internal static class RtspControl
{
    private const string TrackPrefix = "trackID=";
    private const int MaxLength = 1024;

    /// <summary>The relative control URL of a track on our server.</summary>
    /// <param name="track">Its index in the session description.</param>
    public static string OfTrack(int track) => string.Create(CultureInfo.InvariantCulture, $"{TrackPrefix}{track}");

    /// <summary>Takes a request's URL apart: what <see cref="OfTrack"/> put behind, in the path or the query, comes off.</summary>
    /// <returns>The presentation's URL without a slash at its end, and the track; null where there is none.</returns>
    public static (string Presentation, int? Track) Split(string uri)
    {
        var trimmed = uri.TrimEnd('/');
        var slash = trimmed.LastIndexOf('/');
        var last = trimmed.AsSpan(slash + 1);
        if (slash < 0 || !last.StartsWith(TrackPrefix, StringComparison.OrdinalIgnoreCase) ||
            !int.TryParse(last[TrackPrefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var track))
            return (trimmed, null);
        return (trimmed[..slash].TrimEnd('/'), track);
    }

    /// <summary>The base of a description's control URLs: Content-Base, else Content-Location, else what was asked for.</summary>
    public static string BaseOf(RtspResponse description, string requestUri)
    {
        foreach (var name in new[] { RtspHeaderNames.ContentBase, RtspHeaderNames.ContentLocation })
        {
            foreach (var value in description.Headers.GetAll(name))
            {
                if (Absolute(value) is { } absolute)
                    return absolute;
                if (value.StartsWith('/') && value.Length <= MaxLength)
                    return RtspUrl.Escape(requestUri[..RootLength(requestUri)] + value);
            }
        }

        return requestUri;
    }

    /// <summary>The URL that a control attribute stands for.</summary>
    /// <param name="baseUri">Of <see cref="BaseOf"/>.</param>
    /// <param name="control">The attribute's value; null where it is missing.</param>
    public static string Resolve(string baseUri, string? control)
    {
        control = control?.Trim() ?? "";
        if (control is "" or "*" || control.Length > MaxLength)
            return baseUri;
        if (Absolute(control) is { } absolute)
            return absolute;
        control = RtspUrl.Escape(control);
        if (control.StartsWith('?'))
            return baseUri + control;
        if (!control.StartsWith('/'))
            return baseUri.EndsWith('/') ? baseUri + control : $"{baseUri}/{control}";

        // From the server's root where it repeats the base's path, otherwise one slash too many.
        var root = RootLength(baseUri);
        var path = baseUri[root..].TrimEnd('/');
        return path.Length > 0 && control.StartsWith(path + '/', StringComparison.Ordinal)
            ? baseUri[..root] + control
            : baseUri.TrimEnd('/') + control;
    }

    // Without a scheme that stands twice, and without user and password; null when it is not absolute.
    private static string? Absolute(string text)
    {
        text = text.Trim();
        while (SchemeLength(text) is > 0 and var doubled && SchemeLength(text[doubled..]) > 0)
            text = text[doubled..];
        var scheme = SchemeLength(text);
        if (scheme == 0 || scheme == text.Length || text.Length > MaxLength)
            return null;
        var root = RootLength(text);
        var at = text.LastIndexOf('@', root - 1, root - scheme);
        return RtspUrl.Escape(at < 0 ? text : text[..scheme] + text[(at + 1)..]);
    }

    private static int SchemeLength(string text) =>
        text.StartsWith("rtsp://", StringComparison.OrdinalIgnoreCase) ? 7
        : text.StartsWith("rtsps://", StringComparison.OrdinalIgnoreCase) ? 8
        : 0;

    // Up to the slash or question mark behind host and port.
    private static int RootLength(string uri)
    {
        var scheme = SchemeLength(uri);
        var end = uri.AsSpan(scheme).IndexOfAny('/', '?');
        return end < 0 ? uri.Length : scheme + end;
    }
}
