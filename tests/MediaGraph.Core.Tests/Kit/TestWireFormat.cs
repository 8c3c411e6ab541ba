using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Tests.Kit;

/// <summary>A wire form that a test can read back; see <see cref="WireUnit"/>.</summary>
internal class TestWireFormat : WireFormat
{
    private readonly Image _frame = new('F');
    private readonly Image _frameWithParameters = new('P');

    public override string CodecNames => "anything";

    public override ImageFormat ImageOf(Codec codec, bool withParameters) => withParameters ? _frameWithParameters : _frame;

    public override bool CanCarry(Codec codec) => codec.Name != "UNSUITABLE";

    public override PooledBuffer? WriteParameters(PacketPool pool, Codec codec, TimeSpan time, out int length)
    {
        length = WireUnit.HeaderLength;
        var buffer = pool.Rent(length);
        WireUnit.WriteHeader(buffer.Span, 'C', codec.Name[^5], 0);
        return buffer;
    }

    private sealed class Image(char mark) : ImageFormat
    {
        public override int Measure(MediaPacket packet) => WireUnit.HeaderLength + packet.Length;

        public override int Write(MediaPacket packet, Span<byte> destination)
        {
            WireUnit.WriteHeader(destination, mark, packet.Codec.Name[^5], packet.Length);
            packet.Payload.Span.CopyTo(destination[WireUnit.HeaderLength..]);
            return WireUnit.HeaderLength + packet.Length;
        }
    }
}
