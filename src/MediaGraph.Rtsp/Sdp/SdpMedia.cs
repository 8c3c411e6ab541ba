using System.Collections.Immutable;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>One media of a session description: an <c>m=</c> line and what belongs to it (RFC 8866 §5.14).</summary>
internal sealed record SdpMedia
{
    /// <summary>Video, audio, or data for all others.</summary>
    public required MediaKind Kind { get; init; }

    /// <summary>The transport protocol as it is written, such as <c>RTP/AVP</c>; empty where it is missing.</summary>
    public string Protocol { get; init; } = "";

    /// <summary>The port; 0 where the client chooses it, and where it is missing.</summary>
    public int Port { get; init; }

    /// <summary>The media's own direction, else the session's.</summary>
    public SdpDirection Direction { get; init; }

    /// <summary>The control URL (<c>a=control</c>) as it is written; null where it is missing.</summary>
    public string? Control { get; init; }

    /// <summary>The payload types in order of preference; may be empty.</summary>
    public required ImmutableArray<SdpFormat> Formats { get; init; }

    /// <summary>The first format that can be understood; null where there is none.</summary>
    public SdpFormat? Format => Formats.FirstOrDefault(format => format.Codec is not null);
}
