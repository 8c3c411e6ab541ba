using MediaGraph.Codecs;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>Parameter sets as encoders write them, and frames of them.</summary>
internal static class Vectors
{
    public const string Sps1080 = "67640028acd940780227e5c044000003000400000300c83c60c658"; // High, two frames reordered
    public const string Pps1080 = "68ebe3cb22c0";
    public const string SpsBaseline = "6742c01ed90141fb0110000003001000000301e0f162e480";
    public const string Vps720 = "40010c01ffff02200000030090000003000003005d928090";
    public const string Sps720 = "42010102200000030090000003000003005da00280802d136592a4932bc05a02000007d20000ea6010";
    public const string Pps720 = "4401c172b46240";

    public static Codec H264 { get; } = Codec.H264(Hex(Sps1080), Hex(Pps1080));

    public static Codec H264Bare { get; } = new(MediaKind.Video, CodecNames.H264, Codec.VideoClockRate);

    public static Codec H265Bare { get; } = new(MediaKind.Video, CodecNames.H265, Codec.VideoClockRate);

    public static Codec H265 { get; } = MakeH265();

    /// <summary>AAC LC, 44,100 Hz, stereo.</summary>
    public static Codec Aac { get; } = Codec.Aac(Hex("1210"));

    public static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>Units with 4-byte length prefixes, in upper case.</summary>
    public static string Units(params string[] nalUnits) =>
        string.Concat(nalUnits.Select(unit => $"{unit.Length / 2:X8}{unit.ToUpperInvariant()}"));

    private static Codec MakeH265()
    {
        HevcConfiguration.TryBuild([Hex(Vps720)], [Hex(Sps720)], [Hex(Pps720)], out var record);
        return Codec.FromHevcConfiguration(record);
    }
}
