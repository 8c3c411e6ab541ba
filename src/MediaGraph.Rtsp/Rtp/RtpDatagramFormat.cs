using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Transport;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>How a track goes over UDP.</summary>
internal sealed class RtpDatagramFormat(PacketPool pool, RtpOffer offer, UdpPath path) : DatagramFormat
{
    /// <inheritdoc/>
    public override string CodecNames => offer.Codec.Name;

    /// <inheritdoc/>
    public override (object Format, Func<Converter> Create)? Conversion => RtpConverter.For(pool, offer.PayloadType);

    /// <inheritdoc/>
    public override bool CanCarry(Codec codec) => offer.CanFollow(codec);

    /// <inheritdoc/>
    public override bool TrySend(ReadOnlySpan<byte> image) => path.TrySend(image);

    /// <inheritdoc/>
    public override ImageFormat ImageOf(Codec codec, bool withParameters) => DatagramImage.Instance;
}
