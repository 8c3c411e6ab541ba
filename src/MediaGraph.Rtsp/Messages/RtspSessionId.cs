using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MediaGraph.Rtsp.Messages;

/// <summary>The <c>Session</c> header (RFC 2326 §12.37).</summary>
/// <param name="Id">The identifier, opaque, 1 to 256 characters.</param>
/// <param name="Timeout">How long the session lives without a sign of life, 1 s to a day; null where it is not said: 60 s.</param>
internal sealed record RtspSessionId(string Id, TimeSpan? Timeout = null)
{
    private const int MaxIdLength = 256;
    private const int MaxParameters = 8;
    private const int MaxTimeoutSeconds = 86_400;

    /// <summary>Reads the header. A timeout that is no number of seconds is taken for none.</summary>
    public static bool TryParse(string? header, [NotNullWhen(true)] out RtspSessionId? session)
    {
        session = null;
        var text = header ?? "";
        var semicolon = text.IndexOf(';', StringComparison.Ordinal);
        var id = (semicolon < 0 ? text : text[..semicolon]).Trim();
        if (id.Length > MaxIdLength || !RtspText.IsWord(id))
            return false;
        TimeSpan? timeout = null;
        foreach (var part in RtspParameters.Split(semicolon < 0 ? "" : text[(semicolon + 1)..], ';', MaxParameters))
        {
            var (name, value) = RtspParameters.Pair(part);
            if (name.Equals("timeout", StringComparison.OrdinalIgnoreCase) &&
                long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
                timeout = TimeSpan.FromSeconds(Math.Min(seconds, MaxTimeoutSeconds));
        }

        session = new RtspSessionId(id, timeout);
        return true;
    }

    /// <summary>The header's value.</summary>
    public override string ToString() =>
        Timeout is { } timeout ? string.Create(CultureInfo.InvariantCulture, $"{Id};timeout={(long)timeout.TotalSeconds}") : Id;
}
