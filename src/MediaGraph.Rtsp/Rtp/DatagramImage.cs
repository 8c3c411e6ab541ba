using System.Buffers.Binary;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// A run as datagrams: a count and that many lengths, of two bytes each in network order, and behind them the RTP packets without gaps, so
/// that those of one length go out in one call.
/// </summary>
internal sealed class DatagramImage : ImageFormat
{
    private const int FramingLength = 4;

    private DatagramImage()
    {
    }

    /// <summary>The one for all viewers.</summary>
    public static DatagramImage Instance { get; } = new();

    /// <inheritdoc/>
    public override int Measure(MediaPacket packet) => 2 + packet.Length; // lengths take less than the framing

    /// <inheritdoc/>
    public override int Write(MediaPacket packet, Span<byte> destination)
    {
        var run = packet.Payload.Span;
        var count = 0;
        for (var rest = run; rest.Length >= FramingLength && count < ushort.MaxValue; count++) // beyond, a sender plays tricks
            rest = rest[(FramingLength + BinaryPrimitives.ReadUInt16BigEndian(rest[2..]))..];
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)count);
        var position = 2 + (2 * count);
        for (var i = 0; i < count; i++)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(run[2..]);
            BinaryPrimitives.WriteUInt16BigEndian(destination[(2 + (2 * i))..], length);
            run.Slice(FramingLength, length).CopyTo(destination[position..]);
            position += length;
            run = run[(FramingLength + length)..];
        }

        return position;
    }
}
