using System.Collections.Immutable;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>A track of a stream as RTP has it.</summary>
/// <param name="Index">Its number in the description: the control URL is <c>trackID=</c> with it.</param>
/// <param name="Receiver">The track's root in the graph.</param>
/// <param name="Codec">What was described: a viewer can follow new parameters, but no other codec.</param>
/// <param name="PayloadType">The RTP payload type.</param>
internal sealed record RtpOffer(int Index, Receiver Receiver, Codec Codec, int PayloadType)
{
    /// <summary>The tracks of a stream that can go over RTP, in order. The others are left out; see <see cref="Sdp.SdpCodecs.WhyNot"/>.</summary>
    public static ImmutableArray<RtpOffer> Of(MediaStream stream) => throw new NotImplementedException();
}
