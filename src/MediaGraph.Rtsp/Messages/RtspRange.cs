using System.Globalization;

namespace MediaGraph.Rtsp.Messages;

/// <summary>The <c>Range</c> header in normal play time (RFC 2326 §3.6, §12.29).</summary>
/// <param name="Start">From when; null for now.</param>
/// <param name="End">Until when; null for open.</param>
internal readonly record struct RtspRange(TimeSpan? Start, TimeSpan? End)
{
    private const decimal MaxSeconds = 1_000_000_000;

    /// <summary>Live, from now on.</summary>
    public static RtspRange Now => new(null, null);

    /// <summary>Reads <c>npt=…</c>: seconds or hours, minutes and seconds.</summary>
    /// <returns>False when it is malformed, ends before it starts, or is in another unit.</returns>
    public static bool TryParse(string? header, out RtspRange range)
    {
        range = default;
        if (header is null)
            return false;
        var semicolon = header.IndexOf(';', StringComparison.Ordinal); // ;time=, when to start
        var (unit, value) = RtspParameters.Pair(semicolon < 0 ? header : header[..semicolon]);
        if (value is null || !unit.Equals("npt", StringComparison.OrdinalIgnoreCase))
            return false;
        var dash = value.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || !TryParseTime(value[..dash], out var start) || !TryParseTime(value[(dash + 1)..], out var end) || end < start)
            return false;
        range = new RtspRange(start, end);
        return true;
    }

    /// <summary>The header's value.</summary>
    public override string ToString() => $"npt={(Start is { } start ? Format(start) : "now")}-{(End is { } end ? Format(end) : "")}";

    private static string Format(TimeSpan time) => time.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static bool TryParseTime(string text, out TimeSpan? time)
    {
        time = null;
        text = text.Trim();
        if (text.Length == 0 || text.Equals("now", StringComparison.OrdinalIgnoreCase))
            return true;
        var parts = text.Split(':', 4);
        if (parts.Length is not (1 or 3))
            return false;
        var seconds = 0m;
        foreach (var part in parts)
        {
            if (!decimal.TryParse(part, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ||
                number > MaxSeconds)
                return false;
            seconds = (seconds * 60) + number;
        }

        if (seconds > MaxSeconds)
            return false;
        time = TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
        return true;
    }
}
