using System.Buffers;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// Decodes Base64 that comes in pieces (RFC 4648 §4): each of the client's messages was encoded by itself, so padding may stand anywhere.
/// Line ends and blanks are passed over. Not thread-safe.
/// </summary>
internal sealed class Base64Decoder
{
    private int _bits; // of the group that has begun
    private int _count; // characters of it, 0 to 3
    private bool _isPadded;

    /// <summary>Decodes what came; false when it is no Base64, and what stands before that was decoded.</summary>
    public bool TryDecode(in ReadOnlySequence<byte> text, IBufferWriter<byte> output)
    {
        foreach (var piece in text)
        {
            var destination = output.GetSpan(piece.Length + 3);
            var isValid = TryDecode(piece.Span, destination, out var written);
            output.Advance(written);
            if (!isValid)
                return false;
        }

        return true;
    }

    private bool TryDecode(ReadOnlySpan<byte> text, Span<byte> destination, out int written)
    {
        written = 0;
        foreach (var c in text)
        {
            if (c is (byte)'\r' or (byte)'\n' or (byte)' ' or (byte)'\t')
                continue;
            if (c == '=')
            {
                if (_count == 2)
                    destination[written++] = (byte)(_bits >> 4);
                else if (_count == 3)
                    (destination[written++], destination[written++]) = ((byte)(_bits >> 10), (byte)(_bits >> 2));
                else if (_count == 1 || !_isPadded)
                    return false;
                (_bits, _count, _isPadded) = (0, 0, !_isPadded); // a second one may follow
                continue;
            }

            if (ValueOf(c) is not { } value)
                return false;
            _isPadded = false;
            _bits = (_bits << 6) | value;
            if (++_count < 4)
                continue;
            destination[written++] = (byte)(_bits >> 16);
            destination[written++] = (byte)(_bits >> 8);
            destination[written++] = (byte)_bits;
            (_bits, _count) = (0, 0);
        }

        return true;
    }

    private static int? ValueOf(byte c) => (char)c switch
    {
        >= 'A' and <= 'Z' => c - 'A',
        >= 'a' and <= 'z' => c - 'a' + 26,
        >= '0' and <= '9' => c - '0' + 52,
        '+' => 62,
        '/' => 63,
        _ => null,
    };
}
