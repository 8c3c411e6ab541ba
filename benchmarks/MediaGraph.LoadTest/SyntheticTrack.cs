using System.Buffers.Binary;

namespace MediaGraph.LoadTest;

/// <summary>
/// One track of a synthetic stream: H264 of any bit rate, or AAC, in the bodies of FLV tags as RTMP has them, or bare (one NAL unit, one
/// raw AAC frame) as RTP has them. No decoder would show it: a frame carries its number, the time when it was sent and a check of both,
/// and then bytes that follow from stream and number.
/// </summary>
internal sealed class SyntheticTrack
{
    /// <summary>The largest body that servers are asked to take, in bytes.</summary>
    public const int MaxFrameBytes = 4 << 20;

    // Number, time, length, stream, check.
    private const int MarkLength = 8 + 8 + 4 + 4 + 4;
    private const int SliceHeadLength = 2; // the NAL unit's header, and a first macroblock of 0 with the slice's type
    private const int AudioBytes = 128_000 / 8 * 1024 / 48_000;
    private const int PatternMask = 0xFFFF;

    private readonly int _stream;
    private readonly double _framesPerSecond;
    private readonly int _framesPerGroup;
    private readonly int _keyframeBytes;
    private readonly int _frameBytes;
    private readonly byte[] _pattern; // long enough that the content of any frame is a slice of it
    private readonly int _tagLength; // of the tag, and of what the codec has before the mark

    private SyntheticTrack(
        bool isVideo, bool isBare, int stream, double framesPerSecond, int framesPerGroup, int keyframeBytes, int frameBytes, byte[] pattern)
    {
        var tagLength = isVideo ? 5 + 4 : 2;
        IsVideo = isVideo;
        IsBare = isBare;
        _stream = stream;
        _framesPerSecond = framesPerSecond;
        _framesPerGroup = framesPerGroup;
        _keyframeBytes = isBare ? keyframeBytes - tagLength : keyframeBytes;
        _frameBytes = isBare ? frameBytes - tagLength : frameBytes;
        _pattern = pattern;
        _tagLength = (isBare ? 0 : tagLength) + (isVideo ? SliceHeadLength : 0);
        Parameters = isVideo ? VideoParameters.ToArray() : [0xAF, 0, 0x11, 0x90];
        ParameterSets = isVideo ? [Parameters[13..39], Parameters[^6..]] : [Parameters[2..]];
    }

    public bool IsVideo { get; }

    /// <summary>Without an FLV tag around it.</summary>
    public bool IsBare { get; }

    /// <summary>Tags may have any composition time: it came by RTP, which does not say when a frame is decoded.</summary>
    public bool IsRetimed { get; private init; }

    public byte MessageType => IsVideo ? (byte)9 : (byte)8;

    /// <summary>The tag with the codec's parameters: 1280 × 720 pixels, High profile; or 48 kHz, stereo, LC.</summary>
    public byte[] Parameters { get; }

    /// <summary>The sequence and the picture parameter set, or the AudioSpecificConfig.</summary>
    public byte[][] ParameterSets { get; }

    /// <summary>Bytes of a frame before its content.</summary>
    public int HeadLength => _tagLength + MarkLength;

    public int LongestFrame => Math.Max(_keyframeBytes, _frameBytes);

    private static ReadOnlySpan<byte> VideoParameters =>
    [
        0x17, 0, 0, 0, 0,
        1, 0x64, 0x00, 0x1F, 0xFF, 0xE1, 0, 26,
        0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03,
        0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60,
        1, 0, 6,
        0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0,
    ];

    /// <summary>The tracks of all streams, which share their content's bytes.</summary>
    public static SyntheticTrack[][] ForStreams(LoadOptions options, bool areBare = false)
    {
        var (keyframe, frame) = VideoLengths(options);
        var pattern = MakePattern(Math.Max(keyframe, AudioBytes));
        return [.. Enumerable.Range(0, options.Streams).Select(stream => options.Audio ? new[] { Video(stream), Audio(stream) } : [Video(stream)])];

        SyntheticTrack Video(int stream) => new(true, areBare, stream, options.Fps, options.Gop, keyframe, frame, pattern)
        {
            IsRetimed = !areBare && options.Publishing.IsRtsp,
        };

        SyntheticTrack Audio(int stream) => new(false, areBare, stream, 48_000 / 1024.0, 1, AudioBytes, AudioBytes, pattern);
    }

