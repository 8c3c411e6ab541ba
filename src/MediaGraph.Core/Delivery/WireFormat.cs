using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Delivery;

/// <summary>How a protocol writes packets; one instance serves all viewers who take the same bytes.</summary>
public abstract class WireFormat
{
    /// <summary>The names of the codecs that can be written, for people: <c>H264, AAC</c>.</summary>
    public abstract string CodecNames { get; }

    /// <summary>
    /// Whether packets of a codec can be written. Others are not: media that cannot be written ends its consumer, data is left out.
    /// </summary>
    public abstract bool CanCarry(Codec codec);

    /// <summary>
    /// The image of a codec's packets. Viewers who take the same bytes of a codec must be given the same instance, however much they
    /// differ otherwise.
    /// </summary>
    /// <param name="codec">One that <see cref="CanCarry"/>.</param>
    /// <param name="withParameters">Whether the codec's parameters precede the packet: for the first one of a codec.</param>
    public abstract ImageFormat ImageOf(Codec codec, bool withParameters);

    /// <summary>
    /// What packets go through before they are written, and how that is made where nobody has it yet: consumers of a track whose formats
    /// are equal share it. Null, the default, for nothing.
    /// </summary>
    public virtual (object Format, Func<Converter> Create)? Conversion => null;

    /// <summary>How a track of several is written; null when this consumer cannot be given it. Default: as any other.</summary>
    public virtual WireFormat? ForTrack(Track track) => this;

    /// <summary>
    /// Writes the codec's parameters alone, for a joiner who must wait for the first packet. Returns null where the codec has
    /// none; so by default.
    /// </summary>
    /// <param name="pool">Where the buffer comes from; its one reference passes to the caller.</param>
    /// <param name="codec">The codec to announce.</param>
    /// <param name="time">The stream's time.</param>
    /// <param name="length">Bytes written.</param>
    public virtual PooledBuffer? WriteParameters(PacketPool pool, Codec codec, TimeSpan time, out int length)
    {
        length = 0;
        return null;
    }
}
