using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>
/// A session description (RFC 8866), as far as RTSP needs it. Lengths are strict; about everything else it puts up with what devices
/// send: lines in any order, repeated, cut off, or of no sense.
/// </summary>
/// <remarks>
/// Whose view a direction is: ONVIF has it from the client's (a media that is <c>sendonly</c> is the camera's speaker), RFC 3264 from
/// the writer's, and devices do both. <see cref="FindBackchannel"/> tells them apart.
/// </remarks>
internal sealed record SdpSession
{
    /// <summary>The session's name; empty where it is missing.</summary>
    public string Name { get; init; } = "";

    /// <summary>The session's control URL as it is written; null where it is missing.</summary>
    public string? Control { get; init; }

    /// <summary>The media, in order.</summary>
    public required ImmutableArray<SdpMedia> Medias { get; init; }

    /// <summary>Reads a description.</summary>
    /// <param name="text">UTF-8, or what looks like it.</param>
    /// <param name="limits">See <see cref="RtspLimits.MaxDescriptionBytes"/> and <see cref="RtspLimits.MaxMedias"/>.</param>
    /// <param name="session">The description.</param>
    /// <param name="error">Why it is none.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> text, RtspLimits limits, [NotNullWhen(true)] out SdpSession? session, [NotNullWhen(false)] out string? error) =>
        SdpReader.TryRead(text, limits, out session, out error);

    /// <summary>
    /// The media that takes the client's sound; null where there is none. It is audio that says <c>sendonly</c> among media that do not
    /// all say so: where all do, that is the server's own view of what it sends.
    /// </summary>
    public SdpMedia? FindBackchannel() =>
        Medias.All(media => media.Direction == SdpDirection.SendOnly)
            ? null
            : Medias.FirstOrDefault(media => media is { Kind: MediaKind.Audio, Direction: SdpDirection.SendOnly });
}
