using System.Globalization;

namespace MediaGraph.Rtsp.Messages;

/// <summary>One stream's entry of the <c>RTP-Info</c> header (RFC 2326 §12.33).</summary>
/// <param name="Url">The stream's control URL.</param>
/// <param name="Sequence">Sequence number of the first packet; null where it is not said.</param>
/// <param name="RtpTime">RTP time of the range's start; null where it is not said.</param>
internal sealed record RtpInfo(string Url, ushort? Sequence, uint? RtpTime)
{
    private const int MaxEntries = 16;

    /// <summary>Reads the entries, at most 16. Commas and semicolons in URLs are taken for what they are.</summary>
    public static IReadOnlyList<RtpInfo> ParseAll(string? header)
    {
        var found = new List<RtpInfo>();
        foreach (var entry in Entries(header ?? ""))
        {
            if (Parse(entry) is { } info)
                found.Add(info);
        }

        return found;
    }

    /// <summary>The header's value.</summary>
    public static string Format(IEnumerable<RtpInfo> entries) => string.Join(',', entries);

    /// <inheritdoc/>
    public override string ToString()
    {
        var sequence = Sequence is { } number ? string.Create(CultureInfo.InvariantCulture, $";seq={number}") : "";
        return $"url={Url}{sequence}" + (RtpTime is { } time ? string.Create(CultureInfo.InvariantCulture, $";rtptime={time}") : "");
    }

    // A comma separates entries only where another one begins.
    private static IEnumerable<string> Entries(string header)
    {
        var current = "";
        var count = 0;
        foreach (var part in RtspParameters.Split(header, ',', 4 * MaxEntries))
        {
            if (part.StartsWith("url", StringComparison.OrdinalIgnoreCase) && current.Length > 0)
            {
                yield return current;
                if (++count == MaxEntries)
                    yield break;
                current = part;
            }
            else
            {
                current = current.Length == 0 ? part : $"{current},{part}";
            }
        }

        if (current.Length > 0)
            yield return current;
    }

    private static RtpInfo? Parse(string entry)
    {
        string? url = null;
        ushort? sequence = null;
        uint? rtpTime = null;
        foreach (var part in RtspParameters.Split(entry, ';', 64))
        {
            var (name, value) = RtspParameters.Pair(part);
            if (name.Equals("seq", StringComparison.OrdinalIgnoreCase))
                sequence = ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
            else if (name.Equals("rtptime", StringComparison.OrdinalIgnoreCase))
                rtpTime = uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var time) ? time : null;
            else if (name.Equals("url", StringComparison.OrdinalIgnoreCase))
                url ??= value;
            else if (url is not null)
                url += $";{part}";
        }

        return string.IsNullOrEmpty(url) ? null : new RtpInfo(url, sequence, rtpTime);
    }
}
