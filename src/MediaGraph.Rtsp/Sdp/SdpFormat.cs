using System.Globalization;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>One payload type of a media: what its packets are.</summary>
internal sealed record SdpFormat
{
    /// <summary>The RTP payload type, 0 to 127.</summary>
    public required int PayloadType { get; init; }

    /// <summary>The encoding's name as it is written in <c>a=rtpmap</c>, or as RFC 3551 §6 has it; empty where nobody says.</summary>
    public string Encoding { get; init; } = "";

    /// <summary>
    /// Ticks per second of RTP times, 1 or more; 0 where nobody says, and then there is no <see cref="Codec"/>. May differ from the
    /// codec's: HE-AAC's packets may count in the output's rate, while its codec counts in the core coder's.
    /// </summary>
    public int ClockRate { get; init; }

    /// <summary>Audio channels; 0 for other media.</summary>
    public int Channels { get; init; }

    /// <summary>The format's parameters (<c>a=fmtp</c>); names are compared without regard to case.</summary>
    public required IReadOnlyDictionary<string, string> Parameters { get; init; }

    /// <summary>What the packets carry; null where that cannot be understood, see <see cref="Problem"/>.</summary>
    public Codec? Codec { get; init; }

    /// <summary>
    /// Whether <see cref="Codec"/> lacks parameters without which nothing can be decoded: those come in the stream, or never. They are
    /// never made up.
    /// </summary>
    public bool LacksParameters { get; init; }

    /// <summary>Why there is no <see cref="Codec"/>.</summary>
    public string? Problem { get; init; }

    /// <summary>How AAC's packets are laid out (RFC 3640); null for others.</summary>
    public AacPayloadFormat? Aac { get; init; }

    /// <summary>The multiplex that AAC comes in; null where it comes in none.</summary>
    public LatmPayloadFormat? Latm { get; init; }

    /// <summary>A parameter as a number, 0 or more; another value where it is missing or no number.</summary>
    public int GetNumber(string name, int otherwise) =>
        Parameters.TryGetValue(name, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : otherwise;
}
