using System.Buffers.Binary;

namespace MediaGraph.Rtmp.Tests.Support;

/// <summary>Bodies of audio and video messages, small and well formed.</summary>
internal static class Samples
{
    /// <summary>640x360 and 1920x1080, High profile.</summary>
    private const string SmallSps = "6764001eacb201405ff2e022000003000200000300791e2c5c90";
    private const string LargeSps = "67640028acd940780227e5c044000003000400000300c83c60c658";

    private static readonly byte[] Pps = Convert.FromHexString("68ebe3cb22c0");

    public static byte[] VideoHeader { get; } = [0x17, 0, 0, 0, 0, .. Avcc(SmallSps)];

    public static byte[] LargeVideoHeader { get; } = [0x17, 0, 0, 0, 0, .. Avcc(LargeSps)];

    /// <summary>AAC LC at 44.1 and 48 kHz, stereo.</summary>
    public static byte[] AudioHeader { get; } = [0xAF, 0, 0x12, 0x10];

    public static byte[] OtherAudioHeader { get; } = [0xAF, 0, 0x11, 0x90];

    public static byte[] Keyframe(int size = 32, byte mark = 0, int composition = 0) => Video(0x17, 0x65, size, mark, composition);

    public static byte[] InterFrame(int size = 24, byte mark = 0, int composition = 0) => Video(0x27, 0x41, size, mark, composition);

    public static byte[] Audio(int size = 16, byte mark = 0)
    {
        var body = new byte[2 + size];
        (body[0], body[1], body[2]) = (0xAF, 1, mark);
        for (var i = 3; i < body.Length; i++)
            body[i] = (byte)(i * 3);
        return body;
    }

    private static byte[] Video(byte head, byte nalHeader, int size, byte mark, int composition)
    {
        var body = new byte[5 + 4 + size];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), composition); // 24 bits: their high byte is written over below
        (body[0], body[1]) = (head, 1);
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(5), size);
        for (var i = 9; i < body.Length; i++)
            body[i] = (byte)(i | 1);
        (body[9], body[10]) = (nalHeader, mark);
        return body;
    }

    private static byte[] Avcc(string spsHex)
    {
        var sps = Convert.FromHexString(spsHex);
        return
        [
            1, sps[1], sps[2], sps[3], 0xFF, 0xE1, 0, (byte)sps.Length, .. sps, 1, 0, (byte)Pps.Length, .. Pps, 0xFD, 0xF8, 0xF8, 0,
        ];
    }
}
