using System.Collections.Immutable;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Server;

/// <summary>A stream's loudspeaker as it is described: an audio that the client sends (ONVIF Streaming Specification §5.3).</summary>
/// <param name="Formats">Payload types and codecs, the best first; at least one.</param>
internal sealed record Backchannel(ImmutableArray<(int PayloadType, Codec Codec)> Formats)
{
    /// <summary>Its number beside those of the stream's tracks, of which there are never so many.</summary>
    public const int Key = int.MaxValue;

    private const int FirstDynamicType = 96;
    private const int LastDynamicType = 127;

    /// <summary>What is written about it. The direction is the client's, as ONVIF has it.</summary>
    public SdpOffer Offer => new(Formats, RtspControl.OfTrack(Key), SdpDirection.SendOnly);

    /// <summary>That of a stream; null where it has no speaker, or one whose codecs RTP cannot carry. Looks only (R3).</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="offers">The media that are described with it: their payload types are taken.</param>
    public static Backchannel? Of(MediaStream stream, ImmutableArray<RtpOffer> offers)
    {
        if (stream.Speaker is not { } speaker)
            return null;
        var next = offers.Select(offer => offer.PayloadType + 1).Append(FirstDynamicType).Max();
        var formats = ImmutableArray.CreateBuilder<(int, Codec)>();
        foreach (var codec in speaker.Codecs.Select(Complete).OfType<Codec>())
        {
            if (codec.Form != PayloadForm.Frame || SdpCodecs.WhyNot(codec) is not null)
                continue;
            var type = SdpCodecs.StaticTypeOf(codec) ?? next++;
            if (type <= LastDynamicType && !formats.Any(format => format.Item1 == type))
                formats.Add((type, codec));
        }

        return formats.Count == 0 ? null : new Backchannel(formats.ToImmutable());
    }

    // A speaker may name a codec alone, at any rate: here one has to be said.
    private static Codec? Complete(Codec codec) => codec switch
    {
        { Channels: > 0 } => codec,
        { Name: CodecNames.Pcma or CodecNames.Pcmu or CodecNames.G722 } => new Codec(MediaKind.Audio, codec.Name, 8000, 1),
        { Name: CodecNames.Opus } => new Codec(MediaKind.Audio, CodecNames.Opus, 48_000, 2),
        _ => null,
    };
}
