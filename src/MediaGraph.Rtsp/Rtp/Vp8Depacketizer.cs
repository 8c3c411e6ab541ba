using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>VP8 (RFC 7741).</summary>
internal sealed class Vp8Depacketizer(Codec codec, DepacketizerOptions options) : VideoDepacketizer(codec, options)
{
    protected override bool HasPicture => Frame.Length > 0;

    protected override bool TryAdd(ReadOnlySpan<byte> payload)
    {
        if (!TryReadDescriptor(payload, out var isStart, out var length))
            return false;
        return isStart == (Frame.Length == 0) && Frame.TryAppend(payload[length..]);
    }

    protected override bool IsCertainStart(ReadOnlySpan<byte> payload) => TryReadDescriptor(payload, out var isStart, out _) && isStart;

    protected override bool TryFinish(out bool isKeyframe)
    {
        isKeyframe = Codec!.IsKeyframe(Frame.Span);
        return true;
    }

    protected override void Reset()
    {
        // The frame's bytes are all there is.
    }

    // §4.2
    private static bool TryReadDescriptor(ReadOnlySpan<byte> payload, out bool isStart, out int length)
    {
        isStart = (payload[0] & 0x10) != 0 && (payload[0] & 7) == 0; // the first of partition 0
        length = 1;
        if ((payload[0] & 0x80) != 0)
        {
            if (payload.Length < 2)
                return false;
            var extensions = payload[1];
            length = 2;
            if ((extensions & 0x80) != 0) // PictureID of 7 or 15 bits
                length += payload.Length > 2 && (payload[2] & 0x80) != 0 ? 2 : 1;
            if ((extensions & 0x40) != 0) // TL0PICIDX
                length++;
            if ((extensions & 0x30) != 0) // TID, Y, KEYIDX
                length++;
        }

        return length < payload.Length;
    }
}
