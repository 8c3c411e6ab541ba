using System.Buffers.Binary;

namespace MediaGraph.Tests.Kit;

/// <summary>What <see cref="TestWireFormat"/> writes: mark, codec, length and payload.</summary>
/// <param name="Mark">F a frame, P a frame behind its parameters, C parameters alone, R anything else that a test sends as a reply.</param>
/// <param name="Codec">Fifth letter from the end of the codec's name: V, A.</param>
/// <param name="Payload">The frame.</param>
internal sealed record WireUnit(char Mark, char Codec, byte[] Payload)
{
    public const int HeaderLength = 6;

    public int Number => TestMedia.NumberOf(Payload);

    public static byte[] Reply(int number)
    {
        var bytes = new byte[HeaderLength + 4];
        WriteHeader(bytes, 'R', '-', 4);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(HeaderLength), number);
        return bytes;
    }

    public static void WriteHeader(Span<byte> destination, char mark, char codec, int length)
    {
        destination[0] = (byte)mark;
        destination[1] = (byte)codec;
        BinaryPrimitives.WriteInt32BigEndian(destination[2..], length);
    }

    /// <summary>Takes bytes apart; the second value is what is left of a unit that is not whole.</summary>
    public static (List<WireUnit> Units, int Left) Parse(ReadOnlySpan<byte> bytes)
    {
        var units = new List<WireUnit>();
        while (bytes.Length >= HeaderLength)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[2..]);
            if (bytes[0] is not ((byte)'F' or (byte)'P' or (byte)'C' or (byte)'R') || length < 0)
                throw new InvalidOperationException("The bytes on the wire are torn.");
            if (bytes.Length < HeaderLength + length)
                break;
            units.Add(new WireUnit((char)bytes[0], (char)bytes[1], bytes.Slice(HeaderLength, length).ToArray()));
            bytes = bytes[(HeaderLength + length)..];
        }

        return (units, bytes.Length);
    }

    public override string ToString() => Mark == 'C' ? $"C{Codec}" : $"{Mark}{(Mark == 'R' ? "" : Codec)}{Number}";
}
