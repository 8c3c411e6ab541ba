using System.Collections.Immutable;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>One media that a description offers.</summary>
/// <param name="Formats">Payload types with their codecs, all of one kind, at least one.</param>
/// <param name="Control">The control URL, relative or absolute.</param>
/// <param name="Direction">What is written about the direction.</param>
internal sealed record SdpOffer(
    ImmutableArray<(int PayloadType, Codec Codec)> Formats, string Control, SdpDirection Direction = SdpDirection.None)
{
    private const int FirstDynamicType = 96;
    private const int LastDynamicType = 127;

    /// <summary>Gives each codec of some media its payload type: the fixed one of RFC 3551, or the next from 96 on.</summary>
    /// <param name="medias">Codecs, control URL and direction of each media.</param>
    /// <exception cref="ArgumentException">A codec cannot be sent over RTP, or there are more than 32 that have no fixed type.</exception>
    public static ImmutableArray<SdpOffer> Assign(
        params IEnumerable<(ImmutableArray<Codec> Codecs, string Control, SdpDirection Direction)> medias)
    {
        var next = FirstDynamicType;
        var offers = ImmutableArray.CreateBuilder<SdpOffer>();
        foreach (var (codecs, control, direction) in medias)
        {
            var formats = codecs.Select(codec => (TypeOf(codec, ref next), codec));
            offers.Add(new SdpOffer([.. formats], control, direction));
        }

        return offers.ToImmutable();
    }

    private static int TypeOf(Codec codec, ref int next)
    {
        if (SdpCodecs.WhyNot(codec) is { } reason)
            throw new ArgumentException(reason, nameof(codec));
        if (SdpCodecs.StaticTypeOf(codec) is { } type)
            return type;
        return next <= LastDynamicType ? next++ : throw new ArgumentException("More codecs than payload types.", nameof(codec));
    }
}
