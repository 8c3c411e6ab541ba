using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MediaGraph.Rtsp.Messages;

/// <summary>Two ports, or two interleaved channels: the first for RTP, the second for RTCP.</summary>
/// <param name="Rtp">For media.</param>
/// <param name="Rtcp">For reports.</param>
internal readonly record struct PortPair(int Rtp, int Rtcp)
{
    /// <summary>Reads <c>a-b</c>, or <c>a</c> alone, which stands for itself and the next.</summary>
    /// <param name="text">The text.</param>
    /// <param name="most">The highest that there is.</param>
    /// <param name="pair">The two.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, int most, out PortPair pair)
    {
        pair = default;
        if (text is null)
            return false;
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (!TryParseNumber(dash < 0 ? text : text.AsSpan(0, dash), out var first))
            return false;
        var second = first + 1;
        if ((dash >= 0 && !TryParseNumber(text.AsSpan(dash + 1), out second)) || first > most || second > most)
            return false;
        pair = new PortPair(first, second);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Rtp}-{Rtcp}");

    private static bool TryParseNumber(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