    /// <summary>A keyframe has a tenth of its group's bytes, or what all others have when they are less than ten.</summary>
    public static (int Keyframe, int Frame) VideoLengths(LoadOptions options)
    {
        var group = options.Bitrate * 1e6 / 8 * options.Gop / options.Fps;
        var keyframe = Math.Max(group / 10, group / options.Gop);
        return ((int)keyframe, options.Gop == 1 ? (int)keyframe : (int)((group - keyframe) / (options.Gop - 1)));
    }

    /// <summary>The time when a frame is due.</summary>
    public TimeSpan TimeOf(long number) => TimeSpan.FromSeconds(number / _framesPerSecond);

    public int Length(long number) => IsKeyframe(number) ? _keyframeBytes : _frameBytes;

    /// <summary>Whether a decoder can start here.</summary>
    public bool IsKeyframe(long number) => number % _framesPerGroup == 0;

    /// <summary>Writes a frame and returns its length.</summary>
    public int Write(long number, long sentAt, Span<byte> destination)
    {
        var length = Length(number);
        var frame = destination[..length];
        WriteTag(number, length, frame);
        var mark = frame[_tagLength..];
        BinaryPrimitives.WriteInt64BigEndian(mark, number);
        BinaryPrimitives.WriteInt64BigEndian(mark[8..], sentAt);
        BinaryPrimitives.WriteInt32BigEndian(mark[16..], length - _tagLength);
        BinaryPrimitives.WriteInt32BigEndian(mark[20..], _stream);
        BinaryPrimitives.WriteUInt32BigEndian(mark[24..], Check(mark));
        Content(number, HeadLength, length - HeadLength).CopyTo(frame[HeadLength..]);
        return length;
    }

    /// <summary>Reads the number and the time of a frame; false when they are not what was written, or of another stream.</summary>
    public bool TryReadMark(ReadOnlySpan<byte> head, out long number, out long sentAt)
    {
        var mark = head[_tagLength..];
        number = BinaryPrimitives.ReadInt64BigEndian(mark);
        sentAt = BinaryPrimitives.ReadInt64BigEndian(mark[8..]);
        return BinaryPrimitives.ReadUInt32BigEndian(mark[24..]) == Check(mark) && number >= 0
            && BinaryPrimitives.ReadInt32BigEndian(mark[16..]) == Length(number) - _tagLength
            && BinaryPrimitives.ReadInt32BigEndian(mark[20..]) == _stream;
    }

    /// <summary>Whether a frame's head begins with the tag that was written.</summary>
    public bool HasTag(ReadOnlySpan<byte> head, long number)
    {
        Span<byte> tag = stackalloc byte[5 + 4 + SliceHeadLength];
        WriteTag(number, Length(number), tag);
        if (IsRetimed)
            head[2..5].CopyTo(tag[2..]);
        return head.StartsWith(tag[.._tagLength]);
    }

    /// <summary>What a frame's bytes from an offset behind its head on must be.</summary>
    public ReadOnlySpan<byte> Content(long number, int offset, int count) =>
        _pattern.AsSpan((int)(((number * 7919) + (_stream * 104_729L)) & PatternMask) + offset - HeadLength, count);

    private static uint Check(ReadOnlySpan<byte> mark)
    {
        var check = 2_166_136_261u;
        foreach (var value in mark[..(MarkLength - 4)])
            check = (check ^ value) * 16_777_619u;
        return check;
    }

    private static byte[] MakePattern(int longestFrame)
    {
        var pattern = new byte[PatternMask + 1 + longestFrame];
        var state = 0x9E3779B97F4A7C15UL;
        foreach (ref var value in pattern.AsSpan())
        {
            state = (state * 6364136223846793005UL) + 1442695040888963407UL;
            value = (byte)((state >> 56) | 1); // no zeros: nothing that looks like a start code
        }

        return pattern;
    }

    private void WriteTag(long number, int length, Span<byte> tag)
    {
        var isKeyframe = IsKeyframe(number);
        if (IsVideo)
            ((ReadOnlySpan<byte>)(isKeyframe ? [0x65, 0x88] : [0x41, 0x9A])).CopyTo(tag[(_tagLength - SliceHeadLength)..]);
        if (IsBare)
            return;
        tag[0] = !IsVideo ? (byte)0xAF : isKeyframe ? (byte)0x17 : (byte)0x27;
        tag[1] = 1;
        if (!IsVideo)
            return;
        tag[2..5].Clear();
        BinaryPrimitives.WriteInt32BigEndian(tag[5..], length - 9);
    }
}
