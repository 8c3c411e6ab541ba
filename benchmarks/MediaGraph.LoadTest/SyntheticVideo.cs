using System.Buffers.Binary;

namespace MediaGraph.LoadTest;

/// <summary>
/// H264 in FLV tag bodies as a server sees it: 4 Mbit/s, 30 frames per second, a keyframe every 2 s. No decoder would show it: a
/// frame's one NAL unit carries a number, the time when it was sent, and bytes that follow from the number.
/// </summary>
internal static class SyntheticVideo
{
    public const int FramesPerSecond = 30;
    public const int FramesPerGroup = 60;

    /// <summary>Bytes of a frame before the content: the tag's 5, a NAL unit's length and type, number, time, length.</summary>
    public const int HeadLength = 5 + 4 + 1 + 8 + 8 + 4;

    private const int GroupBytes = 1_000_000;
    private const int KeyframeBytes = 100_000;
    private const int FrameBytes = (GroupBytes - KeyframeBytes) / (FramesPerGroup - 1);
    private const int PatternMask = 0xFFFF;

    // Long enough that the content of any frame is a slice of it.
    private static readonly byte[] Pattern = MakePattern();

    /// <summary>The tag with the parameters of 1280 × 720 pixels, High profile.</summary>
    public static ReadOnlySpan<byte> Parameters =>
    [
        0x17, 0, 0, 0, 0,
        1, 0x64, 0x00, 0x1F, 0xFF, 0xE1, 0, 26,
        0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03,
        0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60,
        1, 0, 6,
        0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0,
    ];

    public static int Length(long number) => number % FramesPerGroup == 0 ? KeyframeBytes : FrameBytes;

    public static bool IsKeyframe(long number) => number % FramesPerGroup == 0;

    /// <summary>Writes a frame and returns its length.</summary>
    public static int Write(long number, long sentAt, Span<byte> destination)
    {
        var length = Length(number);
        var frame = destination[..length];
        frame[0] = IsKeyframe(number) ? (byte)0x17 : (byte)0x27;
        frame[1] = 1;
        frame[2..5].Clear();
        BinaryPrimitives.WriteInt32BigEndian(frame[5..], length - 9);
        frame[9] = IsKeyframe(number) ? (byte)0x65 : (byte)0x41;
        BinaryPrimitives.WriteInt64BigEndian(frame[10..], number);
        BinaryPrimitives.WriteInt64BigEndian(frame[18..], sentAt);
        BinaryPrimitives.WriteInt32BigEndian(frame[26..], length);
        Content(number, HeadLength, length - HeadLength).CopyTo(frame[HeadLength..]);
        return length;
    }

    /// <summary>What a frame's bytes from an offset behind its head on must be.</summary>
    public static ReadOnlySpan<byte> Content(long number, int offset, int count) =>
        Pattern.AsSpan((int)(number * 7919 & PatternMask) + offset, count);

    private static byte[] MakePattern()
    {
        var pattern = new byte[PatternMask + 1 + KeyframeBytes];
        var state = 0x9E3779B97F4A7C15UL;
        foreach (ref var value in pattern.AsSpan())
        {
            state = (state * 6364136223846793005UL) + 1442695040888963407UL;
            value = (byte)((state >> 56) | 1); // no zeros: nothing that looks like a start code
        }

        return pattern;
    }
}
