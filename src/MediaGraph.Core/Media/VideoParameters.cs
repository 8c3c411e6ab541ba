using MediaGraph.Codecs;

namespace MediaGraph.Media;

/// <summary>What the parameter sets of a video codec say about its pictures.</summary>
/// <param name="Width">Width in luma samples, cropping applied, 1 or more.</param>
/// <param name="Height">Height in luma samples, cropping applied, 1 or more.</param>
/// <param name="FrameRate">Pictures per second, up to 1,000; null where the stream does not say.</param>
/// <param name="Profile">The profile's name, such as <c>High</c>.</param>
/// <param name="Level">The level's name, such as <c>4.1</c>.</param>
/// <param name="ReorderDepth">
/// How many pictures may precede a picture in decoding order and follow it in output order, 0 to 16; 0 means that decode and
/// presentation time are equal.
/// </param>
public sealed record VideoParameters(int Width, int Height, double? FrameRate, string Profile, string Level, int ReorderDepth)
{
    /// <summary>Reads the first SPS of an avcC that can be read; null when there is none.</summary>
    internal static VideoParameters? FromAvc(ReadOnlySpan<byte> record)
    {
        if (!AvcConfiguration.TryParse(record, out var configuration))
            return null;
        foreach (var set in configuration.SequenceParameterSets)
        {
            if (H264Sps.TryParse(set.Span, out var sps))
                return new(sps.Width, sps.Height, sps.FrameRate, sps.ProfileName, sps.LevelName, sps.ReorderDepth);
        }

        return null;
    }

    /// <summary>Reads the first SPS of an hvcC that can be read; null when there is none.</summary>
    internal static VideoParameters? FromHevc(ReadOnlySpan<byte> record)
    {
        if (!HevcConfiguration.TryParse(record, out var configuration))
            return null;
        foreach (var set in configuration.SequenceParameterSets)
        {
            if (!H265Sps.TryParse(set.Span, out var sps))
                continue;
            var frameRate = sps.FrameRate;
            foreach (var videoSet in configuration.VideoParameterSets)
                frameRate ??= H265Vps.ReadFrameRate(videoSet.Span);
            return new(sps.Width, sps.Height, frameRate, sps.ProfileName, sps.LevelName, sps.ReorderDepth);
        }

        return null;
    }

    /// <summary>Reads the sequence header of an av1C; null when there is none.</summary>
    internal static VideoParameters? FromAv1(ReadOnlySpan<byte> record) =>
        Av1SequenceHeader.TryParseRecord(record, out var header)
            ? new(header.Width, header.Height, header.FrameRate, header.ProfileName, header.LevelName, ReorderDepth: 0)
            : null;
}
