using System.Buffers.Binary;

namespace MediaGraph.LoadTest.Tests;

/// <summary>The RTP packets of a frame; video's are on channel 0.</summary>
internal sealed record RtpUnit(int Channel, byte[][] Packets)
{
    public bool IsVideo => Channel == 0;

    // A NAL unit of type 5, whole or in FU-A.
    public bool IsKeyframe => IsVideo && ((Packets[0][12] & 0x1F) == 5 || (Packets[0][13] & 0x1F) == 5);

    public uint Timestamp => BinaryPrimitives.ReadUInt32BigEndian(Packets[0].AsSpan(4));

    public bool IsWhole => (Packets[^1][1] & 0x80) != 0;

    /// <summary>A frame as the tool publishes it.</summary>
    public static RtpUnit Frame(RtpWriter writer, SyntheticTrack track, long number)
    {
        var frame = new byte[track.LongestFrame];
        var length = track.Write(number, TimeProvider.System.GetTimestamp(), frame);
        var image = new byte[writer.LongestImage];
        return Split(image.AsSpan(0, writer.Write(track.TimeOf(number), frame.AsSpan(0, length), image)));
    }

    /// <summary>Without the packet, and without any sign of it in the numbers of those behind it.</summary>
    public RtpUnit Hide(int packet) => new(Channel, [.. Packets[..packet], .. Packets[(packet + 1)..].Select(one => Renumber(one, -1))]);

    public RtpUnit Lose(int packet) => new(Channel, [.. Packets[..packet], .. Packets[(packet + 1)..]]);

    /// <summary>With another number.</summary>
    public static byte[] Renumber(byte[] packet, int step)
    {
        byte[] changed = [.. packet];
        BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(2), (ushort)(BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2)) + step));
        return changed;
    }

    private static RtpUnit Split(ReadOnlySpan<byte> image)
    {
        var packets = new List<byte[]>();
        var channel = 0;
        while (!image.IsEmpty)
        {
            var length = 4 + BinaryPrimitives.ReadUInt16BigEndian(image[2..]);
            if (image[1] % 2 == 0)
            {
                channel = image[1];
                packets.Add(image[4..length].ToArray());
            }

            image = image[length..];
        }

        return new RtpUnit(channel, [.. packets]);
    }
}
