using System.Globalization;
using System.Text;

namespace MediaGraph.Rtsp.Messages;

/// <summary>One way to carry media, as the <c>Transport</c> header says it (RFC 2326 §12.39).</summary>
internal sealed record RtspTransport
{
    private const int MaxAlternatives = 16;
    private const int MaxParameters = 32;
    private const int MaxPort = 65_535;
    private const int MaxChannel = 255;

    /// <summary>The RTP profile, in capital letters: <c>AVP</c>, <c>AVPF</c>, <c>SAVP</c>, <c>SAVPF</c> …</summary>
    public string Profile { get; init; } = "AVP";

    /// <summary>Whether media come interleaved on the RTSP connection; otherwise over UDP.</summary>
    public bool IsTcp { get; init; }

    /// <summary>Whether media go to a group. Multicast is the header's default, but what says neither is taken for unicast.</summary>
    public bool IsMulticast { get; init; }

    /// <summary>Interleaved channels, 0 to 255.</summary>
    public PortPair? Interleaved { get; init; }

    /// <summary>The client's UDP ports, 0 to 65,535.</summary>
    public PortPair? ClientPorts { get; init; }

    /// <summary>The server's UDP ports, 0 to 65,535.</summary>
    public PortPair? ServerPorts { get; init; }

    /// <summary>A multicast group's UDP ports, 0 to 65,535.</summary>
    public PortPair? Ports { get; init; }

    /// <summary>Where the client wants the media sent to. Following it to another than the client itself makes a reflector.</summary>
    public string? Destination { get; init; }

    /// <summary>Where the server says that it sends from.</summary>
    public string? Source { get; init; }

    /// <summary>The RTP synchronization source that the server sends with.</summary>
    public uint? Ssrc { get; init; }

    /// <summary>Whether the client will send (<c>mode=RECORD</c>).</summary>
    public bool IsRecord { get; init; }

    /// <summary>Time to live of multicast packets, 0 to 255.</summary>
    public int? Ttl { get; init; }

    /// <summary>
    /// Reads the alternatives of a header, in the order of preference, at most 16. What is no RTP, or has ports or channels that do not
    /// exist, is left out: an empty result is answered with 461. Parameters that are not known are ignored, as the standard says.
    /// </summary>
    public static IReadOnlyList<RtspTransport> ParseAll(string? header)
    {
        var found = new List<RtspTransport>();
        foreach (var alternative in RtspParameters.Split(header ?? "", ',', MaxAlternatives))
        {
            if (Parse(alternative) is { } transport)
                found.Add(transport);
        }

        return found;
    }

    /// <summary>
    /// Reads what a server chose. Devices answer with other channels than were asked for, leave out <c>/TCP</c>, the second channel, or
    /// the channels altogether.
    /// </summary>
    /// <param name="header">The answer's header.</param>
    /// <param name="asked">What was asked for.</param>
    /// <returns>Null when it is no RTP, or goes another way than was asked for.</returns>
    public static RtspTransport? ParseAnswer(string? header, RtspTransport asked)
    {
        if (ParseAll(header) is not [var answer, ..])
            return null;
        if (asked.IsTcp && !answer.IsTcp && answer.ServerPorts is null && answer.ClientPorts is null)
            answer = answer with { IsTcp = true };
        if (answer.IsTcp != asked.IsTcp || answer.IsMulticast != asked.IsMulticast)
            return null;
        return answer with { Interleaved = answer.Interleaved ?? asked.Interleaved, ClientPorts = answer.ClientPorts ?? asked.ClientPorts };
    }

    /// <summary>The header's value.</summary>
    public override string ToString()
    {
        var text = new StringBuilder($"RTP/{Profile}{(IsTcp ? "/TCP" : "")};{(IsMulticast ? "multicast" : "unicast")}");
        void Add(string name, object? value)
        {
            if (value is not null)
                text.Append(CultureInfo.InvariantCulture, $";{name}={value}");
        }

        Add("destination", Destination);
        Add("source", Source);
        Add("interleaved", Interleaved);
        Add("client_port", ClientPorts);
        Add("server_port", ServerPorts);
        Add("port", Ports);
        Add("ttl", Ttl);
        Add("ssrc", Ssrc?.ToString("X8", CultureInfo.InvariantCulture));
        Add("mode", IsRecord ? "record" : null);
        return text.ToString();
    }

    private static RtspTransport? Parse(string alternative)
    {
        var parts = RtspParameters.Split(alternative, ';', MaxParameters);
        var specification = parts.Count == 0 ? [] : parts[0].ToUpperInvariant().Split('/');
        if (specification.Length is < 2 or > 3 || specification[0] != "RTP" || !RtspText.IsToken(specification[1]))
            return null;
        if (specification.Length == 3 && specification[2] is not ("TCP" or "UDP"))
            return null;
        var transport = new RtspTransport { Profile = specification[1], IsTcp = specification.Length == 3 && specification[2] == "TCP" };
        foreach (var part in parts.Skip(1))
        {
            if (transport.With(part) is not { } next)
                return null;
            transport = next;
        }

        // Channels without /TCP: an old way to write it.
        return transport.Interleaved is null || specification.Length == 3 ? transport : transport with { IsTcp = true };
    }

    private RtspTransport? With(string part)
    {
        var (name, value) = RtspParameters.Pair(part);
        switch (name.ToLowerInvariant())
        {
            case "unicast":
                return this with { IsMulticast = false };
            case "multicast":
                return this with { IsMulticast = true };
            case "interleaved":
                return PortPair.TryParse(value, MaxChannel, out var channels) ? this with { Interleaved = channels } : null;
            case "client_port":
                return PortPair.TryParse(value, MaxPort, out var clientPorts) ? this with { ClientPorts = clientPorts } : null;
            case "server_port":
                return PortPair.TryParse(value, MaxPort, out var serverPorts) ? this with { ServerPorts = serverPorts } : null;
            case "port":
                return PortPair.TryParse(value, MaxPort, out var ports) ? this with { Ports = ports } : null;
            case "destination":
                return this with { Destination = value };
            case "source":
                return this with { Source = value };
            case "ssrc":
                return this with { Ssrc = ParseSsrc(value) };
            case "mode":
                return this with { IsRecord = IsRecordMode(value) };
            case "ttl":
                return this with { Ttl = byte.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var ttl) ? ttl : null };
            default:
                return this;
        }
    }

    // Eight hexadecimal digits; some write a prefix, fewer, or nothing that can be read, which says no more than leaving it out.
    private static uint? ParseSsrc(string? value)
    {
        var digits = value.AsSpan().Trim();
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            digits = digits[2..];
        return uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var ssrc) ? ssrc : null;
    }

    private static bool IsRecordMode(string? value) =>
        "RECORD".Equals(value, StringComparison.OrdinalIgnoreCase) || "RECEIVE".Equals(value, StringComparison.OrdinalIgnoreCase);
}
