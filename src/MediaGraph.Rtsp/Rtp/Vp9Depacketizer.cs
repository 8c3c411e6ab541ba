using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// VP9 (RFC 9628). The frames of a picture's spatial layers become one superframe with its index (VP9 bitstream specification, annex B).
/// </summary>
internal sealed class Vp9Depacketizer(Codec codec, DepacketizerOptions options) : VideoDepacketizer(codec, options)
{
    private const int MaxLayers = 8;

    private readonly int[] _lengths = new int[MaxLayers]; // of the layers' frames that have ended
    private int _layers;
    private int _layerStart; // of the layer in assembly; where it is Frame.Length, none is

    protected override bool HasPicture => Frame.Length > 0;

    protected override bool TryAdd(ReadOnlySpan<byte> payload)
    {
        if (!TryReadDescriptor(payload, out var isStart, out var isEnd, out var length))
            return false;
        if (isStart != (Frame.Length == _layerStart) || !Frame.TryAppend(payload[length..]))
            return false;
        if (!isEnd)
            return true;
        if (_layers == MaxLayers)
            return false;
        _lengths[_layers++] = Frame.Length - _layerStart;
        _layerStart = Frame.Length;
        return true;
    }

    protected override bool IsCertainStart(ReadOnlySpan<byte> payload) =>
        TryReadDescriptor(payload, out var isStart, out _, out _) && isStart && SpatialLayerOf(payload) == 0;

    protected override bool TryFinish(out bool isKeyframe)
    {
        isKeyframe = Codec!.IsKeyframe(Frame.Span);
        return _layers > 0 && _layerStart == Frame.Length && (_layers == 1 || TryAppendIndex());
    }

    protected override void Reset() => _layers = _layerStart = 0;

    private static int PictureIdLength(ReadOnlySpan<byte> payload) =>
        (payload[0] & 0x80) == 0 ? 0 : payload.Length > 1 && (payload[1] & 0x80) != 0 ? 2 : 1;

    private static int SpatialLayerOf(ReadOnlySpan<byte> payload) =>
        (payload[0] & 0x20) == 0 ? 0 : (payload[1 + PictureIdLength(payload)] >> 1) & 7;

    // §4.2
    private static bool TryReadDescriptor(ReadOnlySpan<byte> payload, out bool isStart, out bool isEnd, out int length)
    {
        var flags = payload[0]; // I P L F B E V Z
        isStart = (flags & 0x08) != 0;
        isEnd = (flags & 0x04) != 0;
        length = 1 + PictureIdLength(payload);
        var isFlexible = (flags & 0x10) != 0;
        if ((flags & 0x20) != 0)
            length += isFlexible ? 1 : 2; // the layer, and TL0PICIDX
        if (isFlexible && (flags & 0x40) != 0)
        {
            // P_DIFF, up to three while the last bit says that one follows.
            var more = true;
            for (var i = 0; i < 3 && more; i++)
            {
                if (length >= payload.Length)
                    return false;
                more = (payload[length++] & 1) != 0;
            }
        }

        return ((flags & 0x02) == 0 || TrySkipStructure(payload, ref length)) && length < payload.Length;
    }

    // The scalability structure, §4.2.1.
    private static bool TrySkipStructure(ReadOnlySpan<byte> payload, ref int length)
    {
        if (length >= payload.Length)
            return false;
        var head = payload[length++];
        if ((head & 0x10) != 0)
            length += 4 * ((head >> 5) + 1); // width and height of each layer
        if ((head & 0x08) == 0)
            return true;
        if (length >= payload.Length)
            return false;
        for (int pictures = payload[length++]; pictures > 0; pictures--)
        {
            if (length >= payload.Length)
                return false;
            length += 1 + ((payload[length] >> 2) & 3);
        }

        return true;
    }

    private bool TryAppendIndex()
    {
        // Four bytes for each size, which is always enough.
        Span<byte> index = stackalloc byte[2 + (4 * MaxLayers)];
        var marker = (byte)(0xC0 | (3 << 3) | (_layers - 1));
        var position = 0;
        index[position++] = marker;
        foreach (var length in _lengths.AsSpan(0, _layers))
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(index[position..], length);
            position += 4;
        }

        index[position++] = marker;
        return Frame.TryAppend(index[..position]);
    }
}
