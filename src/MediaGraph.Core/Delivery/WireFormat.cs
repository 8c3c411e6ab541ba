using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Delivery;

/// <summary>How a protocol writes packets; one instance serves all viewers who take the same bytes.</summary>
public abstract class WireFormat
{
    /// <summary>The names of the codecs that can be written, for people: <c>H264, AAC</c>.</summary>
    public abstract string CodecNames { get; }

    /// <summary>Whether packets of a codec can be written. Others never reach <see cref="Frame"/>.</summary>
    public abstract bool CanCarry(Codec codec);

    /// <summary>The image of a packet alone.</summary>
    public abstract ImageFormat Frame { get; }

    /// <summary>The image of a packet behind its codec's parameters: for the first packet of a codec.</summary>
    public abstract ImageFormat FrameWithParameters { get; }

    /// <summary>
    /// Writes the codec's parameters alone, for a joiner who must wait for the first packet. Returns null where the codec has
    /// none.
    /// </summary>
    /// <param name="pool">Where the buffer comes from; its one reference passes to the caller.</param>
    /// <param name="codec">The codec to announce.</param>
    /// <param name="time">The stream's time.</param>
    /// <param name="length">Bytes written.</param>
    public abstract PooledBuffer? WriteParameters(PacketPool pool, Codec codec, TimeSpan time, out int length);
}
