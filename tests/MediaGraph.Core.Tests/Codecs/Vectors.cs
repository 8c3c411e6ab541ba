namespace MediaGraph.Tests.Codecs;

/// <summary>Parameter sets and configuration records as encoders write them.</summary>
internal static class Vectors
{
    public const string Sps1080 = "67640028acd940780227e5c044000003000400000300c83c60c658";
    public const string Pps1080 = "68ebe3cb22c0";
    public const string AvcC1080 = "01640028ffe1001b" + Sps1080 + "010006" + Pps1080 + "fdf8f800";
    public const string SpsBaseline = "6742c01ed90141fb0110000003001000000301e0f162e480";

    public const string Vps720 = "40010c01ffff02200000030090000003000003005d928090";
    public const string Sps720 = "42010102200000030090000003000003005da00280802d136592a4932bc05a02000007d20000ea6010";
    public const string Pps720 = "4401c172b46240";
    public const string HvcC720 =
        "0102200000009000000000005df000fcfdfafa00000f03a000010018" + Vps720 + "a100010029" + Sps720 + "a200010007" + Pps720;

    public const string Av1C320 = "81000c000a0b000000043cfeccdaf90040";
    public const string VpcC = "000b820202020000";
    public const string OpusHead = "4f707573486561640102380180bb0000000000";
    public const string StreamInfo = "12001200" + "0004f7000567" + "0ac442f00000227447a8bdc104009b7485185e039ef921e8";
    public const string Ac3Frame = "0b77b50b1e40ebf8403eff99ff0841fc"; // its start
    public const string EAc3Frame = "0b77037f3f87c00020f8200002004000"; // its start
    public const string Mp3Frame = "fff340c40014388670175818007fe4a0"; // its start

    public const string Sps265 = "420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84";

    public static byte[] Hex(string text) => Convert.FromHexString(text);
}
