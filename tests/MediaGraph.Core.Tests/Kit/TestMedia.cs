using System.Buffers.Binary;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Tests.Kit;

/// <summary>Packets whose payload starts with a number, and is filled with bytes that follow from it.</summary>
internal static class TestMedia
{
    public static Codec Video { get; } = new(MediaKind.Video, "TESTVIDEO", 1000);

    public static Codec Audio { get; } = new(MediaKind.Audio, "TESTAUDIO", 1000, 2);

    public static PacketPool Pool(bool diagnostics = false) => new(new PacketPoolOptions { Diagnostics = diagnostics });

    public static byte[] Payload(int number, int length = 4)
    {
        var payload = new byte[length];
        payload.AsSpan().Fill((byte)(number * 31));
        BinaryPrimitives.WriteInt32BigEndian(payload, number);
        return payload;
    }

    public static int NumberOf(ReadOnlySpan<byte> payload) => BinaryPrimitives.ReadInt32BigEndian(payload);

    public static int NumberOf(MediaPacket packet) => NumberOf(packet.Payload.Span);

    /// <summary>A packet of that number and of that time in milliseconds.</summary>
    public static MediaPacket Packet(
        PacketPool pool, int number, bool isKeyframe = false, Codec? codec = null, int length = 4, bool startsGroup = true,
        PacketFlags extra = PacketFlags.None)
    {
        var flags = extra | (isKeyframe ? PacketFlags.Keyframe | (startsGroup ? PacketFlags.StartsGroup : 0) : PacketFlags.None);
        return pool.CreatePacket(Payload(number, length), codec ?? Video, number, number, flags);
    }

    public static void Push(
        this Receiver receiver, PacketPool pool, int number, bool isKeyframe = false, Codec? codec = null, int length = 4)
    {
        var packet = Packet(pool, number, isKeyframe, codec ?? receiver.Track.Codecs[0], length);
        receiver.Push(packet);
        packet.Release();
    }
}
