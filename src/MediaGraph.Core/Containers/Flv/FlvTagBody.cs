using System.Buffers.Binary;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Containers.Flv;

/// <summary>
/// The body of FLV tags and RTMP media messages (FLV 10.1 §E.4.2 and §E.4.3): how packets of each codec are written in one.
/// </summary>
public static class FlvTagBody
{
    /// <summary>The most bytes that <see cref="WriteHead"/> writes.</summary>
    public const int MaxHeadLength = 5;

    /// <summary>The most bytes of a payload: a body's length has 24 bits.</summary>
    public const int MaxPayloadLength = 0xFFFFFF - MaxHeadLength;

    internal const int AvcCodecId = 7;
    internal const int AacSoundFormat = 10;
    internal const int EnhancedSoundFormat = 9;

    private const byte AacHead = 0xAF; // AAC; the rate, size and channel bits are fixed and mean nothing (§E.4.2.1)

    /// <summary>The names of the codecs that can be written, beside opaque ones that came from FLV.</summary>
    public static string CodecNames => $"{Media.CodecNames.H264}, {Media.CodecNames.Aac}";

    /// <summary>Whether packets of a codec can be written.</summary>
    public static bool CanCarry(Codec codec)
    {
        ArgumentNullException.ThrowIfNull(codec);
        return codec.IsOpaque || codec.Name is Media.CodecNames.H264 or Media.CodecNames.Aac or Media.CodecNames.RtmpData;
    }

    /// <summary>In which type of tag a codec travels.</summary>
    public static FlvTagType TypeOf(MediaKind kind) => kind switch
    {
        MediaKind.Audio => FlvTagType.Audio,
        MediaKind.Video => FlvTagType.Video,
        _ => FlvTagType.Script,
    };

    /// <summary>A packet's decode time in milliseconds, as tags count it.</summary>
    public static long Milliseconds(MediaPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        return MediaTime.Rescale(packet.DecodeTime, packet.Codec.ClockRate, 1000);
    }

    /// <summary>Writes what precedes the payload in the body, and returns its length: at most <see cref="MaxHeadLength"/>.</summary>
    /// <exception cref="NotSupportedException">The codec does not travel in FLV.</exception>
    public static int WriteHead(MediaPacket packet, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(packet);
        var codec = packet.Codec;
        if (codec.IsOpaque || codec.Kind == MediaKind.Data)
            return 0;
        switch (codec.Name)
        {
            case Media.CodecNames.H264:
                var composition = MediaTime.Rescale(packet.PresentationTime, codec.ClockRate, 1000) - Milliseconds(packet);
                WriteAvcHead(destination, packet.IsKeyframe, 1, (int)Math.Clamp(composition, -0x800000, 0x7FFFFF));
                return 5;
            case Media.CodecNames.Aac:
                destination[0] = AacHead;
                destination[1] = 1;
                return 2;
            default:
                throw NotSupported(codec);
        }
    }

    /// <summary>Bytes of the body that carries the codec's parameters; 0 when it has none.</summary>
    /// <exception cref="NotSupportedException">The codec does not travel in FLV.</exception>
    public static int MeasureParameters(Codec codec)
    {
        ArgumentNullException.ThrowIfNull(codec);
        var length = codec.Configuration.Length;
        if (length == 0 || codec.IsOpaque || codec.Kind == MediaKind.Data)
            return length;
        return length + codec.Name switch
        {
            Media.CodecNames.H264 => 5,
            Media.CodecNames.Aac => 2,
            _ => throw NotSupported(codec),
        };
    }

    /// <summary>Writes the body that carries the codec's parameters and returns its length.</summary>
    /// <inheritdoc cref="MeasureParameters"/>
    public static int WriteParameters(Codec codec, Span<byte> destination)
    {
        var length = MeasureParameters(codec);
        var head = length - codec.Configuration.Length;
        if (head == 5)
            WriteAvcHead(destination, isKeyframe: true, packetType: 0, compositionTime: 0);
        else if (head == 2)
            (destination[0], destination[1]) = (AacHead, 0);
        codec.Configuration.Span.CopyTo(destination[head..]);
        return length;
    }

    private static void WriteAvcHead(Span<byte> destination, bool isKeyframe, byte packetType, int compositionTime)
    {
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], compositionTime);
        destination[0] = (byte)((isKeyframe ? 0x10 : 0x20) | AvcCodecId);
        destination[1] = packetType;
    }

    private static NotSupportedException NotSupported(Codec codec) => new($"{codec.Name} does not travel in FLV.");
}
