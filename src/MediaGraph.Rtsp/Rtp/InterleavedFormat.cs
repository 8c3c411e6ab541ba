using System.Buffers.Binary;
using System.Collections.Immutable;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>A run of <see cref="RtpConverter"/> on one channel of an RTSP connection (RFC 2326 §10.12).</summary>
internal sealed class InterleavedFormat : ImageFormat
{
    // All viewers of a channel share one.
    private static readonly ImmutableArray<InterleavedFormat> All = [.. Enumerable.Range(0, 256).Select(c => new InterleavedFormat((byte)c))];

    private readonly byte _channel;

    private InterleavedFormat(byte channel) => _channel = channel;

    /// <summary>The runs are made for channel 0, which is that of most viewers' video.</summary>
    public override bool IsPayload => _channel == 0;

    public static InterleavedFormat Of(byte channel) => All[channel];

    public override int Measure(MediaPacket packet) => packet.Length;

    public override int Write(MediaPacket packet, Span<byte> destination)
    {
        packet.Payload.Span.CopyTo(destination);
        for (var position = 0; position < packet.Length; position += 4 + BinaryPrimitives.ReadUInt16BigEndian(destination[(position + 2)..]))
            destination[position + 1] = _channel;
        return packet.Length;
    }
}
