using System.Buffers.Binary;
using MediaGraph.Containers.Flv;

namespace MediaGraph.Tests.Containers;

/// <summary>Writes and takes apart FLV files, independently of what is tested.</summary>
internal static class FlvBytes
{
    public static byte[] File(params (int Type, uint Time, string Body)[] tags)
    {
        List<byte> file = [.. "FLV\u0001\u0005\0\0\0\u0009"u8, 0, 0, 0, 0];
        Span<byte> number = stackalloc byte[4];
        foreach (var (type, time, body) in tags)
        {
            var bytes = Convert.FromHexString(body);
            BinaryPrimitives.WriteInt32BigEndian(number, (type << 24) | bytes.Length);
            file.AddRange(number);
            BinaryPrimitives.WriteUInt32BigEndian(number, (time << 8) | (time >> 24));
            file.AddRange(number);
            file.AddRange([0, 0, 0]);
            file.AddRange(bytes);
            BinaryPrimitives.WriteInt32BigEndian(number, 11 + bytes.Length);
            file.AddRange(number);
        }

        return [.. file];
    }

    public static List<(FlvTagType Type, uint Time, byte[] Body)> Tags(byte[] file)
    {
        var tags = new List<(FlvTagType, uint, byte[])>();
        for (var position = 13; position < file.Length;)
        {
            var header = file.AsSpan(position);
            var length = (header[1] << 16) | (header[2] << 8) | header[3];
            var time = (uint)((header[7] << 24) | (header[4] << 16) | (header[5] << 8) | header[6]);
            tags.Add(((FlvTagType)header[0], time, header.Slice(11, length).ToArray()));
            position += 11 + length + 4;
        }

        return tags;
    }
}
