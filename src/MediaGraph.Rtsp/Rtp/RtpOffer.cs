using System.Collections.Immutable;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>A track of a stream as RTP has it.</summary>
/// <param name="Index">Its number in the stream: the control URL is <c>trackID=</c> with it.</param>
/// <param name="Receiver">The track's root in the graph.</param>
/// <param name="Codec">What was described: a viewer can follow new parameters, but no other codec.</param>
/// <param name="PayloadType">The RTP payload type.</param>
internal sealed record RtpOffer(int Index, Receiver Receiver, Codec Codec, int PayloadType)
{
    private const int FirstDynamicType = 96;
    private const int LastDynamicType = 127;

    /// <summary>The tracks of a stream that can go over RTP, in order. The others are left out; see <see cref="SdpCodecs.WhyNot"/>.</summary>
    public static ImmutableArray<RtpOffer> Of(MediaStream stream)
    {
        var next = FirstDynamicType;
        var offers = ImmutableArray.CreateBuilder<RtpOffer>();
        var receivers = stream.Receivers;
        for (var i = 0; i < receivers.Length; i++)
        {
            if (receivers[i].Codec is not { } codec || SdpCodecs.WhyNot(codec) is not null)
                continue;
            var type = SdpCodecs.StaticTypeOf(codec) ?? next++;
            if (type <= LastDynamicType)
                offers.Add(new RtpOffer(i, receivers[i], codec, type));
        }

        return offers.ToImmutable();
    }

    /// <summary>
    /// Whether a viewer can go on with packets of another codec: of the same name and clock. Parameters of video come with the stream; those of
    /// AAC stand in the description alone.
    /// </summary>
    public bool CanFollow(Codec other) =>
        ReferenceEquals(Codec, other) ||
        (Codec.Name == other.Name && Codec.Form == other.Form && Codec.ClockRate == other.ClockRate &&
         (Codec.Name != CodecNames.Aac || Codec.HasSameParameters(other)));
}
