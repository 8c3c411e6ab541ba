namespace MediaGraph.Interop.Tests;

/// <summary>A pair of codecs, and how each tool is told about it.</summary>
/// <param name="Name">For test names.</param>
/// <param name="VideoUnits">The types of the NAL units that are compared: the slices.</param>
/// <param name="VideoParser">GStreamer's parser; <c>rtp…pay</c> and <c>rtp…depay</c> have the same middle.</param>
/// <param name="VideoPayload">The middle of GStreamer's RTP elements.</param>
/// <param name="AudioParser">GStreamer's parser; "identity" when there is none.</param>
/// <param name="AudioPayload">The middle of GStreamer's RTP elements.</param>
public sealed record MediaFormat(
    string Name, string VideoUnits, string VideoParser, string VideoPayload, string AudioParser, string AudioPayload)
{
    /// <summary>H264 with B-frames, AAC of 44,100 Hz.</summary>
    public static MediaFormat H264Aac44 { get; } = new("H264 and AAC 44.1 kHz", "1-5", "h264parse", "h264", "aacparse", "mp4g");

    /// <summary>H265 with B-frames, AAC of 48,000 Hz.</summary>
    public static MediaFormat H265Aac48 { get; } = new("H265 and AAC 48 kHz", "0-31", "h265parse", "h265", "aacparse", "mp4g");

    /// <summary>H264 with B-frames, Opus.</summary>
    public static MediaFormat H264Opus { get; } = new("H264 and Opus", "1-5", "h264parse", "h264", "opusparse", "opus");

    /// <summary>H264 with B-frames, A-law.</summary>
    public static MediaFormat H264Pcma { get; } = new("H264 and PCMA", "1-5", "h264parse", "h264", "identity", "pcma");

    /// <summary>H264 with B-frames, µ-law.</summary>
    public static MediaFormat H264Pcmu { get; } = new("H264 and PCMU", "1-5", "h264parse", "h264", "identity", "pcmu");

    /// <summary>
    /// ffmpeg's options that write one line per packet with its time and hash. RTP, FLV and Matroska differ in parameter sets, SEI and
    /// the framing of NAL units, and only in these: <c>filter_units</c> leaves the slices, and writes Annex B from all of them. A count
    /// takes the place of decode times: ffmpeg guesses them while it does not know the depth of the B-frames, and bends presentation times.
    /// </summary>
    public IReadOnlyList<string> HashOptions => [
        "-map", "0:v", "-map", "0:a", "-c", "copy", "-bsf:v", $"filter_units=pass_types={VideoUnits},setts=pts=PTS:dts=N-1000000",
        "-flush_packets", "1", "-f", "framehash", "-hash", "md5", "-y"];

    public override string ToString() => Name;
}
