using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>How a track goes interleaved on a channel of an RTSP connection.</summary>
internal sealed class RtpChannelFormat(PacketPool pool, RtpOffer offer, byte channel) : WireFormat
{
    private readonly InterleavedFormat _image = InterleavedFormat.Of(channel);

    /// <inheritdoc/>
    public override string CodecNames => offer.Codec.Name;

    /// <inheritdoc/>
    public override (object Format, Func<Converter> Create)? Conversion => RtpConverter.For(pool, offer.PayloadType);

    /// <inheritdoc/>
    public override bool CanCarry(Codec codec) => offer.CanFollow(codec);

    /// <inheritdoc/>
    public override ImageFormat ImageOf(Codec codec, bool withParameters) => _image;
}
